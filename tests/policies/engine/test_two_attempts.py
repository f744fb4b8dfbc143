"""Two attempts of one request, and what they may not do to each other."""

import pytest

from policies import Course, Outcome, Phase, Report, Send, Stop
from tests.policies.driver import FAILED, World
from tests.policies.engine.deciding.test_rescue import probing, rescued
from tests.policies.engine.test_silence import STREAMED, usual


def looked(world: World) -> tuple[Course, Send]:
    """A course whose first target was not measured for long, and the rescue behind it."""
    world.now += 20.0
    course = world.start(stream=True)
    assert isinstance(course.next(world.now), Send)
    world.now += 1.0
    rescue = course.next(world.now)
    assert isinstance(rescue, Send)
    return course, rescue


def test_a_rescue_is_never_switched_to_where_the_first_is_open() -> None:
    world = usual("a/m", "b/m", "c/m")
    course, rescue = looked(world)
    assert {rescue.target, rescue.attempt.runner_up} == {"b/m", "c/m"}
    rescue.attempt.switch(world.now)
    assert len({attempt.target for attempt in course.opened}) == 2
    world.close()


def test_a_rescue_with_nobody_else_beside_it_has_no_runner_up() -> None:
    world = usual("a/m", "b/m")
    _, rescue = looked(world)
    assert rescue.attempt.runner_up is None
    world.close()


def test_when_the_one_with_content_breaks_off_the_other_is_stopped() -> None:
    """The client has seen the beginning of one answer: the other one's is not its rest."""
    world = usual("a/m", "b/m")
    course, probe, rescue = rescued(world)
    rescue.attempt.first_token(world.now)
    rescue.attempt.settle(FAILED._replace(phase=Phase.BODY), world.now)
    assert course.next(world.now) == Stop(probe.attempt, Outcome.ABANDONED)
    world.close()


@pytest.mark.parametrize("beside", [True, False])
def test_a_client_that_leaves_while_its_look_may_still_be_answered_is_no_evidence(
    beside: bool,
) -> None:
    world = usual("a/m", "b/m")
    for _ in range(100):
        world.members[0].standing.latency.first_token(3.0, 1, world.now)
    if beside:
        course, probe, _ = rescued(world)
    else:
        course, probe = probing(world)
    until = world.until("a/m")
    assert world.now < probe.attempt.overdue
    course.close(world.now)
    assert (world.state("a/m"), world.until("a/m")) == ("ejected", until)
    world.close()


def test_one_that_leaves_when_only_one_in_a_thousand_would_not_have_been_answered_is() -> None:
    world = usual("a/m", "b/m")
    course, probe = probing(world)
    world.now = probe.attempt.overdue
    course.close(world.now)
    assert world.until("a/m") > world.now + 3.0
    world.close()


def test_a_look_that_is_left_for_an_answer_from_elsewhere_is_evidence() -> None:
    world = usual("a/m", "b/m")
    course, _, rescue = rescued(world)
    rescue.attempt.first_token(world.now)
    stop = course.next(world.now)
    assert isinstance(stop, Stop)
    stop.attempt.settle(Report(stop.outcome, Phase.HEAD), world.now)
    assert world.until("a/m") > world.now + 3.0
    rescue.attempt.settle(STREAMED, world.now)
    world.close()
