"""What a route says of moving its traffic to other targets, in steps.

Why: where it leads should be as sure as where the route leads now, before the first request moves.
Must not: know how far it has come, or what follows from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from router.config.problems import Mark, Report
from router.config.shares import show_percent, show_points, show_ratio
from router.config.shift import Guard, Shift
from router.config.tiers import TIERED
from router.config.tree import Listing, Table, find
from router.config.units import show_duration
from router.config.values import WeightedTarget
from router.config.written import WrittenRoute

EXAMPLE = "[1, 5, 25, 50, 100]"


def shift_of(
    route: str,
    written: WrittenRoute,
    to: tuple[WeightedTarget, ...],
    targets: tuple[WeightedTarget, ...],
    tree: Table,
    report: Report,
) -> Shift | None:
    """The shift of a route from `targets`; None: it has none. Faults go to `report`."""
    found = find(tree, ("models", route, "shift"))
    if written.shift is None or not found.whole:
        return None
    mark = found.key.mark
    policy = written.policy.name if written.policy is not None else None
    if written.tiers or policy in TIERED:
        what = "shift is for a route with weighted targets, not with tiers"
        report.problem(mark, what, "remove it, or write targets: {…: 90, …: 10}")
        return None
    if not isinstance(found.node, Table) or "to" not in found.node.entries:
        report.problem(mark, "shift leads nowhere: it has no `to`", "write `to: {…: 1}` in it")
        return None
    _check_to(to, targets, find(tree, ("models", route, "shift", "to")).key.mark, report)
    _check_steps(route, written.shift.steps, tree, report)
    given = written.shift.given()
    guard = Guard(**written.shift.guard.given())
    return Shift(to, **{k: v for k, v in given.items() if k not in ("to", "guard")}, guard=guard)


def _check_to(
    to: tuple[WeightedTarget, ...],
    targets: tuple[WeightedTarget, ...],
    mark: Mark,
    report: Report,
) -> None:
    if to and not any(target.weight for target in to):
        report.problem(mark, "shift leads nowhere: every weight is 0", "give one target a weight")
    elif to and frozenset(to) == frozenset(targets):
        what, remedy = "shift leads nowhere: `to` is what targets are", "write other weights in it"
        report.problem(mark, what, remedy)


def _check_steps(route: str, steps: tuple[float, ...], tree: Table, report: Report) -> None:
    found = find(tree, ("models", route, "shift", "steps"))
    if not isinstance(found.node, Listing) or len(found.node.items) != len(steps):
        return  # reported already
    if not steps or steps[-1] != 1 or any(low >= high for low, high in pairwise(steps)):
        shown = ", ".join(map(show_percent, steps))
        what = f"steps [{shown}] do not rise to 100"
        report.problem(found.node.mark, what, f"write them as {EXAMPLE}")


Change = tuple[str, Any, Any, Callable[[Any], str]]
"""A key, what it was and what it is, and how that is shown."""


def shift_changes(old: Shift | None, new: Shift | None) -> list[Change]:
    """What a reload may have changed of a route's shift."""
    if old is None or new is None:
        return [("shift", old, new, lambda shift: f"to {_weighted(shift.to)}")]
    return [
        ("shift.to", old.to, new.to, _weighted),
        ("shift.steps", old.steps, new.steps, lambda steps: ", ".join(map(show_percent, steps))),
        ("shift.interval", old.interval, new.interval, show_duration),
        ("shift.min_requests", old.min_requests, new.min_requests, str),
        ("shift.by", old.by, new.by, str),
        ("shift.guard.errors", old.guard.errors, new.guard.errors, show_points),
        (
            "shift.guard.first_token_p95",
            old.guard.first_token_p95,
            new.guard.first_token_p95,
            show_ratio,
        ),
        ("shift.guard.cost", old.guard.cost, new.guard.cost, show_ratio),
        ("shift.cool_down", old.cool_down, new.cool_down, show_duration),
    ]


def _weighted(targets: Iterable[WeightedTarget]) -> str:
    return ", ".join(f"{target.name} {target.weight:g}" for target in targets)
