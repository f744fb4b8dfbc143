"""Shares are as written, in the long run and in the short one, and illness changes none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random

from policies import Target, WeightedRoundRobin
from policies.simulate import Fault, Sent, Service
from tests.policies.claims.played import in_order, named, play, pools, seeds, several, shares

SICK = "a0/m"
UNEVEN = 1.5
"""Choices by which any stretch may differ from the weights: whole requests allow no less than 1."""


def weighted(count: int, seed: int) -> list[Target]:
    rng = Random(seed)
    return [Target(target.name, rng.randint(1, 9)) for target in named(count)]


def uneven(sent: Sequence[Sent], targets: Sequence[Target], length: int) -> float:
    """The most choices by which any stretch of that length differs from the weights."""
    return max((abs(one) for one in _differences(sent, targets, length)), default=0.0)


def _differences(sent: Sequence[Sent], targets: Sequence[Target], length: int) -> Iterator[float]:
    whole = sum(target.weight for target in targets)
    for target in targets:
        count = [0, *accumulate(one.target == target.name for one in sent)]
        due = length * target.weight / whole
        for begin in range(len(sent) - length):
            yield count[begin + length] - count[begin] - due


@pools
@seeds
def test_after_the_first_round_every_stretch_as_long_as_a_round_is_exact(
    count: int, seed: int
) -> None:
    targets = weighted(count, seed)
    round_ = int(sum(target.weight for target in targets))
    sent = in_order(play(WeightedRoundRobin(), targets, seed))[round_:]
    assert len(sent) > 3 * round_
    assert uneven(sent, targets, round_) == 0.0


@pools
@seeds
def test_in_no_stretch_of_any_length_is_a_target_far_from_its_share(count: int, seed: int) -> None:
    targets = weighted(count, seed)
    sent = in_order(play(WeightedRoundRobin(), targets, seed))
    assert max(uneven(sent, targets, length) for length in (2, 3, 5, 7, 11, 23, 50)) <= UNEVEN


@pools
@seeds
def test_a_target_that_is_slow_has_its_share_all_the_same(count: int, seed: int) -> None:
    targets = weighted(count, seed)
    slow = {SICK: Service(first_token=0.9)}
    round_ = int(sum(target.weight for target in targets))
    sent = in_order(play(WeightedRoundRobin(), targets, seed, services=slow))[round_:]
    assert uneven(sent, targets, round_) == 0.0


@several
@seeds
def test_a_target_that_fails_now_and_then_is_asked_no_less_often(count: int, seed: int) -> None:
    """First of all, that is; who is asked after a failure is another."""
    targets = weighted(count, seed)
    faults = [Fault(SICK, 0.0, errors=0.04)]
    world = play(WeightedRoundRobin(), targets, seed, faults=faults, seconds=360.0)
    assert any(not one.outcome.good for one in world.sent)
    firsts = Counter(one.target for one in world.sent if one.at == one.came)
    due = targets[0].weight / sum(target.weight for target in targets)
    assert firsts[SICK] >= 0.99 * due * firsts.total()


@several
@seeds
def test_an_ejected_target_leaves_the_others_their_ratio_and_comes_back_to_its_own(
    count: int, seed: int
) -> None:
    targets = weighted(count, seed)
    faults = [Fault(SICK, 20.0, 60.0, errors=1.0)]
    world = play(WeightedRoundRobin(), targets, seed, faults=faults, seconds=240.0)
    ill, rest = shares(world, 25.0, 60.0), targets[1:]
    assert ill[SICK] <= 0.1
    whole = sum(target.weight for target in rest)
    for target in rest:
        assert abs(ill[target.name] / (1 - ill[SICK]) - target.weight / whole) <= 0.05
    round_ = int(sum(target.weight for target in targets))
    assert uneven(in_order(world, 190.0), targets, round_) == 0.0


def test_alone_it_is_asked_however_ill_it_is() -> None:
    world = play(WeightedRoundRobin(), named(1), 1, faults=[Fault(SICK, 20.0, 60.0, errors=0.3)])
    assert shares(world) == {SICK: 1.0}
