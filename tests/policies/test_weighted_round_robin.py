from collections import Counter
from itertools import pairwise
from math import ceil
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Target, WeightedRoundRobin
from tests.policies.driver import World

PICKS = 10_000


def picks(targets: list[Target], count: int, seed: int = 7) -> list[str]:
    """The first so many choices for `targets`, through the whole engine."""
    world = World(*targets, policy=WeightedRoundRobin(), seed=seed)
    chosen = []
    for _ in range(count):
        send = world.send()
        world.settle(send)
        chosen.append(send.target)
    return chosen


def longest_wait(chosen: list[str], target: str) -> int:
    """The most choices from one of `target` to its next."""
    places = [-1, *(place for place, name in enumerate(chosen) if name == target), len(chosen)]
    return max(later - earlier for earlier, later in pairwise(places))


weights = st.lists(st.integers(1, 100), min_size=1, max_size=8)


@settings(max_examples=15, deadline=None)
@given(weights, st.randoms(use_true_random=False))
def test_shares_are_the_weights_within_one_percent_in_any_order_of_the_list(
    weights: list[int], shuffler: Random
) -> None:
    targets = [Target(f"p{index}/m", weight) for index, weight in enumerate(weights)]
    shuffler.shuffle(targets)
    counts = Counter(picks(targets, PICKS))
    total = sum(weights)
    for target in targets:
        assert abs(counts[target.name] - PICKS * target.weight / total) <= PICKS / 100


@settings(max_examples=30, deadline=None)
@given(weights, st.integers(0, 1000))
def test_no_target_waits_longer_than_about_a_round_plus_one(weights: list[int], seed: int) -> None:
    targets = [Target(f"p{index}/m", weight) for index, weight in enumerate(weights)]
    total = sum(weights)
    chosen = picks(targets, 4 * total, seed)[total:]  # the random start is over after a round
    for target in targets:
        assert longest_wait(chosen, target.name) <= 2 * ceil(total / target.weight) + 1


def test_a_heavy_target_is_interleaved_not_sent_in_a_row() -> None:
    chosen = picks([Target("a/m", 5), Target("b/m", 1), Target("c/m", 1)], 700)
    assert "".join(name[0] for name in chosen).count("aaaaa") == 0


def test_engines_that_start_together_do_not_choose_in_step() -> None:
    targets = [Target(f"p{index}/m") for index in range(4)]
    firsts = {picks(targets, 1, seed)[0] for seed in range(40)}
    assert firsts == {target.name for target in targets}
    sequences = [tuple(picks(targets, 4, seed)) for seed in range(40)]
    assert Counter(sequences).most_common(1)[0][1] <= 10


def test_weight_zero_gets_nothing() -> None:
    counts = Counter(picks([Target("a/m", 1), Target("b/m", 0), Target("c/m", 3)], 400))
    assert counts == {"a/m": 100, "c/m": 300}


def test_when_one_is_ejected_the_others_keep_their_ratio() -> None:
    world = World(
        Target("a/m", 50), Target("b/m", 30), Target("c/m", 20), policy=WeightedRoundRobin()
    )
    world.eject("a/m")
    counts: Counter[str] = Counter()
    for _ in range(1000):  # all before the first probe is due
        send = world.send()
        world.settle(send)
        counts[send.target] += 1
    assert abs(counts["b/m"] - 600) <= 1
    assert abs(counts["c/m"] - 400) <= 1


def test_whoever_comes_back_is_not_paid_for_its_absence() -> None:
    world = World("a/m", "b/m", policy=WeightedRoundRobin())
    for _ in range(100):
        world.settle(world.send(only=frozenset({"b/m"})))
    chosen = []
    for _ in range(20):
        send = world.send()
        world.settle(send)
        chosen.append(send.target)
    assert chosen.count("a/m") == 10
    assert longest_wait(chosen, "b/m") <= 3


def test_a_recovered_target_gets_a_part_of_its_weight() -> None:
    world = World("a/m", "b/m", policy=WeightedRoundRobin())
    world.eject("a/m")
    world.now = world.until("a/m")
    world.settle(world.send())  # the probe
    assert world.state("a/m") == "recovering"
    sends = [world.send() for _ in range(110)]
    assert 2 <= sum(send.target == "a/m" for send in sends) <= 9  # a tenth of its half
    world.close()


def test_endless_renaming_does_not_grow_the_memory() -> None:
    policy = WeightedRoundRobin()
    memory = policy.fresh()
    world = World(*(f"p/{index}" for index in range(200)))
    for start in range(0, 200, 10):
        policy.choose(world.request(), world.members[start : start + 10], memory, 0.0, Random(1))
    for index in range(1000):
        memory[f"gone/{index}"] = 0.0
    policy.choose(world.request(), world.members[:10], memory, 0.0, Random(1))
    assert len(memory) <= 266
