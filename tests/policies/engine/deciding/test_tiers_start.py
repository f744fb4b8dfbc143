"""Where a request begins, and that it goes nowhere below."""

from __future__ import annotations

from typing import Any

import pytest

from policies import Cause, CostTiers, Refusal, Request, Rule, Target
from tests.policies.crowd import Crowd
from tests.policies.driver import FAILED, THROTTLED, InOrder, World
from tests.policies.tiered import FULL, tiered, two


class Late:
    """Starts every request in the second tier, and chooses the last that can serve."""

    needs: frozenset[str] = frozenset()

    def fresh(self) -> None:
        return None

    def start(self, request: Request) -> int:
        return 1

    def choose(self, request: Any, candidates: Any, memory: Any, now: float, rng: Any) -> Any:
        return candidates[-1]


class Broken(Late):
    """Raises where it should say where to start."""

    def start(self, request: Request) -> int:
        raise ZeroDivisionError("no start")


def test_nothing_goes_below_the_start_however_ill_the_rest_is() -> None:
    world = two(policy=CostTiers((Rule(1),)))
    world.will("b/m", FAILED)
    told = world.ask()
    assert set(told.targets) == {"b/m"}
    assert told.fail is not None
    assert told.fail.refusals["a/m"].refusal is Refusal.TIER


def test_where_it_starts_is_drained_it_starts_in_the_last_tier_that_is_not() -> None:
    drained = [Target("a/m"), Target("b/m", tier=1), Target("c/m", weight=0, tier=2)]
    world = World(*drained, policy=CostTiers((Rule(2),), InOrder()))
    assert world.ask().targets == ["b/m"]
    told = world.engine.explain(world.request(), world.now).start
    assert told[0] == "starts in tier 3: a rule names it"
    assert told[-1] == "from there on nobody may serve it: it starts in tier 2"
    world = World(*drained[:2], policy=CostTiers((Rule(2),), InOrder()))
    assert world.ask().targets == []  # it is off: nobody said that others should do


def test_when_to_come_back_is_said_for_the_tiers_that_are_open() -> None:
    world = two(policy=CostTiers((Rule(1),)))
    world.will("b/m", THROTTLED._replace(rest=40.0))
    fail = world.ask().fail
    assert fail is not None
    assert fail.retry_at == pytest.approx(world.now + 40.0)


def test_it_waits_for_its_own_tier_and_not_for_those_below() -> None:
    here = Crowd(two(policy=CostTiers((Rule(1, stream=True),)), facts={"b/m": FULL}))
    first, second = here.come(stream=True), here.come(stream=True)
    assert second.waits
    assert here.come().send is not None  # the first tier is not kept idle
    first.settle()
    here.look()
    assert second.send is not None
    here.close()


def test_a_start_beyond_the_last_tier_serves_nobody_and_says_why() -> None:
    told = two(policy=CostTiers((Rule(5),))).ask()
    assert told.fail is not None
    assert told.fail.cause is Cause.NO_TARGET
    assert {refused.refusal for refused in told.fail.refusals.values()} == {Refusal.TIER}


def test_an_ill_target_below_the_start_is_not_looked_at() -> None:
    world = two(policy=CostTiers((Rule(1, stream=True),)))
    world.eject("a/m")
    world.now = world.until("a/m")
    assert world.ask(stream=True).targets == ["b/m"]
    assert world.ask().targets == ["a/m"]  # the probe


def test_any_policy_may_say_where_a_request_starts() -> None:
    assert tiered(["a/m"], ["b/m"], ["c/m"], policy=Late()).ask().targets == ["c/m"]
    assert two(policy=InOrder()).ask(policy=Late()).targets == ["b/m"]


def test_a_policy_that_cannot_say_is_reported_and_served_around() -> None:
    world = two(policy=Broken())
    assert world.ask().fail is None
    assert world.errors == ["Broken: no start"]
    assert world.engine.explain(world.request(), world.now).targets[0].refused is None
