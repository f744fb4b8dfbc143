"""Weights that say shares to whoever wrote them, and nothing of the kind to the policy.

Why: a route that names no policy goes by speed, and 90 : 10 written in it moves nearly everything.
Must not: judge weights beside a policy that is written: there they are meant as it takes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.config.problems import Report, quoted
from router.config.tiers import TIERED
from router.config.tree import Table, find
from router.config.values import WeightedTarget
from router.config.written import WrittenRoute


def note_weights(
    name: str,
    written: WrittenRoute,
    tiers: Iterable[Iterable[WeightedTarget]],
    tree: Table,
    report: Report,
) -> None:
    """Note unequal weights on a route whose choice among them nothing in the file names."""
    tiered = written.policy is not None and written.policy.name in TIERED
    if (written.within if tiered else written.policy) is not None:
        return
    place: tuple[str, ...] = ("tiers",) if tiered else ("targets",)
    weights = [(place, [target.weight for target in tier]) for tier in tiers]
    if written.shift is not None:
        weights.append((("shift", "to"), [one.weight for one in written.shift.to.values()]))
    for where, each in weights:
        unequal = sorted({weight for weight in each if weight})
        if len(unequal) > 1:
            key = "within" if tiered else "policy"
            mark = find(tree, ("models", name, *where)).key.mark
            what = f"the weights of {quoted(name)} are no shares: least_latency takes the fastest,"
            what += f" and a weight of {unequal[-1]:g} as {unequal[-1] / unequal[0]:.3g} times as"
            what += f" fast as one of {unequal[0]:g}"
            remedy = f"write {key}: weighted_round_robin, or {key}: least_latency if it is meant"
            report.note(mark, what, remedy)
            return
