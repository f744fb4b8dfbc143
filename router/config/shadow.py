"""A route's `shadow`: where a share of its requests is copied to, and how much that may cost.

Why: copies cost money that nobody asked for by the request, so what bounds them must be certain
before the first one is sent.
Must not: know how a copy is made, or what is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.config.problems import Report
from router.config.tree import Table, find, is_null, shown
from router.config.values import Rate

if TYPE_CHECKING:
    from router.config.schema import Provider
    from router.config.written import WrittenShadow

SPEND = Rate(5_000_000_000, 86_400.0)
"""Five dollars a day, in nano-dollars: enough to see, too little to regret."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A `share` of requests, above 0 and at most 1, is copied `to` another target: at most `rate`
    of them, for at most `spend` nano-dollars (None: whatever it costs), `concurrent` at once.
    `judge` is an import path, `module:attribute`, None without one.
    """

    to: str
    share: float = 0.05
    rate: Rate = Rate(60, 60.0)
    spend: Rate | None = SPEND
    concurrent: int = 8
    judge: str | None = None


def shadow_of(
    route: str,
    written: WrittenShadow | None,
    targets: frozenset[str],
    plugins: tuple[str, ...],
    providers: Mapping[str, Provider],
    tree: Table,
    report: Report,
) -> Shadow | None:
    """A route's shadow, None where it has none; `targets` are the route's own. What is wrong with
    it, but for where it leads, goes to `report`.
    """
    place = find(tree, ("models", route, "shadow"))
    if not place.whole:
        return None
    if not isinstance(place.node, Table) or "to" not in place.node.entries:
        if isinstance(place.node, Table) or is_null(place.node):
            remedy = "write `to: provider/model` in it"
            report.problem(place.key.mark, "a shadow without a target", remedy)
        return None
    if written is None or written.to is None:
        return None
    _check_judge(written.judge, plugins, place.node, report)
    given = written.given()
    if written.spend is not None:
        given["spend"] = written.spend.rate
    shadow = Shadow(**given)
    to = place.node.entries["to"].value
    if targets == {shadow.to}:
        report.problem(to.mark, "the shadow is the route's only target", "name another one")
    _check_price(shadow, providers, place.node, report)
    return shadow


def _check_judge(judge: str | None, plugins: tuple[str, ...], table: Table, report: Report) -> None:
    if judge is None or judge.partition(":")[0] in plugins:
        return
    leaf = table.entries["judge"].value
    what = f"the module of judge {shown(leaf)} is not in server.plugins"
    report.problem(leaf.mark, what, "add it")


def _check_price(
    shadow: Shadow, providers: Mapping[str, Provider], table: Table, report: Report
) -> None:
    """A sum of money cannot be kept without a price. Whose company is known, a list may know it."""
    name, _, upstream = shadow.to.partition("/")
    provider = providers.get(name)
    model = provider.models.get(upstream) if provider is not None else None
    if shadow.spend is None or provider is None or model is None or provider.company is not None:
        return
    if None in (model.price.input, model.price.output):
        entry = table.entries.get("spend") or table.entries["to"]
        what = "what the shadow costs cannot be bounded: no price of its target is known"
        report.problem(entry.value.mark, what, "write its model's price, or `spend: none`")
