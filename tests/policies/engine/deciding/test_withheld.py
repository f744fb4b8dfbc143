"""What a stream brought was withheld: others may be asked as if it had brought nothing."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest

from policies import (
    Cause,
    Course,
    Engine,
    Fail,
    Outcome,
    Phase,
    Priority,
    Report,
    Request,
    Retry,
    Route,
    Send,
    Stop,
    Target,
)
from policies.engine.showing.record import Choice, Record
from policies.simulate.replay import replay
from tests.policies.engine.deciding.test_rescue import rescued
from tests.policies.engine.test_silence import usual

CUT = Report(Outcome.FAILED, Phase.BODY, withheld=True)
ENDED = Report(Outcome.ABANDONED, Phase.BODY, withheld=True)


def engine() -> Engine:
    targets = [Target("a/m", tier=0), Target("b/m", tier=1)]
    return Engine({"chat": Route(targets, Priority(), Retry(4))}, rng=Random(1), now=0.0)


def started(one: Engine, record: Record | None = None) -> Course:
    return one.start(Request("chat", 60.0, 100, stream=True), 0.0, record=record)


def streamed(course: Course, report: Report, now: float) -> str:
    """Who is asked next; its first content comes, and it ends so."""
    action = course.next(now)
    assert isinstance(action, Send), action
    action.attempt.sent(now)
    action.attempt.first_token(now + 0.1)
    action.attempt.settle(report, now + 3.0)
    return action.target


def test_one_that_breaks_off_is_followed_by_another() -> None:
    course = started(engine())
    assert streamed(course, CUT, 0.0) == "a/m"
    assert streamed(course, CUT, 3.0) == "b/m"


def test_what_was_not_withheld_is_the_point_of_no_return() -> None:
    course = started(engine())
    streamed(course, CUT._replace(withheld=False), 0.0)
    end = course.next(3.0)
    assert isinstance(end, Fail)
    assert end.cause is Cause.INTERRUPTED


@pytest.mark.parametrize("report", [ENDED, Report(Outcome.OK, withheld=True)])
def test_one_that_is_not_good_enough_is_climbed_from(report: Report) -> None:
    course = started(engine())
    assert streamed(course, report, 0.0) == "a/m"
    course.climb(1, 3.0)
    assert streamed(course, Report(Outcome.OK), 3.0) == "b/m"


def test_it_says_of_its_target_what_it_says_of_any() -> None:
    one = engine()
    for _ in range(5):
        streamed(started(one), CUT, 0.0)
    assert one.snapshot(3.0)["a/m"].state == "ejected"


def test_it_is_replayed() -> None:
    record = Record(count())
    course = started(engine(), record)
    streamed(course, CUT, 0.0)
    streamed(course, ENDED, 3.0)
    course.close(6.0)
    choices = [one for one in replay(engine(), [record]) if isinstance(one.recorded, Choice)]
    assert [one.recorded for one in choices] == [one.replayed for one in choices]
    assert len(choices) == 2


def test_who_was_stopped_since_it_came_is_asked_again() -> None:
    world = usual("a/m", "b/m", retry=Retry(attempts=3))
    course, probe, rescue = rescued(world)
    probe.attempt.first_token(world.now)
    stop = course.next(world.now)
    assert isinstance(stop, Stop)
    stop.attempt.settle(Report(stop.outcome, Phase.HEAD), world.now)
    assert stop.attempt is rescue.attempt
    probe.attempt.settle(CUT, world.now + 3.0)
    action = course.next(world.now + 3.0)
    assert isinstance(action, Send)
    assert action.target == "b/m"
    world.close()
