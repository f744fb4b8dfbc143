"""Who has read a prompt's beginning is asked to go on with it, as long as nothing weighs more.

How much of an ideal cache that keeps, and how evenly, is `benchmarks/affinity.py`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from random import Random

from policies import LeastLatency, Policy, WeighedLatency
from policies.affinity.prefix import BOUND, Prefix
from policies.simulate import Arrival, Crowd, Fault, Sent, Service, World
from policies.simulate.prompts import BLOCK, Conversations
from tests.policies.claims.played import in_order, named, play, pools, seeds, several, shares
from tests.policies.driver import limited

FIRST = "a0/m"
READS = Service(first_token=0.3, per_input=1e-4, per_token=0.002, cache=10_000_000)
FORGETS = Service(first_token=0.3, per_input=1e-4, per_token=0.002)
STICKY = WeighedLatency("prefix")
SECONDS = 150.0


def talks(
    count: int,
    seed: int,
    policy: Policy = STICKY,
    service: Service = READS,
    **options: object,
) -> tuple[World, list[Arrival]]:
    """Conversations, some two requests a second for each target; most turns come 20 s apart."""
    made = Conversations(0.5 * count, pause=20.0).come(SECONDS, Random(f"{seed}/conversations"))
    services = {target.name: service for target in named(count)}
    world = play(policy, named(count), seed, arrivals=made, services=services, **options)  # type: ignore[arg-type]
    return world, made


def stays(world: World, arrivals: list[Arrival], begin: float = 0.0) -> float:
    """Of the turns that go on with a conversation, the part that was answered where the one before
    was.
    """
    at = {one.at: one.target for one in world.answered}
    turns: dict[tuple[int, ...], list[Arrival]] = {}
    for one in arrivals:
        if one.prefix is not None and len(one.prefix.keys) > 4:
            turns.setdefault(one.prefix.keys[:5], []).append(one)
    pairs = [
        at[before.at] == at[after.at]
        for each in turns.values()
        for before, after in pairwise(each)
        if after.at >= begin
    ]
    assert len(pairs) > 20
    return sum(pairs) / len(pairs)


def most_in_a_minute(sends: list[Sent]) -> float:
    """The largest part that any target had of a minute's requests, over the fair one."""
    found = 0.0
    for begin in range(60, int(SECONDS) - 60, 15):
        counts = Counter(one.target for one in sends if begin <= one.at < begin + 60)
        found = max(found, max(counts.values()) / counts.total())
    return found


@several
@seeds
def test_a_conversation_goes_on_where_it_was(count: int, seed: int) -> None:
    assert stays(*talks(count, seed)) >= 0.75
    assert stays(*talks(count, seed, LeastLatency())) <= 1 / count + 0.15


@several
@seeds
def test_nobody_sticks_to_targets_that_report_no_cache(count: int, seed: int) -> None:
    """After a dozen answers of each, that is."""
    world, arrivals = talks(count, seed, service=FORGETS)
    assert stays(world, arrivals, 60.0) <= 1 / count + 0.15
    assert all(0.75 / count <= share <= 1.3 / count for share in shares(world, 60.0).values())


@pools
@seeds
def test_a_sick_target_keeps_nobody(count: int, seed: int) -> None:
    """Three times as slow, so that no breaker does it."""
    faults = [Fault(FIRST, 60.0, 120.0, slower=3.0, pace=3.0)]
    world, _ = talks(count, seed, faults=faults)
    share = shares(world, 70.0, 120.0)[FIRST]
    assert share == 1.0 if count == 1 else share <= 0.25 / count
    assert all(one.first is not None for one in world.answered)


@several
@seeds
def test_one_that_fails_keeps_nobody_and_all_are_answered(count: int, seed: int) -> None:
    world, _ = talks(count, seed, faults=[Fault(FIRST, 60.0, 120.0, errors=1.0)])
    assert shares(world, 70.0, 120.0)[FIRST] <= 0.25 / count
    assert all(one.first is not None for one in world.answered)


@several
@seeds
def test_one_at_its_limit_sends_its_conversations_elsewhere_at_once(count: int, seed: int) -> None:
    facts = {FIRST: limited(requests=20)}
    world, _ = talks(count, seed, facts=facts)
    sends = in_order(world)
    for begin in range(0, int(SECONDS) - 60, 5):
        assert sum(one.target == FIRST and begin <= one.at < begin + 60 for one in sends) <= 20
    assert max(one.first for one in world.answered if one.first is not None) <= 2.5


@pools
@seeds
def test_what_all_begin_with_draws_nobody_beyond_his_share(count: int, seed: int) -> None:
    """8,000 tokens of instructions before each request, and nothing that goes on."""
    world = play(
        STICKY,
        named(count),
        seed,
        arrivals=begun_alike(count, seed),
        services={target.name: READS for target in named(count)},
    )
    assert most_in_a_minute(in_order(world)) <= (BOUND + 0.1) / count


def begun_alike(count: int, seed: int) -> Iterator[Arrival]:
    rng, shared = Random(seed), tuple(range(16))
    for one in Crowd(2.0 * count).come(SECONDS, Random(f"{seed}/arrivals")):
        keys = (*shared, rng.getrandbits(64))
        yield one._replace(input_tokens=17 * BLOCK, prefix=Prefix(keys, BLOCK))
