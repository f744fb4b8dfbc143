"""Who answers soonest gets the most, who is slow is not forgotten, and nobody runs after one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import fmean

from policies import LeastLatency, WeightedRoundRobin
from policies.simulate import Arrival, Fault, Service
from tests.policies.claims.played import SWIFT, in_order, named, play, pools, seeds, several, shares

FIRST = "a0/m"
SLOW = {FIRST: Service(first_token=3.0, per_token=0.02)}
"""Ten times as slow as the others."""
SECONDS = 240.0
LOOKS = SECONDS / 15
"""What is slow is looked at every 15 s; that makes so many."""


@pools
@seeds
def test_a_slow_target_gets_no_more_than_looks(count: int, seed: int) -> None:
    world = play(LeastLatency(), named(count), seed, services=SLOW, seconds=SECONDS)
    sent = sum(one.target == FIRST for one in world.sent)
    if count == 1:
        assert sent == len(world.sent)
    else:
        assert sent <= LOOKS + 4  # before its first answer, nobody can know


@pools
@seeds
def test_nobody_is_left_unseen_for_a_minute(count: int, seed: int) -> None:
    world = play(LeastLatency(), named(count), seed, services=SLOW, seconds=SECONDS)
    seen = [0.0, *(one.at for one in in_order(world) if one.target == FIRST), SECONDS]
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 60.0


@several
@seeds
def test_who_was_slow_has_its_part_again_within_a_minute(count: int, seed: int) -> None:
    faults = [Fault(FIRST, 30.0, 120.0, slower=10.0, pace=10.0)]
    world = play(LeastLatency(), named(count), seed, faults=faults, seconds=SECONDS)
    assert shares(world, 35.0, 120.0)[FIRST] <= 0.15 / count
    assert shares(world, 180.0)[FIRST] >= 0.5 / count


@pools
@seeds
def test_equal_targets_have_equal_parts(count: int, seed: int) -> None:
    world = play(LeastLatency(), named(count), seed, seconds=SECONDS)
    for share in shares(world).values():
        assert 0.8 / count <= share <= 1.2 / count


@pools
@seeds
def test_so_they_have_where_long_prompts_take_long(count: int, seed: int) -> None:
    """A wait that is long because its prompt was is no sign of a slow target."""
    reads = Service(first_token=0.3, per_input=2e-4, per_token=0.002)
    services = {target.name: reads for target in named(count)}
    world = play(LeastLatency(), named(count), seed, seconds=SECONDS, services=services)
    for share in shares(world, 60.0).values():
        assert 0.65 / count <= share <= 1.3 / count


@pools
@seeds
def test_who_comes_all_at_once_is_spread(count: int, seed: int) -> None:
    crowd = [Arrival(60.0 + place * 1e-4, 500, 100) for place in range(10 * count)]
    usual = [Arrival(place / count, 500, 100) for place in range(60 * count)]
    world = play(LeastLatency(), named(count), seed, arrivals=[*usual, *crowd])
    counts = Counter(one.target for one in in_order(world, 60.0))
    assert len(counts) == count
    assert max(counts.values()) <= 13


@pools
@seeds
def test_all_wait_less_than_where_each_has_its_turn(count: int, seed: int) -> None:
    """The last of the targets is four times as slow as the first, and so on between."""
    services = {
        target.name: Service(first_token=0.3 * (1 + 3 * place / count), per_token=0.002)
        for place, target in enumerate(named(count))
    }
    own, turns = (
        fmean(
            one.first
            for one in play(policy, named(count), seed, services=services).answered
            if one.first is not None
        )
        for policy in (LeastLatency(), WeightedRoundRobin())
    )
    assert own <= turns if count == 1 else own <= 0.85 * turns
    assert own >= 0.9 * SWIFT.first_token
