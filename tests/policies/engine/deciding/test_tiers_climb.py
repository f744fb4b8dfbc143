"""For what cause a request leaves a tier."""

from __future__ import annotations

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
    Rule,
    Send,
    Target,
    Wait,
)
from policies.engine.waiting.queue import LONGEST_WAIT
from tests.policies.crowd import Crowd
from tests.policies.driver import ANSWERED, DENIED, FAILED, THROTTLED, UNFIT, Reply, World
from tests.policies.tiered import FAILURE, FULL, NEVER, ONLY_THROTTLED, tiered, two


def test_by_default_both_causes_let_a_request_go_on_at_once() -> None:
    world = two()
    world.will("a/m", THROTTLED)
    told = world.ask()
    assert told.targets == ["a/m", "b/m"]
    assert told.waits == []


def test_a_full_tier_is_waited_for_where_only_failure_climbs() -> None:
    here = Crowd(two(climb=FAILURE, facts={"a/m": FULL}))
    first, second = here.come(), here.come()
    assert second.action == Wait(here.world.now + LONGEST_WAIT, Cause.PLACE)
    first.settle()
    here.look()
    assert second.send is not None
    assert second.send.target == "a/m"
    here.close()


def test_a_resting_tier_is_waited_for_where_only_failure_climbs() -> None:
    world = two(climb=FAILURE)
    world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
    told = world.ask()
    assert told.targets == ["a/m", "a/m"]
    assert [wait.cause for wait in told.waits] == [Cause.REST]


def test_a_rest_that_is_too_long_fails_with_its_own_cause_and_end() -> None:
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
def test_where_only_failure_climbs_a_failure_does(ill: Report) -> None:
    world = two(climb=FAILURE)
    world.will("a/m", Reply(ill, 2.5))  # too slow for another try on the spot
    assert world.ask().targets == ["a/m", "b/m"]
    world.eject("a/m") if ill is FAILED else None
    assert world.ask().targets == ["b/m"]


def test_a_failure_stays_where_only_throttling_climbs() -> None:
    world = two(climb=ONLY_THROTTLED)
    world.will("a/m", Reply(FAILED, 2.5))
    told = world.ask()
    assert told.targets == ["a/m"]
    assert told.fail is not None
    assert told.fail.refusals["a/m"].refusal is Refusal.TRIED


def test_a_place_that_is_promised_to_somebody_older_is_no_room() -> None:
    here = Crowd(two(climb=ONLY_THROTTLED, facts={"a/m": FULL}))
    first, picky = here.come(), here.come(only=frozenset({"a/m"}))
    first.settle()
    late = here.come()  # before the older one has looked
    assert late.send is not None
    assert late.send.target == "b/m"
    here.look()
    assert picky.send is not None
    here.close()


def test_where_only_throttling_climbs_a_full_tier_overflows() -> None:
    world = two(climb=ONLY_THROTTLED, facts={"a/m": FULL})
    assert [world.send().target for _ in range(2)] == ["a/m", "b/m"]
    world.close()


def test_an_ejected_tier_that_may_not_be_left_is_probed_when_its_time_has_come() -> None:
    world = two(climb=ONLY_THROTTLED)
    world.eject("a/m")
    world.now = world.until("a/m")
    assert world.ask().targets == ["a/m"]
    assert world.state("a/m") == "recovering"


def test_a_tier_that_may_not_be_left_gives_nothing_away_while_it_comes_back() -> None:
    world = two(climb=ONLY_THROTTLED)
    world.eject("a/m")
    world.now = world.until("a/m")
    world.ask()
    assert world.shares(100) == {"a/m": 100}


def test_one_that_may_be_left_comes_back_by_ramp() -> None:
    world = two(climb=FAILURE)
    world.eject("a/m")
    world.now = world.until("a/m")
    world.ask()
    early = [world.send().target for _ in range(200)]
    assert 5 <= early.count("a/m") <= 40
    world.close()


def test_every_target_of_the_tier_must_be_away_for_a_named_cause() -> None:
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
            {"input_tokens": 22},
        ),
    ],
    ids=["drained", "too short"],
)
def test_who_could_never_serve_the_request_does_not_hold_it(
    targets: list[Target], options: dict[str, Any], asked: dict[str, Any]
) -> None:
    world = World(*targets, policy=Priority(), climb=NEVER, **options)
    assert world.ask(**asked).targets == ["b/m"]


def test_nor_does_who_said_so_itself() -> None:
    world = two(climb=NEVER)
    world.will("a/m", UNFIT)
    assert world.ask().targets == ["a/m", "b/m"]


def test_without_a_cause_a_request_stays_where_it_starts() -> None:
    world = two(climb=NEVER, policy=CostTiers((Rule(1, stream=True),)))
    world.will("a/m", FAILED)
    assert set(world.ask().targets) == {"a/m"}
    assert world.ask(stream=True).targets == ["b/m"]


def test_a_policy_that_knows_no_tiers_keeps_them_all_the_same() -> None:
    world = two(climb=FAILURE, policy=LeastLatency())
    world.teach("a/m", 30.0, times=3)
    world.teach("b/m", 0.1, times=3)
    assert world.shares(50) == {"a/m": 50}


def test_the_runner_up_stands_in_a_tier_that_is_open() -> None:
    world = two(climb=FAILURE)
    assert world.send().attempt.runner_up is None
    world.close()
    world = two()
    assert world.send().attempt.runner_up == "b/m"
    world.close()


def test_who_names_a_target_gets_it_whatever_climbs() -> None:
    assert two(climb=NEVER).ask(only=frozenset({"b/m"})).targets == ["b/m"]


def test_nobody_else_is_sent_to_an_ill_tier_that_is_closed() -> None:
    here = Crowd(two(climb=FAILURE, facts={"a/m": FULL}))
    here.world.eject("b/m")
    here.come()
    here.world.now = here.world.until("b/m")
    assert here.come().waits  # and is no probe of b/m
    here.close()


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
