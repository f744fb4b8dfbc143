"""A tier takes all it has room for; only the overflow goes on, and a tier that was away comes back
by and by. So many targets stand in each of two tiers.
"""

from __future__ import annotations

import pytest

from policies import LeastLatency, Policy, Priority, WeighedLatency, WeightedRoundRobin
from policies.simulate import Fault, Sent, Service, World
from tests.policies.claims.played import in_order, named, play, pools, seeds
from tests.policies.driver import limited

PLACES = 2
BUSY = 4.0
"""Requests a second for each target of both tiers: more than one tier has room for."""
within = pytest.mark.parametrize(
    "within", [LeastLatency(), WeightedRoundRobin(), WeighedLatency("prefix")], ids=repr
)


def two_tiers(count: int, seed: int, *, policy: Policy | None = None, **options: object) -> World:
    targets = [*named(count), *named(count, tier=1)]
    return play(policy or Priority(), targets, seed, **options)  # type: ignore[arg-type]


def first_tier(world: World, begin: float, end: float) -> float:
    """Its part of what was sent in a time."""
    sends = in_order(world, begin, end)
    return sum(one.target[0] == "a" for one in sends) / len(sends)


def open_before(sends: list[Sent], one: Sent) -> int:
    """Attempts in the first tier that were open when that one was sent."""
    return sum(other.target[0] == "a" and other.at < one.at < other.end for other in sends)


@pools
@seeds
@within
def test_below_its_room_it_takes_all(count: int, seed: int, within: Policy) -> None:
    world = two_tiers(count, seed, policy=Priority(within), rate=1.0, seconds=60.0)
    assert first_tier(world, 0.0, 60.0) == 1.0


@pools
@seeds
def test_however_slow_it_is(count: int, seed: int) -> None:
    slow = {target.name: Service(first_token=3.0) for target in named(count)}
    world = two_tiers(count, seed, services=slow, rate=0.5)
    assert first_tier(world, 0.0, 120.0) == 1.0


@pools
@seeds
def test_only_what_finds_no_place_goes_on(count: int, seed: int) -> None:
    facts = {target.name: limited(concurrent=PLACES) for target in named(count)}
    world = two_tiers(count, seed, facts=facts, rate=BUSY, seconds=12.0)
    sends = in_order(world)
    over = [one for one in sends if one.target[0] == "b"]
    assert 0.05 <= len(over) / len(sends) <= 0.9
    assert all(open_before(sends, one) == PLACES * count for one in over)
    assert max(open_before(sends, one) for one in sends) == PLACES * count


@pools
@seeds
def test_the_limit_of_a_minute_is_used_up_and_only_the_rest_goes_on(count: int, seed: int) -> None:
    facts = {target.name: limited(requests=60) for target in named(count)}
    world = two_tiers(count, seed, facts=facts, rate=1.0, seconds=180.0)
    sent = sum(one.target[0] == "a" for one in world.sent)
    assert 0.95 * 3 * 60 * count <= sent <= 3 * 60 * count
    assert all(one.first is not None for one in world.answered)


@pools
@seeds
def test_while_all_of_it_is_ill_the_next_serves_and_it_comes_back_by_and_by(
    count: int, seed: int
) -> None:
    faults = [Fault(target.name, 30.0, 60.0, errors=1.0) for target in named(count)]
    world = two_tiers(count, seed, faults=faults, seconds=180.0)
    assert first_tier(world, 40.0, 60.0) <= 0.1
    later = [one for one in world.answered if one.at >= 40.0]  # at first, three sends may all fail
    assert all(one.first is not None for one in later)
    sends = in_order(world, 60.0)
    back = next(
        place for place, one in enumerate(sends) if one.target[0] == "a" and one.outcome.good
    )
    early = sends[back + 1 : back + 13]
    assert sum(one.target[0] == "a" for one in early) <= 6
    assert first_tier(world, 150.0, 180.0) == 1.0


@pools
@seeds
def test_one_that_is_well_keeps_all_in_its_tier(count: int, seed: int) -> None:
    ill = [Fault(target.name, 20.0, errors=1.0) for target in named(count)[1:]]
    world = two_tiers(count, seed, faults=ill)
    assert first_tier(world, 0.0, 120.0) >= 0.99
