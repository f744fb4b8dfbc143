"""Requests of a seed before a pool of targets, in virtual time: what a policy claims is seen in who
was sent what, and when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random

import pytest

from policies import Climb, Engine, Facts, Policy, Route, Target
from policies.simulate import Arrival, Crowd, Fault, Sent, Service, World

pools = pytest.mark.parametrize("count", [1, 2, 3, 8])
several = pytest.mark.parametrize("count", [2, 3, 8])
seeds = pytest.mark.parametrize("seed", [1, 2, 3])

SWIFT = Service(first_token=0.3, per_token=0.002)


def named(count: int, tier: int = 0) -> list[Target]:
    """So many equal targets of a tier."""
    return [Target(f"{'abcdefgh'[tier]}{number}/m", 1, tier) for number in range(count)]


def play(
    policy: Policy,
    targets: Sequence[Target],
    seed: int,
    *,
    rate: float = 2.0,
    seconds: float = 120.0,
    arrivals: Iterable[Arrival] | None = None,
    services: Mapping[str, Service] | None = None,
    faults: Sequence[Fault] = (),
    facts: Mapping[str, Facts] | None = None,
    climb: frozenset[Climb] = frozenset(Climb),
) -> World:
    """The world after `rate` requests a second for each target, or those that are named."""
    errors: list[str] = []
    engine = Engine(
        {"chat": Route(targets, policy, climb=climb)},
        rng=Random(f"{seed}/engine"),
        now=0.0,
        facts=facts,
        on_policy_error=lambda name, error: errors.append(f"{name}: {error!r}"),
    )
    serve = {target.name: SWIFT for target in targets} | dict(services or {})
    world = World(engine, serve, Random(f"{seed}/world"), faults)
    if arrivals is None:
        arrivals = Crowd(rate * len(targets)).come(seconds, Random(f"{seed}/arrivals"))
    world.run(arrivals)
    assert errors == []
    assert engine.in_flight == 0
    return world


def in_order(world: World, begin: float = 0.0, end: float = float("inf")) -> list[Sent]:
    """What was sent in a time, as it was sent."""
    return sorted((one for one in world.sent if begin <= one.at < end), key=lambda one: one.at)


def shares(world: World, begin: float = 0.0, end: float = float("inf")) -> dict[str, float]:
    """Of what was sent in a time, each target's part."""
    counts = Counter(one.target for one in in_order(world, begin, end))
    return {name: counts[name] / (counts.total() or 1) for name in world.servers}
