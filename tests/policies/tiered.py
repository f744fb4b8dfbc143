"""Worlds with tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policies import Climb, Priority, Target
from tests.policies.driver import World, limited

FAILURE = frozenset({Climb.FAILURE})
ONLY_THROTTLED = frozenset({Climb.THROTTLED})
NEVER = frozenset[Climb]()
FULL = limited(concurrent=1)


def tiered(*tiers: Sequence[str], **options: Any) -> World:
    """A world with a tier for each argument, by priority if no other policy is named."""
    targets = [Target(name, 1, tier) for tier, names in enumerate(tiers) for name in names]
    options.setdefault("policy", Priority())
    return World(*targets, **options)


def two(**options: Any) -> World:
    return tiered(["a/m"], ["b/m"], **options)
