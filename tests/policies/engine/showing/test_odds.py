"""How likely a choice was, by the policy's own word."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import pytest

from policies import Candidate, LeastLatency, Policy, Priority, Request, Target, WeightedRoundRobin
from policies.engine.deciding.probing import back
from policies.engine.showing.odds import MOST_COMING, all_odds, recorded_odds
from tests.policies.driver import InOrder, World

THREE = (Target("a/m", 6), Target("b/m", 3, 0), Target("c/m", 1, 1))


def asked(world: World, policy: Policy) -> dict[str, float]:
    """What `explain` tells."""
    failed = world.engine.failed
    return all_odds(policy, world.request(), world.members, policy.fresh(), world.now, failed)


@dataclass(frozen=True)
class Broken(InOrder):
    """Chooses, and cannot say how likely it was."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def odds(
        self, request: Request, candidates: Sequence[Candidate], now: float
    ) -> Sequence[float]:
        raise ZeroDivisionError


def learned(policy: Policy) -> World:
    world = World(*THREE, policy=policy)
    for name, seconds in (("a/m", 3.0), ("b/m", 1.45), ("c/m", 0.5)):
        world.teach(name, seconds)
    return world


def odds(world: World, policy: Policy) -> dict[str, float] | None:
    return recorded_odds(policy, world.request(), world.members, world.now)


def counted(world: World, policy: Policy, draws: int) -> dict[str, float]:
    rng, memory, counts = Random(1), policy.fresh(), Counter[str]()
    for _ in range(draws):
        offered = back(world.members, world.now, rng)
        counts[policy.choose(world.request(), offered, memory, world.now, rng).name] += 1
    return {member.name: counts[member.name] / draws for member in world.members}


@pytest.mark.parametrize(
    "policy",
    [WeightedRoundRobin(), LeastLatency(), Priority(LeastLatency()), Priority()],
)
@pytest.mark.parametrize("coming", [(), ("a/m",), ("a/m", "b/m"), ("a/m", "b/m", "c/m")])
def test_they_are_what_choices_come_to_also_while_targets_come_back(policy, coming) -> None:
    world = learned(policy)
    for name in coming:
        world.eject(name)
        world.now = world.until(name) + 1
        probe = world.send()
        assert probe.target == name
        world.settle(probe)
        assert world.state(name) == "recovering"
    told = odds(world, policy)
    assert told is not None
    assert sum(told.values()) == pytest.approx(1.0)
    assert told == pytest.approx(counted(world, policy, 4000), abs=0.03)


def test_round_robin_tells_shares_whoever_s_turn_it_is() -> None:
    policy = WeightedRoundRobin()
    world = learned(policy)
    assert odds(world, policy) == pytest.approx({"a/m": 0.6, "b/m": 0.3, "c/m": 0.1})


def test_a_policy_that_tells_none_leaves_records_open_and_is_counted_where_people_ask() -> None:
    policy = InOrder()
    world = learned(policy)
    assert odds(world, policy) is None
    assert odds(world, Priority(policy)) is None
    assert asked(world, policy)["a/m"] == 1.0


def test_one_that_fails_to_tell_fails_nobody() -> None:
    policy = Broken()
    world = learned(policy)
    assert odds(world, policy) is None
    assert asked(world, policy) == {}


def test_of_more_targets_than_can_be_weighed_none_is_told() -> None:
    policy = WeightedRoundRobin()
    names = [f"p/{n}" for n in range(MOST_COMING + 1)]
    world = World(policy=policy)
    world = World(*names, policy=policy)
    routes = {"m": world.route}
    world.engine.replace({}, {}, world.now)
    world.engine.replace(routes, {}, world.now)  # all of them are new, and come by ramp
    assert odds(world, policy) is None
    assert sum(asked(world, policy).values()) == pytest.approx(1.0)


@pytest.mark.parametrize("policy", [WeightedRoundRobin(), LeastLatency(), Priority()])
def test_one_that_is_drained_and_asked_for_by_name_is_chosen_for_certain(policy):
    world = World(Target("p/a", 0), Target("q/a"), policy=policy)
    request = world.request(only=frozenset({"p/a"}))
    first, second = world.engine.explain(request, world.now).targets
    assert (first.odds, second.odds) == (1.0, 0.0)
