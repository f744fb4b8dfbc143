import pytest

from policies import Cause, Course, Fail, Outcome, Phase, Refusal, Report, Retry, Send, Stop, Target
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
    UNREACHABLE,
    Reply,
    World,
)

TIERS = (Target("a/m"), Target("b/m", tier=1))
SLOWLY = Reply(FAILED, seconds=2.5)


def sent(course: Course, now: float) -> Send:
    action = course.next(now)
    assert isinstance(action, Send)
    return action


def failed(course: Course, now: float) -> Fail:
    action = course.next(now)
    assert isinstance(action, Fail)
    return action


class TestFailover:
    @pytest.mark.parametrize(
        "report",
        [
            FAILED,
            UNREACHABLE,
            THROTTLED,
            THROTTLED._replace(rest=0.0),
            OVERLOADED,
            DENIED,
            UNFIT,
        ],
    )
    def test_another_target_is_asked_at_once(self, report: Report) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", report)
        told = world.ask()
        assert told.targets == ["a/m", "b/m"]
        assert (told.fail, told.waits) == (None, [])

    def test_no_target_is_asked_twice_while_another_of_its_tier_can_serve(self) -> None:
        world = World("a/m", "b/m", "c/m", retry=Retry(attempts=10))
        for name in ("a/m", "b/m", "c/m"):
            world.will(name, FAILED)
        told = world.ask()
        assert told.targets[:3] == ["a/m", "b/m", "c/m"]

    def test_all_that_failed_are_named_with_their_reasons(self) -> None:
        world = World("a/m", "b/m", retry=Retry(attempts=10))
        world.will("a/m", SLOWLY)
        world.will("b/m", UNFIT)
        told = world.ask()
        assert told.fail is not None
        assert told.fail.cause is Cause.NO_TARGET
        assert {name: refused.refusal for name, refused in told.fail.refusals.items()} == {
            "a/m": Refusal.TRIED,
            "b/m": Refusal.UNFIT,
        }
        assert told.fail.retry_at == world.now  # sent anew, it would find them both

    @pytest.mark.parametrize("attempts", [1, 2, 3, 5])
    def test_attempts_are_bounded(self, attempts: int) -> None:
        world = World(*(f"p{index}/m" for index in range(8)), retry=Retry(attempts=attempts))
        for member in world.members:
            world.will(member.name, FAILED)
        told = world.ask()
        assert len(told.targets) == len(set(told.targets)) == attempts
        assert told.fail is not None
        assert told.fail.cause is Cause.ATTEMPTS

    def test_a_failed_attempt_that_was_given_back_does_not_count(self) -> None:
        world = World("a/m", "b/m", retry=Retry(attempts=1))
        course = world.start()
        sent(course, world.now).attempt.give_back(world.now, world.now + 5)
        again = sent(course, world.now)
        assert (again.target, again.attempt.number) == ("b/m", 1)
        world.close()

    @pytest.mark.parametrize("report", [REJECTED, FILTERED])
    def test_an_error_of_the_caller_ends_it_at_once(self, report: Report) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", report)
        told = world.ask()
        assert told.targets == ["a/m"]
        assert told.fail is not None
        assert told.fail.cause is Cause.CALLER
        assert world.engine.snapshot(world.now)["a/m"].factors.score == 1.0

    def test_an_unfit_request_goes_to_one_that_fits_even_if_it_comes_later(self) -> None:
        world = World("a/m", "b/m", "c/m")
        world.will("a/m", UNFIT)
        world.will("b/m", UNFIT)
        assert world.ask().targets == ["a/m", "b/m", "c/m"]

    def test_after_an_abandoned_attempt_it_is_over(self) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", ABANDONED)
        told = world.ask()
        assert told.targets == ["a/m"]
        assert told.fail is not None
        assert told.fail.cause is Cause.OVER

    def test_after_an_answer_there_is_nothing_more_to_do(self) -> None:
        world = World("a/m", "b/m")
        course = world.start()
        world.settle(sent(course, world.now))
        assert failed(course, world.now).cause is Cause.OVER

    def test_a_fail_stays(self) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", REJECTED)
        course = world.start()
        world.settle(sent(course, world.now), REJECTED)
        assert failed(course, world.now) is failed(course, world.now + 1000)

    def test_an_unknown_model_fails_and_is_no_exception(self) -> None:
        world = World("a/m")
        course = world.engine.start(world.request()._replace(model="nope"), world.now)
        assert failed(course, world.now) == Fail(Cause.UNKNOWN_MODEL, {}, None)
        course.close(world.now)

    def test_a_route_without_targets_fails_and_is_no_exception(self) -> None:
        told = World().ask()
        assert told.fail == Fail(Cause.NO_TARGET, {}, None)


class TestAlone:
    """The one retry on the spot of a target that is alone in its tier."""

    @pytest.mark.parametrize("report", [FAILED, UNREACHABLE])
    def test_a_quick_failure_is_retried_on_the_spot_once(self, report: Report) -> None:
        world = World(*TIERS)
        world.will("a/m", report)
        assert world.ask().targets == ["a/m", "a/m", "b/m"]

    def test_it_may_be_enough(self) -> None:
        world = World(*TIERS)
        world.will("a/m", FAILED, ANSWERED)
        assert world.ask().targets == ["a/m", "a/m"]

    def test_it_is_enough_without_any_other_tier(self) -> None:
        world = World("a/m")
        world.will("a/m", FAILED, ANSWERED)
        assert world.ask().fail is None

    def test_a_slow_failure_is_not_retried_there(self) -> None:
        world = World(*TIERS)
        world.will("a/m", SLOWLY)
        assert world.ask().targets == ["a/m", "b/m"]

    @pytest.mark.parametrize("report", [THROTTLED, OVERLOADED, DENIED, UNFIT])
    def test_what_is_no_failure_is_not_retried_there(self, report: Report) -> None:
        world = World(*TIERS)
        world.will("a/m", report)
        assert world.ask().targets == ["a/m", "b/m"]

    def test_with_company_in_its_tier_it_is_not_alone(self) -> None:
        world = World("a/m", "b/m", Target("c/m", tier=1))
        world.will("a/m", FAILED)
        assert world.ask().targets == ["a/m", "b/m"]

    def test_company_that_cannot_serve_does_not_count(self) -> None:
        world = World("a/m", "b/m", Target("c/m", tier=1))
        world.will("b/m", THROTTLED)
        world.ask(only=frozenset({"b/m"}), within=1.0)
        world.will("a/m", FAILED)
        assert world.ask().targets == ["a/m", "a/m", "c/m"]

    def test_one_that_was_ejected_by_it_is_not_retried(self) -> None:
        world = World(*TIERS)
        for _ in range(4):
            world.settle(world.send(), FAILED)
        world.will("a/m", FAILED)
        assert world.ask().targets == ["a/m", "b/m"]


class TestDeadline:
    def test_nothing_is_sent_at_the_deadline_or_past_it(self) -> None:
        for late in (0.0, 5.0):
            world = World("a/m", "b/m")
            course = world.start(within=3.0)
            assert failed(course, world.now + 3.0 + late).cause is Cause.DEADLINE

    def test_no_failover_begins_at_the_deadline(self) -> None:
        world = World("a/m", "b/m")
        course = world.start(within=3.0)
        send = sent(course, world.now)
        world.now += 3.0
        world.settle(send, FAILED)
        assert failed(course, world.now).cause is Cause.DEADLINE

    def test_an_attempt_that_is_open_at_the_deadline_is_stopped(self) -> None:
        world = World("a/m", "b/m")
        course = world.start(within=3.0)
        send = sent(course, world.now)
        world.now += 3.0
        assert course.next(world.now) == Stop(send.attempt, Outcome.ABANDONED)
        world.settle(send, Report(Outcome.ABANDONED, Phase.HEAD))
        assert failed(course, world.now).cause is Cause.DEADLINE

    def test_an_attempt_that_is_open_is_waited_for_until_the_deadline(self) -> None:
        world = World("a/m")
        course = world.start(within=3.0)
        sent(course, world.now)
        wait = course.next(world.now)
        assert wait == (world.now + 3.0, Cause.ANSWER)
        world.close()

    def test_an_attempts_limits_never_pass_the_deadline(self) -> None:
        world = World("a/m")
        assert world.send(within=3.0).limits == (world.now + 3.0, world.now + 3.0)
        assert world.send(within=600.0).limits == (world.now + 120.0, world.now + 600.0)
        world.close()

    def test_a_whole_answer_may_take_three_times_what_it_usually_takes(self) -> None:
        world = World("a/m")
        world.teach("a/m", 200.0, times=3)
        assert world.send(within=6000.0).limits.head >= world.now + 600.0
        assert world.send(within=6000.0, stream=True).limits.head == world.now + 120.0
        world.close()


class TestCommit:
    """What a client has seen cannot be taken back."""

    @pytest.mark.parametrize("report", [FAILED, THROTTLED, DENIED, UNFIT])
    def test_after_the_first_token_of_a_stream_nothing_is_sent_again(self, report: Report) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", Reply(report, seconds=0.5, first=0.1))
        told = world.ask(stream=True)
        assert told.targets == ["a/m"]
        assert told.fail is not None
        assert told.fail.cause is Cause.INTERRUPTED

    def test_before_it_every_failure_is_rescued(self) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", Reply(Report(Outcome.FAILED, Phase.FIRST_TOKEN), seconds=0.5))
        assert world.ask(stream=True).targets == ["a/m", "b/m"]

    def test_an_answer_in_one_piece_is_rescued_however_far_it_had_come(self) -> None:
        world = World("a/m", "b/m")
        world.will("a/m", Reply(Report(Outcome.FAILED, Phase.BODY), seconds=0.5, first=0.1))
        assert world.ask().targets == ["a/m", "b/m"]


class TestClose:
    def test_it_settles_what_is_open_as_abandoned(self) -> None:
        world = World("a/m")
        course = world.start()
        sent(course, world.now)
        course.close(world.now)
        assert world.engine.in_flight == 0
        assert world.engine.snapshot(world.now)["a/m"].factors.availability == 1.0
        assert failed(course, world.now).cause is Cause.OVER

    def test_it_may_be_called_again(self) -> None:
        world = World("a/m")
        course = world.start()
        sent(course, world.now)
        course.close(world.now)
        course.close(world.now + 1)
        assert world.engine.in_flight == 0

    def test_it_keeps_how_the_course_failed(self) -> None:
        world = World("a/m")
        course = world.start(within=0.0)
        fail = failed(course, world.now)
        course.close(world.now)
        assert course.next(world.now) is fail


def test_a_route_that_allows_no_attempt_sends_nothing() -> None:
    world = World("a/m", retry=Retry(attempts=0))
    action = world.start().next(world.now)
    assert isinstance(action, Fail)
    assert action.cause is Cause.ATTEMPTS
