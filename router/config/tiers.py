"""What a route with tiers may say of them: where requests start, what lets them go on.

Why: a rule that no request can follow should be known before one comes.
Must not: know what a policy does with it.
"""

from __future__ import annotations

from typing import Any

from router.config.problems import Report
from router.config.schema import Asked, StartRule
from router.config.tree import Found, Table, find, is_null
from router.config.written import WrittenConditions, WrittenRoute, WrittenRule

TIERED = ("priority", "cost_tiers")
RULED = "cost_tiers"
EXAMPLE = "{if: {tools: true}, tier: 2}"


def check_form(route: str, policy: str, tree: Table, report: Report, *, known: bool) -> None:
    """Report keys about tiers on a route that has none. Where the policy is not `known` it is a
    plugin's, or a mistake that is reported elsewhere.
    """
    keys = find(tree, ("models", route)).node
    entries = keys.entries if isinstance(keys, Table) else {}
    if "start" in entries and known and policy != RULED:
        remedy = f"remove it, or write policy: {RULED}"
        report.problem(entries["start"].key.mark, f"start is for policy {RULED}", remedy)
    if "within" in entries and known and policy not in TIERED:
        what = f"within is for policy {' or '.join(TIERED)}"
        report.problem(entries["within"].key.mark, what, "remove it")
    for key in ("climb", "patience"):
        if key in entries and "tiers" not in entries:
            what = f"{key} is about leaving a tier, and route has none"
            report.problem(entries[key].key.mark, what, "remove it, or write tiers")


def leaving(written: WrittenRoute) -> dict[str, Any]:
    """What the file says of leaving a tier, as a `Route` takes it."""
    given = {key: value for key, value in written.given().items() if key in ("climb", "patience")}
    return given | ({"climb": frozenset(written.climb)} if "climb" in given else {})


def start_rules(
    route: str, written: WrittenRoute, tree: Table, report: Report
) -> tuple[StartRule, ...]:
    """A route's `start`, as far as it can be followed; the rest goes to `report`."""
    rules = [
        _rule(rule, len(written.tiers), find(tree, ("models", route, "start", index)), report)
        for index, rule in enumerate(written.start)
    ]
    return tuple(rule for rule in rules if rule is not None)


def _rule(written: WrittenRule, tiers: int, found: Found, report: Report) -> StartRule | None:
    table = found.node
    if not isinstance(table, Table):
        return None
    if "tier" not in table.entries:
        report.problem(table.mark, "a rule without a tier", f"write it as {EXAMPLE}")
    elif written.tier is not None and written.tier > tiers > 0:
        what = f"there is no tier {written.tier}, the last one is {tiers}"
        report.problem(table.entries["tier"].value.mark, what, "name one of the tiers above")
    conditions = _conditions(written.if_)
    asked = table.get("if")
    if asked is None or is_null(asked) or (isinstance(asked, Table) and not asked.entries):
        place = table if asked is None else asked
        report.problem(place.mark, "a rule without a condition", f"write it as {EXAMPLE}")
    if written.tier is None or not conditions:
        return None
    return StartRule(conditions, written.tier)


def _conditions(written: WrittenConditions) -> tuple[tuple[str, Asked], ...]:
    """In one order, however the file has them: rules that say the same are equal."""
    given = written.given()
    return tuple(
        (field.alias or name, given[name])
        for name, field in type(written).model_fields.items()
        if given.get(name) is not None
    )
