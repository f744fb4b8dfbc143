"""What affinity is asked for holds in a shorter run of the benchmark: hits, load, first tokens;
well, and with one of the targets sick.
"""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.affinity import (
    LEAST_HITS,
    MOST_LOAD,
    line,
    nobody_sticks,
    pair,
    request_of,
    scenario,
    told,
    warm_everywhere,
)
from benchmarks.choosing import choosing
from policies import LeastLatency, Prefix, WeighedLatency
from policies.simulate.prompts import BLOCK, Conversations, PrefixCache, ideal

SEEDS = 3
SECONDS = 150.0


@pytest.mark.parametrize("targets", [1, 2, 3, 8])
def test_what_is_warm_is_found_and_the_load_is_even(targets: int) -> None:
    asked = scenario(targets, sick=False, seconds=SECONDS)
    one = told([pair(asked, seed) for seed in range(SEEDS if targets < 8 else 1)])
    assert one.hits.mean >= LEAST_HITS
    assert one.load.mean <= MOST_LOAD
    assert one.later.mean <= 0.0
    assert "pass" in line(asked.name, one, sick=False)


def test_a_sick_target_keeps_nobody() -> None:
    asked = scenario(3, sick=True, seconds=SECONDS)
    one = told([pair(asked, seed) for seed in range(SEEDS)])
    assert one.hits.mean >= LEAST_HITS
    assert one.later.mean <= one.later.half


def test_what_is_read_anew_is_what_makes_a_lone_survivor_later() -> None:
    asked = scenario(2, sick=True, seconds=SECONDS)
    waits = [
        sum(pair(asked, seed, onset)[0].mean for seed in range(SEEDS))
        for onset in (None, nobody_sticks, warm_everywhere)
    ]
    assert waits[2] < min(waits[:2])


def test_what_it_costs_to_choose_is_measured() -> None:
    request = request_of(4_000)
    assert 0 < choosing(LeastLatency(), request) < choosing(WeighedLatency("prefix"), request)


class TestConversations:
    def test_they_are_the_same_for_a_seed_and_come_in_their_order(self) -> None:
        one, again = (Conversations(2.0).come(60.0, Random(7)) for _ in range(2))
        assert one == again
        assert one == sorted(one, key=lambda arrival: arrival.at)

    def test_a_turn_begins_with_all_that_was_before_it(self) -> None:
        talk = Conversations(0.01, turns=50.0, pause=1.0).come(200.0, Random(1))
        keys = [arrival.prefix.keys for arrival in talk if arrival.prefix is not None]
        longest = max(keys, key=len)
        assert sum(longest[: len(one)] == one for one in keys) > 10

    def test_a_cache_without_bounds_is_ideal_and_one_without_room_has_nothing(self) -> None:
        talk = Conversations(1.0).come(100.0, Random(7))
        assert 0.6 < ideal(talk) < 0.95
        nothing = PrefixCache(0)
        assert sum(nothing.read(one.prefix) for one in talk if one.prefix is not None) == 0

    def test_a_cache_keeps_what_was_last_read(self) -> None:
        cache = PrefixCache(4 * BLOCK)
        first, second, third = (
            one.prefix for one in Conversations(1.0, turns=1.0).come(100.0, Random(7))[:3]
        )
        assert first is not None
        assert second is not None
        assert third is not None
        cache.read(first)
        assert cache.read(first) <= 4 * BLOCK
        cache.read(second)
        cache.read(third)
        assert cache.read(first) < len(first.keys) * BLOCK

    def test_a_cache_that_is_given_another_s_forgets_that_first(self) -> None:
        own, others = Prefix((1, 2)), Prefix((3, 4))
        cache, other = PrefixCache(3 * BLOCK), PrefixCache(3 * BLOCK)
        cache.read(own)
        other.read(others)
        cache.add(other)
        assert cache.read(own) == 2 * BLOCK
        assert cache.read(others) == BLOCK  # of four blocks in all, three fit
