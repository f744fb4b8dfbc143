"""Two files side by side: what each made of the same traffic, and the difference, with how sure it
is.

Must not: judge. Whether a difference is too much, `thresholds` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from router.planning.interval import Change, Figure, at, change, quantile, ratio
from router.planning.tallies import Sums, Tallies

CURVE = 100
"""Points that a distribution of waits is drawn by."""
RATES = frozenset({"errors", "limit_hits"})
"""Figures that are shares of requests, in [0, 1]: their differences are points."""


def _cost(sums: Sums) -> Figure | None:
    return None if sums.unpriced else ratio(sums.spent, sums.requests)


FIGURES: Mapping[str, Callable[[Sums], Figure | None]] = {
    "cost": _cost,
    "errors": lambda sums: ratio(sums.errors, sums.requests),
    "limit_hits": lambda sums: ratio(sums.limited, sums.requests),
    "p50_first_token": lambda sums: quantile(0.50, sums.ordered, sums.waits),
    "p99_first_token": lambda sums: quantile(0.99, sums.ordered, sums.waits),
}
"""What is told of each group of requests: nano-dollars a request, shares of requests, seconds."""


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that belong together, in both files. A figure is None where it has no meaning in
    one of them; `unpriced` are targets for which nobody knows a price. `curves` are the waits for
    the first token of either file, from the shortest to the longest.
    """

    requests: int
    figures: Mapping[str, Change | None]
    shares: Mapping[str, Change]
    unpriced: tuple[str, ...]
    curves: tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All requests, those of each model and those of each tenant."""

    all: Group
    models: Mapping[str, Group]
    tenants: Mapping[str, Group]


def compare(old: Tallies, new: Tallies, runs: int) -> Comparison:
    """What the new file makes of the traffic, beside what the old one does."""
    models = sorted({model for model, _ in (*old.cells, *new.cells)})
    tenants = sorted({tenant for _, tenant in (*old.cells, *new.cells)})

    def of(model: str | None = None, tenant: str | None = None) -> Group:
        return _group(old.group(model, tenant), new.group(model, tenant), runs)

    return Comparison(
        of(),
        {model: of(model=model) for model in models},
        {tenant: of(tenant=tenant) for tenant in tenants},
    )


def _group(old: Sums, new: Sums, runs: int) -> Group:
    targets = sorted({*old.sends, *new.sends})
    shares = {target: change(_share(old, target), _share(new, target)) for target in targets}
    return Group(
        sum(old.requests) // runs,
        {name: change(figure(old), figure(new)) for name, figure in FIGURES.items()},
        {target: share for target, share in shares.items() if share is not None},
        tuple(sorted(old.unpriced | new.unpriced)),
        (_curve(old.ordered), _curve(new.ordered)),
    )


def _share(sums: Sums, target: str) -> Figure | None:
    """A target's part of all that is sent; nothing where nothing is."""
    nothing = [0] * len(sums.requests)
    sends = [sum(block) for block in zip(nothing, *sums.sends.values(), strict=True)]
    found = ratio(sums.sends.get(target, nothing), sends)
    return found or Figure(0.0, (0.0,) * len(nothing))


def _curve(ordered: Sequence[float]) -> tuple[float, ...]:
    if not ordered:
        return ()
    return tuple(at(place / CURVE, ordered) for place in range(CURVE + 1))
