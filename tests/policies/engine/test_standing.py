from random import Random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Attempt, Cause, Facts, Outcome, Phase, Refusal, Report, Scope, Send, Wait
from policies.engine import resting
from policies.engine.group import ALONE, Group, Pause
from policies.engine.learning.breaker import State
from policies.engine.standing import Standing
from tests.policies.driver import (
    ABANDONED,
    ANSWERED,
    DENIED,
    FAILED,
    FILTERED,
    OVERLOADED,
    REJECTED,
    THROTTLED,
    UNFIT,
    World,
)

OWN_DENIED = Report(Outcome.DENIED, Phase.HEAD, Scope.TARGET)


def rest_of(world: World, target: str) -> float:
    """Seconds for which nothing is sent to a target."""
    return max(0.0, max(pause.until for pause in standing(world, target).pauses) - world.now)


def standing(world: World, target: str) -> Standing:
    (member,) = (member for member in world.members if member.name == target)
    return member.standing


class TestThrottled:
    @pytest.mark.parametrize(
        ("named", "rest"),
        [
            (None, 1.0),
            (0.0, 1.0),
            (-1.0, 1.0),
            (7.5, 7.5),
            (60.0, 60.0),
            (3600.0, 60.0),
            (86_400.0, 1.0),
        ],
    )
    def test_it_rests_to_its_reset_and_a_minute_at_most(
        self, named: float | None, rest: float
    ) -> None:
        world = World("a/m", "b/m")
        world.settle(world.send(), THROTTLED._replace(rest=named))
        assert rest_of(world, "a/m") == pytest.approx(rest)
        assert rest_of(world, "b/m") == 0.0
        world.close()

    def test_where_none_is_named_it_doubles_until_it_answers(self) -> None:
        world = World("a/m", "b/m")
        rests = []
        for _ in range(8):
            world.settle(world.send(), THROTTLED._replace(rest=None))
            rests.append(rest_of(world, "a/m"))
            world.now += rests[-1]
        assert rests == pytest.approx([1, 2, 4, 8, 10, 10, 10, 10])
        world.settle(world.send())
        world.settle(world.send(), THROTTLED._replace(rest=None))
        assert rest_of(world, "a/m") == pytest.approx(1)
        world.close()

    def test_many_refused_at_once_are_one_refusal(self) -> None:
        world = World("a/m", "b/m")
        for send in [world.send() for _ in range(10)]:
            world.settle(send, THROTTLED._replace(rest=None))
        assert rest_of(world, "a/m") == pytest.approx(1)
        world.close()

    def test_after_the_second_guess_one_a_second_is_sent_until_one_is_answered(self) -> None:
        world = World("a/m")
        for _ in range(2):
            world.settle(world.send(), THROTTLED._replace(rest=None))
            world.now += rest_of(world, "a/m")
        first = world.send(stream=True)
        waiting = world.start(stream=True)
        assert waiting.next(world.now) == Wait(world.now + ALONE, Cause.REST)
        world.now += 0.5
        first.attempt.first_token(world.now)
        assert isinstance(waiting.next(world.now), Send)
        world.send()
        world.close()

    def test_whoever_waits_behind_such_a_one_is_told_that_it_was_answered(self) -> None:
        world = World("a/m")
        for _ in range(2):
            world.settle(world.send(), THROTTLED._replace(rest=None))
            world.now += rest_of(world, "a/m")
        first, told = world.send(stream=True), []
        course = world.engine.start(world.request(), world.now, lambda: told.append(world.now))
        course.next(world.now)
        told.clear()
        world.now += 0.5
        first.attempt.first_token(world.now)
        assert told == [world.now]
        course.close(world.now)
        world.close()

    def test_nothing_is_sent_before_the_reset_and_all_at_it(self) -> None:
        world = World("a/m", "b/m")
        world.settle(world.send(), THROTTLED)
        world.now += 29.9
        assert world.ask().targets == ["b/m"]
        assert world.ask().targets == ["a/m"]

    def test_429s_open_no_breaker(self) -> None:
        world = World("a/m")
        for _ in range(200):
            world.settle(world.send(), THROTTLED._replace(rest=0.1))
            world.now += 0.1
        shown = world.engine.snapshot(world.now)["a/m"]
        assert shown.state == "healthy"
        assert shown.factors.score == 1.0
        world.close()

    def test_a_529_is_both_a_rest_and_a_failure(self) -> None:
        world = World("a/m", "b/m")
        sends = [world.send() for _ in range(5)]
        world.settle(sends[0], OVERLOADED)
        assert rest_of(world, "a/m") == 2.0
        assert world.engine.snapshot(world.now)["a/m"].factors.availability < 1.0
        for send in sends[1:]:
            world.settle(send, OVERLOADED)
        assert standing(world, "a/m").breaker.state.value == "ejected"
        world.close()

    def test_a_whole_provider_rests_if_that_is_what_was_said(self) -> None:
        world = World("p/a", "p/b", "q/c")
        world.settle(world.send(), THROTTLED._replace(scope=Scope.PROVIDER))
        assert world.ask().targets == ["q/c"]
        world.close()


class TestDenied:
    def test_a_denied_credential_rests_all_the_providers_targets(self) -> None:
        world = World("p/a", "p/b", "q/c")
        world.will("p/a", DENIED)
        assert world.ask().targets == ["p/a", "q/c"]
        assert world.state("p/a") == world.state("p/b") == "denied"
        assert world.state("q/c") == "healthy"

    def test_a_denied_model_rests_that_target_alone(self) -> None:
        world = World("p/a", "p/b", "q/c")
        world.will("p/a", OWN_DENIED)
        assert world.ask().targets == ["p/a", "p/b"]

    @pytest.mark.parametrize("report", [DENIED, OWN_DENIED])
    def test_it_rests_a_minute_doubling_to_a_quarter_of_an_hour(self, report: Report) -> None:
        world = World("p/a")
        rests = []
        for _ in range(7):
            world.settle(world.send(), report)
            rests.append(rest_of(world, "p/a"))
            world.now += rests[-1]
        assert rests == pytest.approx([60, 120, 240, 480, 900, 900, 900])
        world.close()

    def test_many_that_were_under_way_are_one_denial(self) -> None:
        world = World("p/a", "p/b")
        sends = [world.send() for _ in range(10)]
        for send in sends:
            world.settle(send, DENIED)
            world.now += 0.1
        assert rest_of(world, "p/b") == pytest.approx(59.0)
        world.close()

    def test_an_answer_makes_the_next_denial_a_short_one(self) -> None:
        world = World("p/a")
        for _ in range(3):
            world.settle(world.send(), DENIED)
            world.now += rest_of(world, "p/a")
        world.settle(world.send(), ANSWERED)
        world.settle(world.send(), DENIED)
        assert rest_of(world, "p/a") == 60.0
        world.close()

    def test_money_rests_to_its_reset(self) -> None:
        world = World("p/a")
        world.settle(world.send(), DENIED._replace(rest=86_400.0))
        assert rest_of(world, "p/a") == 86_400.0
        world.close()

    def test_it_is_no_evidence_against_anyones_health(self) -> None:
        world = World("p/a")
        for _ in range(20):
            world.settle(world.send(), DENIED._replace(rest=0.0))
        assert world.engine.snapshot(world.now)["p/a"].factors.score == 1.0
        world.close()


@pytest.mark.parametrize("report", [REJECTED, FILTERED, UNFIT, ABANDONED])
def test_what_the_caller_did_is_evidence_against_nobody(report: Report) -> None:
    world = World("a/m")
    for _ in range(100):
        world.settle(world.send(), report)
    shown = world.engine.snapshot(world.now)["a/m"]
    assert (shown.state, shown.factors.score) == ("healthy", 1.0)
    assert rest_of(world, "a/m") == 0.0
    assert standing(world, "a/m").breaker.failures(world.now) == (0, 0)
    world.close()


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-50, 1000)), max_size=30))
def test_the_later_end_of_a_pause_wins(rests: list[tuple[float, float]]) -> None:
    pause, now, latest = Pause(lambda: None), 0.0, float("-inf")
    for elapsed, rest in rests:
        now += elapsed
        pause.rest(Refusal.RESTING, now + rest)
        latest = max(latest, now + rest)
        assert pause.until == latest


def test_a_shorter_pause_does_not_hide_the_cause_of_a_longer() -> None:
    pause = Pause(lambda: None)
    pause.denied(0.0, None)
    pause.rest(Refusal.RESTING, 5.0)
    assert (pause.refusal, pause.until) == (Refusal.DENIED, 60.0)


def test_what_is_usual_is_not_learned_while_it_recovers() -> None:
    world = World("a/m", "b/m")
    world.eject("a/m")
    world.now = world.until("a/m")
    usual = standing(world, "a/m").evidence._usual
    for _ in range(5):
        world.settle(world.send(only=frozenset({"a/m"})))
    world.settle(world.send(only=frozenset({"a/m"})), FAILED)
    assert world.state("a/m") == "recovering"
    assert standing(world, "a/m").evidence._usual == usual
    world.close()


def test_a_lone_target_is_well_again_after_its_ramp_though_no_policy_asks() -> None:
    world = World("a/m")
    world.eject("a/m")
    world.now = world.until("a/m")
    for _ in range(25):
        world.ask()
    breaker = standing(world, "a/m").breaker
    assert (breaker.state.value, breaker.last_trip) == ("healthy", None)


BAD = ["silent", "throttled", "overloaded", "bears less", "denied", "trial", "resting"]
OTHER = ["well", "back", "over", "bears more", "nothing"]


def happen(what: str, one: Standing, now: float) -> None:
    trial = cast("Attempt", one)
    match what:
        case "silent":
            one.fell_silent(now, Random(0))
        case "throttled":
            resting.rest(one, Report(Outcome.THROTTLED), now)
        case "overloaded":
            resting.rest(one, Report(Outcome.THROTTLED, overloaded=True), now)
        case "bears less":
            one.pressure.overloaded(1, now, now)
        case "denied":
            resting.rest(one, Report(Outcome.DENIED, scope=Scope.PROVIDER), now)
        case "trial":
            one.pauses[1].begin_trial(trial)
        case "resting":
            one.pauses[0].rest(Refusal.LIMITED, now + 5)
        case "well":
            one.breaker.advised(now, well=True)
        case "back":
            one.breaker.ramp(now)
        case "over":
            one.pauses[1].end_trial(trial)
        case "bears more":
            one.pressure.sent(one.pressure.limit or 0, now)


@given(st.lists(st.tuples(st.sampled_from(BAD + OTHER), st.floats(0, 100)), max_size=20))
def test_whoever_is_thought_clear_is_found_clear(news: list[tuple[str, float]]) -> None:
    group = Group("a", Facts())
    here = Standing("a/m", Facts(), (group,), 0.0, ramp=False)
    there = Standing("a/n", Facts(), (group,), 0.0, ramp=False)
    group.standings, now = (here, there), 0.0
    for what, later in news:
        happen(what, here, now)
        now += later
        for one in group.standings:
            thought = one.clear
            one.look_closer(now)
            assert one.clear or not thought
            usual = one.breaker.state is State.HEALTHY and one.pressure.limit is None
            assert one.clear == (
                usual and all(pause.shut <= now and not pause.row for pause in one.pauses)
            )


@pytest.mark.parametrize("what", BAD)
def test_bad_news_casts_a_doubt(what: str) -> None:
    group = Group("a", Facts())
    one = Standing("a/m", Facts(), (group,), 0.0, ramp=False)
    group.standings = (one,)
    one.look_closer(0.0)
    assert one.clear
    happen(what, one, 0.0)
    assert not one.clear
