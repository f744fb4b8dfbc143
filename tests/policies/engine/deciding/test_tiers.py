"""What may leave a tier, for what cause, and how long it waits there first."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import (
    Cause,
    Climb,
    CostTiers,
    Facts,
    Fail,
    LeastLatency,
    Outcome,
    Priority,
    Refusal,
    Report,
    Request,
    Retry,
    Rule,
    Send,
    Target,
    Wait,
)
from policies.engine.waiting.queue import LONGEST_WAIT, MOST_WAITING
from tests.policies.crowd import Crowd
from tests.policies.driver import (
    ANSWERED,
    DENIED,
    FAILED,
    THROTTLED,
    UNFIT,
    InOrder,
    Reply,
    World,
    limited,
)

FAILURE = frozenset({Climb.FAILURE})
ONLY_THROTTLED = frozenset({Climb.THROTTLED})
NEVER = frozenset[Climb]()
FULL = limited(concurrent=1)


def tiered(*tiers: Sequence[str], **options: Any) -> World:
    """A world with a tier for each argument, by priority if no other policy is named."""
    targets = [Target(name, 1, tier) for tier, names in enumerate(tiers) for name in names]
    options.setdefault("policy", Priority())
    return World(*targets, **options)


def two(**options: Any) -> World:
    return tiered(["a/m"], ["b/m"], **options)


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


class Lucky(Random):
    """Every draw lets the overflow go to the ejected."""

    def random(self) -> float:
        return 1.0


class TestStart:
    def test_nothing_goes_below_the_start_however_ill_the_rest_is(self) -> None:
        world = two(policy=CostTiers((Rule(1),)))
        world.will("b/m", FAILED)
        told = world.ask()
        assert set(told.targets) == {"b/m"}
        assert told.fail is not None
        assert told.fail.refusals["a/m"].refusal is Refusal.TIER

    def test_when_to_come_back_is_said_for_the_tiers_that_are_open(self) -> None:
        world = two(policy=CostTiers((Rule(1),)))
        world.will("b/m", THROTTLED._replace(rest=40.0))
        fail = world.ask().fail
        assert fail is not None
        assert fail.retry_at == pytest.approx(world.now + 40.0)

    def test_it_waits_for_its_own_tier_and_not_for_those_below(self) -> None:
        here = Crowd(two(policy=CostTiers((Rule(1, stream=True),)), facts={"b/m": FULL}))
        first, second = here.come(stream=True), here.come(stream=True)
        assert second.waits
        assert here.come().send is not None  # the first tier is not kept idle
        first.settle()
        here.look()
        assert second.send is not None
        here.close()

    def test_a_start_beyond_the_last_tier_serves_nobody_and_says_why(self) -> None:
        told = two(policy=CostTiers((Rule(5),))).ask()
        assert told.fail is not None
        assert told.fail.cause is Cause.NO_TARGET
        assert {refused.refusal for refused in told.fail.refusals.values()} == {Refusal.TIER}

    def test_an_ill_target_below_the_start_is_not_looked_at(self) -> None:
        world = two(policy=CostTiers((Rule(1, stream=True),)))
        world.eject("a/m")
        world.now = world.until("a/m")
        assert world.ask(stream=True).targets == ["b/m"]
        assert world.ask().targets == ["a/m"]  # the probe

    def test_any_policy_may_say_where_a_request_starts(self) -> None:
        assert tiered(["a/m"], ["b/m"], ["c/m"], policy=Late()).ask().targets == ["c/m"]
        assert two(policy=InOrder()).ask(policy=Late()).targets == ["b/m"]

    def test_a_policy_that_cannot_say_is_reported_and_served_around(self) -> None:
        world = two(policy=Broken())
        assert world.ask().fail is None
        assert world.errors == ["Broken: no start"]
        assert world.engine.explain(world.request(), world.now).targets[0].refused is None


class TestClimb:
    def test_by_default_both_causes_let_a_request_go_on_at_once(self) -> None:
        world = two()
        world.will("a/m", THROTTLED)
        told = world.ask()
        assert told.targets == ["a/m", "b/m"]
        assert told.waits == []

    def test_a_full_tier_is_waited_for_where_only_failure_climbs(self) -> None:
        here = Crowd(two(climb=FAILURE, facts={"a/m": FULL}))
        first, second = here.come(), here.come()
        assert second.action == Wait(here.world.now + LONGEST_WAIT, Cause.PLACE)
        first.settle()
        here.look()
        assert second.send is not None
        assert second.send.target == "a/m"
        here.close()

    def test_a_resting_tier_is_waited_for_where_only_failure_climbs(self) -> None:
        world = two(climb=FAILURE)
        world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
        told = world.ask()
        assert told.targets == ["a/m", "a/m"]
        assert [wait.cause for wait in told.waits] == [Cause.REST]

    def test_a_rest_that_is_too_long_fails_with_its_own_cause_and_end(self) -> None:
        world = two(climb=FAILURE)
        world.will("a/m", THROTTLED._replace(rest=40.0))
        told = world.ask()
        assert told.targets == ["a/m"]
        assert told.fail is not None
        assert told.fail.cause is Cause.NO_TARGET
        assert told.fail.refusals["a/m"].refusal is Refusal.RESTING
        assert told.fail.refusals["b/m"].refusal is Refusal.TIER
        assert told.fail.retry_at == pytest.approx(world.now + 40.0)

    @pytest.mark.parametrize("ill", [FAILED, DENIED], ids=["failed", "denied"])
    def test_where_only_failure_climbs_a_failure_does(self, ill: Report) -> None:
        world = two(climb=FAILURE)
        world.will("a/m", Reply(ill, 2.5))  # too slow for another try on the spot
        assert world.ask().targets == ["a/m", "b/m"]
        world.eject("a/m") if ill is FAILED else None
        assert world.ask().targets == ["b/m"]

    def test_a_failure_stays_where_only_throttling_climbs(self) -> None:
        world = two(climb=ONLY_THROTTLED)
        world.will("a/m", Reply(FAILED, 2.5))
        told = world.ask()
        assert told.targets == ["a/m"]
        assert told.fail is not None
        assert told.fail.refusals["a/m"].refusal is Refusal.TRIED

    def test_a_place_that_is_promised_to_somebody_older_is_no_room(self) -> None:
        here = Crowd(two(climb=ONLY_THROTTLED, facts={"a/m": FULL}))
        first, picky = here.come(), here.come(only=frozenset({"a/m"}))
        first.settle()
        late = here.come()  # before the older one has looked
        assert late.send is not None
        assert late.send.target == "b/m"
        here.look()
        assert picky.send is not None
        here.close()

    def test_where_only_throttling_climbs_a_full_tier_overflows(self) -> None:
        world = two(climb=ONLY_THROTTLED, facts={"a/m": FULL})
        assert [world.send().target for _ in range(2)] == ["a/m", "b/m"]
        world.close()

    def test_an_ejected_tier_that_may_not_be_left_is_probed_when_its_time_has_come(self) -> None:
        world = two(climb=ONLY_THROTTLED)
        world.eject("a/m")
        world.now = world.until("a/m")
        assert world.ask().targets == ["a/m"]
        assert world.state("a/m") == "recovering"

    def test_a_tier_that_may_not_be_left_gives_nothing_away_while_it_comes_back(self) -> None:
        world = two(climb=ONLY_THROTTLED)
        world.eject("a/m")
        world.now = world.until("a/m")
        world.ask()
        assert world.shares(100) == {"a/m": 100}

    def test_one_that_may_be_left_comes_back_by_ramp(self) -> None:
        world = two(climb=FAILURE)
        world.eject("a/m")
        world.now = world.until("a/m")
        world.ask()
        early = [world.send().target for _ in range(200)]
        assert 5 <= early.count("a/m") <= 40
        world.close()

    def test_every_target_of_the_tier_must_be_away_for_a_named_cause(self) -> None:
        world = tiered(["a/m", "b/m"], ["c/m"], climb=FAILURE)
        world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
        world.eject("b/m")
        world.engine.rng.random = lambda: 0.0  # type: ignore[method-assign] # no overflow to the ejected
        told = world.ask()
        assert told.targets == ["a/m", "a/m"]

    @pytest.mark.parametrize(
        ("targets", "options", "asked"),
        [
            ([Target("a/m", 0, 0), Target("b/m", 1, 1)], {}, {}),
            (
                [Target("a/m", 1, 0), Target("b/m", 1, 1)],
                {"facts": {"a/m": Facts(context=10)}},
                {"input_tokens": 11},
            ),
        ],
        ids=["drained", "too short"],
    )
    def test_who_could_never_serve_the_request_does_not_hold_it(
        self, targets: list[Target], options: dict[str, Any], asked: dict[str, Any]
    ) -> None:
        world = World(*targets, policy=Priority(), climb=NEVER, **options)
        assert world.ask(**asked).targets == ["b/m"]

    def test_nor_does_who_said_so_itself(self) -> None:
        world = two(climb=NEVER)
        world.will("a/m", UNFIT)
        assert world.ask().targets == ["a/m", "b/m"]

    def test_without_a_cause_a_request_stays_where_it_starts(self) -> None:
        world = two(climb=NEVER, policy=CostTiers((Rule(1, stream=True),)))
        world.will("a/m", FAILED)
        assert set(world.ask().targets) == {"a/m"}
        assert world.ask(stream=True).targets == ["b/m"]

    def test_a_policy_that_knows_no_tiers_keeps_them_all_the_same(self) -> None:
        world = two(climb=FAILURE, policy=LeastLatency())
        world.teach("a/m", 30.0, times=3)
        world.teach("b/m", 0.1, times=3)
        assert world.shares(50) == {"a/m": 50}

    def test_the_runner_up_stands_in_a_tier_that_is_open(self) -> None:
        world = two(climb=FAILURE)
        assert world.send().attempt.runner_up is None
        world.close()
        world = two()
        assert world.send().attempt.runner_up == "b/m"
        world.close()

    def test_who_names_a_target_gets_it_whatever_climbs(self) -> None:
        assert two(climb=NEVER).ask(only=frozenset({"b/m"})).targets == ["b/m"]

    def test_nobody_else_is_sent_to_an_ill_tier_that_is_closed(self) -> None:
        here = Crowd(two(climb=FAILURE, facts={"a/m": FULL}))
        here.world.eject("b/m")
        here.come()
        here.world.now = here.world.until("b/m")
        assert here.come().waits  # and is no probe of b/m
        here.close()


class TestPatience:
    def test_a_rest_that_ends_in_time_is_waited_for(self) -> None:
        world = two(patience=5.0)
        world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
        told = world.ask()
        assert told.targets == ["a/m", "a/m"]
        (wait,) = told.waits
        assert wait.until - told.sends[0].attempt.started == pytest.approx(4.1)

    def test_one_that_does_not_is_not_waited_for_at_all(self) -> None:
        world = two(patience=5.0)
        world.will("a/m", THROTTLED._replace(rest=6.0))
        told = world.ask()
        assert told.targets == ["a/m", "b/m"]
        assert told.waits == []

    def test_a_place_is_waited_for_until_patience_ends_and_then_the_next_tier_serves(self) -> None:
        here = Crowd(two(patience=3.0, facts={"a/m": FULL}))
        here.come()
        late = here.come()
        assert late.action == Wait(here.world.now + 3.0, Cause.PLACE)
        here.sleep(3.0)
        here.look()
        assert late.send is not None
        assert late.send.target == "b/m"
        here.close()

    def test_a_place_that_comes_free_in_time_is_taken(self) -> None:
        here = Crowd(two(patience=3.0, facts={"a/m": FULL}))
        first, late = here.come(), here.come()
        here.sleep(1.0)
        first.settle()
        here.look()
        assert late.send is not None
        assert late.send.target == "a/m"
        here.close()

    def test_who_waits_for_one_tier_keeps_no_other_idle(self) -> None:
        rule = CostTiers((Rule(1, stream=True),))
        here = Crowd(two(patience=3.0, policy=rule, facts={"a/m": FULL}))
        here.come()
        assert here.come().waits
        assert here.come(stream=True).send is not None
        here.close()

    def test_after_its_patience_it_stands_in_line_for_both_tiers(self) -> None:
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

    def test_it_is_spent_once_over_the_whole_request(self) -> None:
        world = two(patience=5.0, retry=Retry(attempts=5))
        world.will("a/m", THROTTLED._replace(rest=3.0))
        told = world.ask()
        assert told.targets == ["a/m", "a/m", "b/m"]
        assert sum(wait.until - told.sends[0].attempt.started for wait in told.waits) < 5.0

    def test_the_last_send_is_not_for_a_tier_that_threw_the_request_back(self) -> None:
        world = two(patience=60.0, retry=Retry(attempts=3))
        world.will("a/m", THROTTLED._replace(rest=1.0))
        told = world.ask(within=600.0)
        assert told.targets == ["a/m", "a/m", "b/m"]
        assert told.fail is None

    def test_a_lone_send_may_still_wait_for_a_rest_that_others_caused(self) -> None:
        world = two(patience=5.0, retry=Retry(attempts=1))
        first = world.send()
        world.settle(first, THROTTLED._replace(rest=2.0))
        assert world.ask().targets == ["a/m"]

    def test_it_leaves_half_of_the_time_to_the_next_tier(self) -> None:
        here = Crowd(two(patience=30.0, facts={"a/m": FULL}))
        here.come()
        late = here.come(within=8.0)
        assert late.action == Wait(here.world.now + 4.0, Cause.PLACE)
        here.close()

    def test_it_may_be_longer_than_an_ordinary_wait(self) -> None:
        here = Crowd(two(patience=20.0, facts={"a/m": FULL}))
        here.come()
        late = here.come()
        here.sleep(20.0)
        here.look()
        assert late.send is not None
        assert late.send.target == "b/m"
        here.close()

    def test_a_failure_is_not_waited_for(self) -> None:
        world = two(patience=5.0)
        world.eject("a/m")
        told = world.ask()
        assert told.targets == ["b/m"]
        assert told.waits == []

    def test_nobody_is_sent_to_the_ill_of_a_tier_while_it_waits_for_the_others(self) -> None:
        world = tiered(["a/m", "b/m"], ["c/m"], patience=5.0, facts={"a/m": FULL})
        world.eject("b/m")
        world.send()
        here = Crowd(world)
        world.engine.rng = Lucky()
        assert here.come().waits
        here.close()

    def test_an_empty_budget_does_not_make_patience_a_trap(self) -> None:
        world = two(patience=5.0, retry=Retry(budget=0.0))
        while world.engine._pools["m"].budget.withdraw(world.now):
            pass
        world.will("a/m", THROTTLED._replace(rest=1.0))
        told = world.ask()
        assert told.fail is None
        assert told.targets == ["a/m", "b/m"]

    def test_where_there_is_no_room_to_wait_the_next_tier_serves_at_once(self) -> None:
        here = Crowd(two(patience=3.0, facts={"a/m": FULL}))
        here.come()
        for _ in range(MOST_WAITING):
            assert here.come().waits
        late = here.come()
        assert late.send is not None
        assert late.send.target == "b/m"
        here.close()

    def test_in_the_last_tier_the_ordinary_wait_counts(self) -> None:
        here = Crowd(two(patience=3.0, policy=CostTiers((Rule(1),)), facts={"b/m": FULL}))
        here.come()
        assert here.come().action == Wait(here.world.now + LONGEST_WAIT, Cause.PLACE)
        here.close()

    def test_explain_tells_of_the_tier_that_a_request_would_wait_in(self) -> None:
        world = two(patience=3.0, facts={"a/m": FULL})
        world.send()
        a, b = world.engine.explain(world.request(), world.now).targets
        assert a.refused is not None
        assert b.refused is not None
        assert (a.refused.refusal, b.refused.refusal) == (Refusal.BUSY, Refusal.TIER)
        world.close()


ends = st.sampled_from(
    [ANSWERED, FAILED, DENIED, UNFIT, THROTTLED._replace(rest=1.0), THROTTLED._replace(rest=7.0)]
)


@settings(max_examples=200, deadline=None)
@given(
    climb=st.frozensets(st.sampled_from(Climb)),
    patience=st.sampled_from([0.0, 2.0, 5.0]),
    start=st.integers(0, 2),
    script=st.lists(st.tuples(st.sampled_from("abcd"), ends), max_size=12),
    asks=st.integers(1, 6),
)
def test_a_tier_is_left_only_for_a_cause_that_climb_names(
    climb: frozenset[Climb], patience: float, start: int, script: list[Any], asks: int
) -> None:
    rules = CostTiers((Rule(start),))
    world = tiered(["a", "b"], ["c"], ["d"], policy=rules, climb=climb, patience=patience)
    tier_of = {target.name: target.tier for target in world.route.targets}
    for name in tier_of:
        replies = [report for target, report in script if target == name]
        if replies:
            world.will(name, *replies)
    for _ in range(asks):
        waited = world.now
        course = world.engine.start(world.request(), world.now)
        ended: dict[str, Outcome] = {}
        while not isinstance(action := course.next(world.now), Fail):
            if isinstance(action, Wait):
                assert action.until > world.now
                world.now = action.until
                continue
            assert isinstance(action, Send)
            tier = tier_of[action.target]
            assert tier >= start
            if not climb:
                below = [name for name in tier_of if start <= tier_of[name] < tier]
                assert all(ended.get(name) is Outcome.UNFIT for name in below)
            if climb == FAILURE and not ended:
                # Nothing failed this request; what was left was ill before it came.
                states = {world.state(name) for name in tier_of if start <= tier_of[name] < tier}
                assert states <= {"ejected", "denied", "recovering", "probing"}
            ended[action.target] = report = world._answer(action).outcome
            if report is Outcome.OK:
                break
        course.close(world.now)
        assert world.now - waited <= 60.0
    assert world.engine.in_flight == 0
