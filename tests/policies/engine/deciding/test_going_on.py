"""An answer that broke off after its first content, and is gone on with elsewhere."""

from itertools import count
from random import Random

import pytest

from policies import (
    Cause,
    Climb,
    Course,
    Engine,
    Fail,
    Outcome,
    Phase,
    Record,
    Refusal,
    Report,
    Retry,
    Send,
    Stop,
    Target,
)
from policies.engine.showing.telling import told
from policies.simulate.replay import replay
from tests.policies.driver import ABANDONED, REJECTED, UNFIT, World, limited

BROKEN = Report(Outcome.FAILED, Phase.BODY)
THROTTLED = Report(Outcome.THROTTLED, Phase.BODY)


def broken(
    world: World, report: Report = BROKEN, course: Course | None = None, **asked: object
) -> Course:
    """A streamed request whose answer has broken off within its content."""
    course = course or world.start(stream=True, **asked)
    action = course.next(world.now)
    assert isinstance(action, Send)
    action.attempt.sent(world.now)
    action.attempt.first_token(world.now)
    action.attempt.settle(report, world.now)
    return course


def asked(course: Course, now: float) -> str:
    action = course.next(now)
    assert isinstance(action, Send), action
    action.attempt.settle(UNFIT, now)
    return action.target


def refused(course: Course, now: float) -> Fail:
    action = course.next(now)
    assert isinstance(action, Fail), action
    return action


@pytest.mark.parametrize("report", [BROKEN, THROTTLED, THROTTLED._replace(rest=0.0)])
def test_only_those_who_can_go_on_are_asked_and_never_who_broke_it_off(report: Report) -> None:
    world = World("a/m", "b/n", "c/m", retry=Retry(attempts=9, budget=1.0))
    course = broken(world, report)
    course.go_on({"c/m"}, world.now)
    assert asked(course, world.now) == "c/m"
    fail = refused(course, world.now)
    assert fail.cause is Cause.INTERRUPTED
    assert fail.refusals["b/n"].refusal is Refusal.UNFIT


def test_nobody_is_asked_unless_that_is_said() -> None:
    world = World("a/m", "b/m", retry=Retry(attempts=9, budget=1.0))
    assert refused(broken(world), world.now).cause is Cause.INTERRUPTED


def test_the_retry_budget_pays_for_it_though_its_destination_is_well() -> None:
    world = World("a/m", "b/m", retry=Retry(budget=0.0))
    course = broken(world)
    while world.pool.budget.withdraw(world.now):
        pass
    course.go_on({"b/m"}, world.now)
    assert refused(course, world.now).cause is Cause.INTERRUPTED


def test_it_is_one_of_the_attempts() -> None:
    world = World("a/m", "b/m", retry=Retry(attempts=1, budget=1.0))
    course = broken(world)
    course.go_on({"b/m"}, world.now)
    assert refused(course, world.now).cause is Cause.INTERRUPTED


def test_the_deadline_holds() -> None:
    world = World("a/m", "b/m", retry=Retry(budget=1.0))
    course = broken(world, within=1.0)
    course.go_on({"b/m"}, world.now)
    assert refused(course, world.now + 1.0).cause is Cause.DEADLINE


def test_limits_and_breakers_hold() -> None:
    facts = {"b/m": limited(requests=1)}
    world = World("a/m", "b/m", "c/m", facts=facts, retry=Retry(attempts=9, budget=1.0))
    world.settle(world.send(only=frozenset({"b/m"})))
    world.eject("c/m")
    course = broken(world)
    course.go_on({"b/m", "c/m"}, world.now)
    action = course.next(world.now)
    assert not isinstance(action, Send) or action.target == "c/m"


def test_who_fails_before_content_is_followed_by_another() -> None:
    world = World("a/m", "b/m", "c/m", retry=Retry(attempts=9, budget=1.0))
    course = broken(world)
    course.go_on({"b/m", "c/m"}, world.now)
    assert [asked(course, world.now), asked(course, world.now)] == ["b/m", "c/m"]


def test_who_goes_on_may_break_off_as_well() -> None:
    world = World("a/m", "b/m", "c/m", retry=Retry(attempts=9, budget=1.0))
    course = broken(world)
    course.go_on({"b/m", "c/m"}, world.now)
    broken(world, course=course)
    assert refused(course, world.now).cause is Cause.INTERRUPTED

    course = broken(world)
    course.go_on({"b/m", "c/m"}, world.now)
    broken(world, course=course)
    course.go_on({"c/m"}, world.now)
    assert asked(course, world.now) == "c/m"


@pytest.mark.parametrize("report", [ABANDONED, REJECTED])
def test_what_nobody_is_asked_after_otherwise_nobody_is_asked_after(report: Report) -> None:
    world = World("a/m", "b/m", "c/m", retry=Retry(attempts=9, budget=1.0))
    course = broken(world)
    course.go_on({"b/m", "c/m"}, world.now)
    broken(world, report, course=course)
    assert refused(course, world.now).cause is Cause.INTERRUPTED


def test_a_target_alone_is_not_asked_once_more_on_the_spot() -> None:
    world = World("a/m", retry=Retry(budget=1.0))
    course = broken(world)
    course.go_on({"b/m"}, world.now)
    assert refused(course, world.now).cause is Cause.INTERRUPTED


TIERS = (Target("a/m"), Target("b/m"), Target("c/m", tier=1))


def test_it_goes_up_the_tiers_as_after_any_failure() -> None:
    world = World(*TIERS, retry=Retry(budget=1.0), climb=frozenset({Climb.FAILURE}))
    course = broken(world)
    course.go_on({"c/m"}, world.now)
    assert asked(course, world.now) == "c/m"


def test_it_leaves_no_tier_that_failures_do_not_leave() -> None:
    world = World(*TIERS, retry=Retry(budget=1.0), climb=frozenset({Climb.THROTTLED}))
    course = broken(world)
    course.go_on({"c/m"}, world.now)
    assert refused(course, world.now).cause is Cause.INTERRUPTED


def test_it_is_recorded_told_in_words_and_can_be_done_again() -> None:
    world = World("a/m", "b/m", "c/m", retry=Retry(attempts=9, budget=1.0))
    record = Record(count())
    course = world.engine.start(world.request(stream=True), world.now, record=record)
    broken(world, course=course)
    course.go_on({"c/m"}, world.now)
    broken(world, course=course)
    refused(course, world.now)
    course.close(world.now)
    assert any("the rest may come from c/m" in sentence for sentence in told(record))
    engine = Engine({"m": world.route}, rng=Random(7), now=1000.0)
    assert all(each.recorded == each.replayed for each in replay(engine, [record]))


def test_nothing_is_stopped_while_somebody_goes_on() -> None:
    world = World("a/m", "b/m", retry=Retry(budget=1.0))
    course = broken(world)
    course.go_on({"b/m"}, world.now)
    action = course.next(world.now)
    assert isinstance(action, Send)
    action.attempt.sent(world.now)
    assert not isinstance(course.next(world.now), Stop)
    course.close(world.now)
