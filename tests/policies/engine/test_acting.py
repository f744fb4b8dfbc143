"""Requests that act in the world are sent again only when nothing can have been begun."""

import pytest

from policies import Cause, Outcome, Phase, Report, Retry, Send, Target, Wait
from policies.engine.deciding.extra import may_have_begun
from tests.policies.driver import (
    ABANDONED,
    ANSWERED,
    DENIED,
    FAILED,
    OVERLOADED,
    THROTTLED,
    UNFIT,
    UNREACHABLE,
    Reply,
    World,
)
from tests.policies.engine.deciding.test_probe import sick
from tests.policies.engine.test_silence import usual, wait

BEGUN = [
    FAILED,
    Report(Outcome.FAILED, Phase.FIRST_TOKEN),
    Report(Outcome.FAILED),
    # Said inside an answer that had begun.
    Report(Outcome.THROTTLED, Phase.FIRST_TOKEN),
    Report(Outcome.DENIED),
    ABANDONED,
]
NOT_BEGUN = [UNREACHABLE, THROTTLED, OVERLOADED, DENIED, UNFIT]


@pytest.mark.parametrize("report", NOT_BEGUN)
def test_what_proves_that_nothing_was_begun_is_failed_over(report: Report) -> None:
    world = World("a/m", "b/m")
    world.will("a/m", report)
    told = world.ask(acts=True)
    assert (told.targets, told.fail) == (["a/m", "b/m"], None)


@pytest.mark.parametrize("report", BEGUN[:-1])
def test_after_anything_else_it_fails_at_once_and_says_why(report: Report) -> None:
    world = World("a/m", "b/m")
    world.will("a/m", report)
    told = world.ask(acts=True)
    assert told.targets == ["a/m"]
    assert told.fail is not None
    assert told.fail.cause is Cause.ACTED


def test_one_that_does_not_act_goes_on_after_the_same() -> None:
    for report in BEGUN[:-1]:
        world = World("a/m", "b/m")
        world.will("a/m", report)
        assert world.ask().targets == ["a/m", "b/m"]


def test_what_was_begun_is_told_from_what_was_not() -> None:
    assert [may_have_begun(report) for report in BEGUN] == [True] * len(BEGUN)
    assert [may_have_begun(report) for report in NOT_BEGUN] == [False] * len(NOT_BEGUN)
    assert not may_have_begun(None)


def test_who_is_alone_is_not_asked_once_more_on_the_spot() -> None:
    world = World(Target("a/m"), Target("b/m", tier=1))
    world.will("a/m", FAILED)
    assert world.ask(acts=True).targets == ["a/m"]


def test_at_its_deadline_it_is_said_to_have_acted_perhaps() -> None:
    world = World("a/m", "b/m")
    world.will("a/m", Reply(ANSWERED, seconds=70.0))
    told = world.ask(acts=True, stream=True)
    assert told.fail is not None
    assert told.fail.cause is Cause.ACTED


def test_one_that_waited_and_was_never_sent_just_has_no_time_left() -> None:
    world = World("a/m")
    world.will("a/m", Report(Outcome.THROTTLED, Phase.HEAD, rest=5.0))
    told = world.ask(acts=True, within=3.0)
    assert told.fail is not None
    assert told.fail.cause is not Cause.ACTED


def test_it_is_not_moved_off_a_silent_target_and_counts_as_evidence_all_the_same() -> None:
    world = usual("a/m", "b/m")
    wait(world, 2)
    course = world.start(stream=True, acts=True)
    send = course.next(world.now)
    assert isinstance(send, Send)
    world.now = send.attempt.overdue + 1.0
    assert isinstance(course.next(world.now), Wait)
    assert send.attempt.open
    assert world.state("a/m") == "ejected"
    course.close(world.now)
    world.close()


def test_it_is_neither_hedged_nor_doubled_when_it_is_late() -> None:
    world = usual("a/m", "b/m", retry=Retry(hedge=0.05))
    course = world.start(stream=True, acts=True)
    assert isinstance(course.next(world.now), Send)
    for _ in range(200):
        world.now += 0.25
        assert isinstance(course.next(world.now), Wait)
    course.close(world.now)


def test_it_is_not_sent_to_see_how_an_ejected_target_is_while_another_can_serve() -> None:
    world = sick("a/m", "b/m")
    assert world.ask(acts=True).targets == ["b/m"]
    assert world.ask().targets == ["a/m"]


def test_where_nobody_else_is_left_it_is_sent_even_there() -> None:
    world = sick("a/m")
    assert world.ask(acts=True).targets == ["a/m"]
