"""Portkey's nested strategies as tiers of weighted targets.

Why: there a target may be a strategy itself; here a route has tiers, and each its shares.
Must not: know where a target is, or read a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from router.importing.draft import Block, Target, Tier, add

Mode = Literal["single", "loadbalance", "fallback"]


@dataclass(slots=True)
class Node:
    """A strategy with what is below it, or a `target`; `line` is where it stands."""

    line: int
    mode: Mode = "single"
    weight: float = 1.0
    target: Target | None = None
    below: list[Node] = field(default_factory=list)


def tiers(node: Node, block: Block) -> list[Tier]:
    """The tiers that a node means. What they do not keep of it is remarked on."""
    if node.target is not None:
        tier: Tier = {}
        add(tier, node.target, 1.0)
        return [tier]
    each = [(one, tiers(one, block)) for one in node.below]
    each = [(one, found) for one, found in each if found]
    if node.mode != "loadbalance":
        return _distinct([tier for _, found in each for tier in found])
    if any(len(found) > 1 for _, found in each):
        told = "what each of the shares falls back on is one tier for all of them here"
        block.remark(node.line, told)
    merged: list[Tier] = [{} for _ in range(max((len(found) for _, found in each), default=0))]
    for one, found in each:
        for tier, own in zip(merged, found, strict=False):
            whole = sum(weight for _, weight in own.values()) or 1.0
            for target, weight in own.values():
                add(tier, target, one.weight * (weight / whole))
    return _distinct(merged)


def _distinct(found: list[Tier]) -> list[Tier]:
    """Each target in the first tier alone that has it."""
    known: set[tuple[int, str]] = set()
    kept = []
    for tier in found:
        own = {key: one for key, one in tier.items() if key not in known}
        known |= own.keys()
        if own:
            kept.append(own)
    return kept
