"""What a route with tiers may say of them: where requests start, what lets them go on.

Why: a rule that no request can follow should be known before one comes.
Must not: know what a policy does with it.
"""

from __future__ import annotations

from typing import Any

from router.config.problems import Report, quoted
from router.config.rules import Asked, StartRule
from router.config.tree import Found, Leaf, Listing, Table, find, is_null
from router.config.written import WrittenConditions, WrittenRoute, WrittenRule

TIERED = ("priority", "cost_tiers")
RULED = "cost_tiers"
EXAMPLE = "{if: {tools: true}, tier: 2}"
DEFAULT_TENANT = "default"
"""Who everyone is where nobody needs a key."""
STARTING = ("start", "tiers_at", "estimator")


def check_form(route: str, policy: str, tree: Table, report: Report, *, known: bool) -> None:
    """Report keys about tiers on a route that has none. Where the policy is not `known` it is a
    plugin's, or a mistake that is reported elsewhere.
    """
    keys = find(tree, ("models", route)).node
    entries = keys.entries if isinstance(keys, Table) else {}
    for key in STARTING:
        if key in entries and known and policy != RULED:
            remedy = f"remove it, or write policy: {RULED}"
            report.problem(entries[key].key.mark, f"{key} is for policy {RULED}", remedy)
    if "within" in entries and known and policy not in TIERED:
        what = f"within is for policy {' or '.join(TIERED)}"
        report.problem(entries["within"].key.mark, what, "remove it")
    for key in ("climb", "patience"):
        if key in entries and "tiers" not in entries:
            what = f"{key} is about leaving a tier, and route has none"
            report.problem(entries[key].key.mark, what, "remove it, or write tiers")


def note_alone(route: str, written: WrittenRoute, tree: Table, report: Report) -> None:
    """Note a policy among tiers that has but one."""
    policy = written.policy.name if written.policy is not None else None
    if policy in TIERED and len(written.tiers) == 1:
        what = f"policy {policy} with one tier: there is none to which a request could go on"
        remedy = "add a tier: tiers: [[a], [b]], or write targets and another policy"
        report.note(find(tree, ("models", route, "tiers")).key.mark, what, remedy)


def leaving(written: WrittenRoute) -> dict[str, Any]:
    """What the file says of leaving a tier, as a `Route` takes it."""
    given = {key: value for key, value in written.given().items() if key in ("climb", "patience")}
    return given | ({"climb": frozenset(written.climb)} if "climb" in given else {})


def start_of(
    route: str, written: WrittenRoute, tiers: int, tree: Table, report: Report
) -> dict[str, Any]:
    """Where requests start, as a `Route` takes it, as far as it can be followed; the rest goes to
    `report`.
    """
    start = written.start
    rules = [
        _rule(rule, tiers if written.tiers else 0, _found(tree, route, "start", "rules", i), report)
        for i, rule in enumerate(start.rules)
    ]
    for i, rule in enumerate(start.rules):
        _check_tenants(rule, _found(tree, route, "start", "rules", i, "if", "tenant"), tree, report)
    scored = start.name is not None or written.estimator is not None
    scored = scored or any(rule.score is not None for rule in start.rules)
    return {
        "auto": start.name is not None,
        "start": tuple(rule for rule in rules if rule is not None),
        "tiers_at": _tiers_at(route, written, tiers, tree, report, scored=scored),
    }


def _found(tree: Table, route: str, *path: str | int) -> Found:
    return find(tree, ("models", route, *path))


def _tiers_at(
    route: str, written: WrittenRoute, tiers: int, tree: Table, report: Report, *, scored: bool
) -> tuple[float, ...]:
    """The scores at which the tiers begin; in even steps, where the file says nothing."""
    even = tuple(round(tier / tiers, 3) for tier in range(1, tiers)) if scored else ()
    found = _found(tree, route, "tiers_at")
    if "tiers_at" not in written.model_fields_set or not found.whole:
        return even
    given = written.tiers_at
    if not scored:
        what = "tiers_at is about scores, and nothing gives one"
        report.problem(found.key.mark, what, "write start: auto, or a rule with score: +.4")
    elif len(given) != tiers - 1:
        what = f"{len(given)} scores for {tiers} tiers: the first has none, each other has one"
        report.problem(found.node.mark, what, f"write {tiers - 1} of them")
    elif not all(a > 0 for a in given) or [*given] != sorted(set(given)):
        what = "each of tiers_at must be more than the one before, and more than 0"
        report.problem(found.node.mark, what, "write them as [.4, .8]")
    return given if scored else ()


def _check_tenants(written: WrittenRule, found: Found, tree: Table, report: Report) -> None:
    known = [*tree.table("tenants").entries, DEFAULT_TENANT]
    for name in written.if_.tenant:
        if name not in known:
            items = found.node.items if isinstance(found.node, Listing) else ()
            node = next((n for n in items if isinstance(n, Leaf) and n.value == name), found.node)
            shown = f" {quoted(node.written)}" if isinstance(node, Leaf) else ""
            report.problem(node.mark, f"there is no tenant{shown}", report.nearest(name, known))


def _rule(written: WrittenRule, tiers: int, found: Found, report: Report) -> StartRule | None:
    table = found.node
    if not isinstance(table, Table):
        return None
    if "tier" not in table.entries and "score" not in table.entries:
        what = "a rule without a tier or a score"
        report.problem(table.mark, what, f"write it as {EXAMPLE}, or score: +.4")
    elif "tier" in table.entries and "score" in table.entries:
        what = "a rule with both a tier and a score"
        report.problem(table.entries["score"].key.mark, what, "keep one of the two")
    elif written.tier is not None and written.tier > tiers > 0:
        what = f"there is no tier {written.tier}, the last one is {tiers}"
        report.problem(table.entries["tier"].value.mark, what, "name one of the tiers above")
    conditions = _conditions(written.if_)
    asked = table.get("if")
    if asked is None or is_null(asked) or (isinstance(asked, Table) and not asked.entries):
        place = table if asked is None else asked
        report.problem(place.mark, "a rule without a condition", f"write it as {EXAMPLE}")
    if (written.tier is None and written.score is None) or not conditions:
        return None
    return StartRule(conditions, written.tier, written.score or 0.0)


def _conditions(written: WrittenConditions) -> tuple[tuple[str, Asked], ...]:
    """In one order, however the file has them: rules that say the same are equal."""
    given = written.given()
    return tuple(
        (field.alias or name, _asked(given[name]))
        for name, field in type(written).model_fields.items()
        if given.get(name) not in (None, (), {})
    )


def _asked(value: Any) -> Asked:
    asked: Asked = tuple(sorted(value.items())) if isinstance(value, dict) else value
    return asked
