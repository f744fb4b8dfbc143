"""Where a request goes, and why it is in no other tier."""

from typing import Any

import pytest

from policies import (
    Climb,
    CostTiers,
    LeastLatency,
    Policy,
    Priority,
    Rule,
    Target,
    WeighedLatency,
    WeightedRoundRobin,
)
from tests.policies.driver import THROTTLED, InOrder, World, limited


def test_one_who_gets_all_is_named_alone() -> None:
    world = World("a/m", Target("b/m", tier=1), policy=Priority())
    assert world.engine.explain(world.request(), 0.0).verdict == "goes to a/m"


def test_several_are_named_with_their_shares_the_likeliest_first() -> None:
    targets = Target("a/m", 1), Target("b/m", 9), Target("c/m", 0)
    world = World(*targets, policy=WeightedRoundRobin())
    told = world.engine.explain(world.request(), 0.0).verdict
    assert told == "goes to b/m (90 %) or a/m (10 %)"


@pytest.mark.parametrize(
    ("letters", "told"), [("abcd", "c/m (25 %) or another"), ("abcdef", "c/m (17 %) or 3 others")]
)
def test_more_than_three_are_counted(letters: str, told: str) -> None:
    world = World(*(f"{letter}/m" for letter in letters), policy=WeightedRoundRobin())
    assert world.engine.explain(world.request(), 0.0).verdict.endswith(told)


def test_where_nobody_can_serve_it_says_who_may_first_and_when() -> None:
    world = World("a/m")
    world.settle(world.send(), THROTTLED)
    verdict = world.engine.explain(world.request(), world.now).verdict
    assert verdict == "nobody can serve it now; a/m may in 30 s"
    world.close()


def test_where_no_time_helps_it_names_nobody() -> None:
    world = World(Target("a/m", 0))
    assert world.engine.explain(world.request(), 0.0).verdict == "nobody can serve it"
    world = World("a/m", facts={"a/m": limited(concurrent=1)})
    world.send()
    assert world.engine.explain(world.request(), world.now).verdict == "nobody can serve it now"
    world.close()


def test_a_policy_that_fails_to_choose_is_said_to_be_served_around() -> None:
    class Broken(InOrder):
        @property
        def rule(self) -> str:
            raise ValueError

        def choose(self, *args: Any, **kwargs: Any) -> Any:
            raise ValueError

    explained = (world := World("a/m", policy=Broken())).engine.explain(world.request(), 0.0)
    assert explained.verdict.startswith("its policy fails to choose, so it goes to anyone of the")
    assert explained.rule == ""


TIERS = "a/m", Target("b/m", tier=1), Target("c/m", tier=2)


def words(world: World) -> list[str]:
    explained = world.engine.explain(world.request(), world.now)
    world.close()
    return [target.words for target in explained.targets]


def test_a_tier_before_the_one_where_a_request_starts_says_so() -> None:
    first, second, third = words(World(*TIERS, policy=CostTiers((Rule(1),))))
    assert first == "such a request starts in tier 2"
    assert second.endswith("gets all such requests")
    assert third.endswith("gets none while tier 2 can serve")


def test_a_tier_that_a_request_may_not_climb_to_says_so() -> None:
    world = World(*TIERS, policy=Priority(), climb=frozenset({Climb.FAILURE}))
    world.settle(world.send(), THROTTLED)
    first, *others = words(world)
    assert first.startswith("rests for 30 s")
    kept = "such a request is kept in tier 1, by the route's climb or patience"
    assert others == [kept, kept]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (WeightedRoundRobin(), "every target gets its weight's share, in turns, whoever is faster"),
        (
            Priority(WeightedRoundRobin()),
            (
                "a tier takes all that it can, and the next one what is left; in a tier, every "
                "target gets its weight's share, in turns, whoever is faster"
            ),
        ),
        (Priority(InOrder()), "a tier takes all that it can, and the next one what is left"),
        (
            WeighedLatency(affinity="prefix", price=1),
            (
                f"{LeastLatency.rule}; what is warm in a prompt cache takes no time there; what "
                "costs twice as much must be 2 times as fast"
            ),
        ),
        (InOrder(), ""),
    ],
)
def test_a_policy_says_whom_it_chooses(policy: Policy, told: str) -> None:
    world = World("a/m", policy=policy)
    assert world.engine.explain(world.request(), 0.0).rule == told
