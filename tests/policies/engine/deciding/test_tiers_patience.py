"""How long a request waits in a tier before it leaves it."""

from __future__ import annotations

from random import Random

import pytest

from policies import Cause, CostTiers, Refusal, Retry, Rule, Wait
from policies.engine.waiting.queue import LONGEST_WAIT, MOST_WAITING
from tests.policies.crowd import Crowd
from tests.policies.driver import ANSWERED, THROTTLED
from tests.policies.tiered import FULL, tiered, two


class Lucky(Random):
    """Every draw lets the overflow go to the ejected."""

    def random(self) -> float:
        return 1.0


def test_a_rest_that_ends_in_time_is_waited_for() -> None:
    world = two(patience=5.0)
    world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
    told = world.ask()
    assert told.targets == ["a/m", "a/m"]
    (wait,) = told.waits
    assert wait.until - told.sends[0].attempt.started == pytest.approx(4.1)


def test_one_that_does_not_is_not_waited_for_at_all() -> None:
    world = two(patience=5.0)
    world.will("a/m", THROTTLED._replace(rest=6.0))
    told = world.ask()
    assert told.targets == ["a/m", "b/m"]
    assert told.waits == []


def test_a_place_is_waited_for_until_patience_ends_and_then_the_next_tier_serves() -> None:
    here = Crowd(two(patience=3.0, facts={"a/m": FULL}))
    here.come()
    late = here.come()
    assert late.action == Wait(here.world.now + 3.0, Cause.PLACE)
    here.sleep(3.0)
    here.look()
    assert late.send is not None
    assert late.send.target == "b/m"
    here.close()


def test_a_place_that_comes_free_in_time_is_taken() -> None:
    here = Crowd(two(patience=3.0, facts={"a/m": FULL}))
    first, late = here.come(), here.come()
    here.sleep(1.0)
    first.settle()
    here.look()
    assert late.send is not None
    assert late.send.target == "a/m"
    here.close()


def test_who_waits_for_one_tier_keeps_no_other_idle() -> None:
    rule = CostTiers((Rule(1, stream=True),))
    here = Crowd(two(patience=3.0, policy=rule, facts={"a/m": FULL}))
    here.come()
    assert here.come().waits
    assert here.come(stream=True).send is not None
    here.close()


def test_after_its_patience_it_stands_in_line_for_both_tiers() -> None:
    here = Crowd(two(patience=3.0, facts={"a/m": FULL, "b/m": FULL}))
    first, second = here.come(), here.come(only=frozenset({"b/m"}))
    late = here.come()
    here.sleep(3.0)
    here.look()
    assert late.waits
    second.settle()
    newcomer = here.come(only=frozenset({"b/m"}))  # before it has looked
    assert newcomer.waits
    here.look()
    assert late.send is not None
    assert late.send.target == "b/m"
    first.settle()
    here.close()


def test_it_is_spent_once_over_the_whole_request() -> None:
    world = two(patience=5.0, retry=Retry(attempts=5))
    world.will("a/m", THROTTLED._replace(rest=3.0))
    told = world.ask()
    assert told.targets == ["a/m", "a/m", "b/m"]
    assert sum(wait.until - told.sends[0].attempt.started for wait in told.waits) < 5.0


def test_the_last_send_is_not_for_a_tier_that_threw_the_request_back() -> None:
    world = two(patience=60.0, retry=Retry(attempts=3))
    world.will("a/m", THROTTLED._replace(rest=1.0))
    told = world.ask(within=600.0)
    assert told.targets == ["a/m", "a/m", "b/m"]
    assert told.fail is None


def test_a_lone_send_may_still_wait_for_a_rest_that_others_caused() -> None:
    world = two(patience=5.0, retry=Retry(attempts=1))
    first = world.send()
    world.settle(first, THROTTLED._replace(rest=2.0))
    assert world.ask().targets == ["a/m"]


def test_it_leaves_half_of_the_time_to_the_next_tier() -> None:
    here = Crowd(two(patience=30.0, facts={"a/m": FULL}))
    here.come()
    late = here.come(within=8.0)
    assert late.action == Wait(here.world.now + 4.0, Cause.PLACE)
    here.close()


def test_it_may_be_longer_than_an_ordinary_wait() -> None:
    here = Crowd(two(patience=20.0, facts={"a/m": FULL}))
    here.come()
    late = here.come()
    here.sleep(20.0)
    here.look()
    assert late.send is not None
    assert late.send.target == "b/m"
    here.close()


def test_a_failure_is_not_waited_for() -> None:
    world = two(patience=5.0)
    world.eject("a/m")
    told = world.ask()
    assert told.targets == ["b/m"]
    assert told.waits == []


def test_nobody_is_sent_to_the_ill_of_a_tier_while_it_waits_for_the_others() -> None:
    world = tiered(["a/m", "b/m"], ["c/m"], patience=5.0, facts={"a/m": FULL})
    world.eject("b/m")
    world.send()
    here = Crowd(world)
    world.engine.rng = Lucky()
    assert here.come().waits
    here.close()


def test_an_empty_budget_does_not_make_patience_a_trap() -> None:
    world = two(patience=5.0, retry=Retry(budget=0.0))
    while world.engine._pools["m"].budget.withdraw(world.now):
        pass
    world.will("a/m", THROTTLED._replace(rest=1.0))
    told = world.ask()
    assert told.fail is None
    assert told.targets == ["a/m", "b/m"]


def test_where_there_is_no_room_to_wait_the_next_tier_serves_at_once() -> None:
    here = Crowd(two(patience=3.0, facts={"a/m": FULL}))
    here.come()
    for _ in range(MOST_WAITING):
        assert here.come().waits
    late = here.come()
    assert late.send is not None
    assert late.send.target == "b/m"
    here.close()


def test_in_the_last_tier_the_ordinary_wait_counts() -> None:
    here = Crowd(two(patience=3.0, policy=CostTiers((Rule(1),)), facts={"b/m": FULL}))
    here.come()
    assert here.come().action == Wait(here.world.now + LONGEST_WAIT, Cause.PLACE)
    here.close()


def test_explain_tells_of_the_tier_that_a_request_would_wait_in() -> None:
    world = two(patience=3.0, facts={"a/m": FULL})
    world.send()
    a, b = world.engine.explain(world.request(), world.now).targets
    assert a.refused is not None
    assert b.refused is not None
    assert (a.refused.refusal, b.refused.refusal) == (Refusal.BUSY, Refusal.TIER)
    world.close()
