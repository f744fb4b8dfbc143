"""What a record keeps of a course, and what it does not."""

from itertools import count

import pytest

from policies import Attempt, Cause, Course, Outcome, Phase, Record, Report, Send, Stop, Wait
from policies.engine.showing.record import (
    LONGEST_DETAIL,
    MOST_STEPS,
    Choice,
    Stopped,
    Verb,
)
from policies.engine.showing.recorded import RecordedAttempt
from policies.engine.showing.telling import told
from tests.policies.driver import ANSWERED, FAILED, World, limited


def started(world: World, **asked: object) -> tuple[Course, Record]:
    record = Record(count())
    request = world.request(**asked)  # type: ignore[arg-type]
    return world.engine.start(request, world.now, record=record), record


def sent(course: Course, now: float) -> Send:
    action = course.next(now)
    assert isinstance(action, Send)
    action.attempt.sent(now)
    return action


def verbs(record: Record) -> list[str]:
    return [step.verb.value for step in record.steps]


def test_it_keeps_every_call_with_its_instant_and_its_place() -> None:
    world = World("a/m", "b/m")
    course, record = started(world, stream=True)
    first = sent(course, 1000.0)
    first.attempt.settle(FAILED, 1000.5)
    second = sent(course, 1000.6)
    second.attempt.first_token(1001.0)
    second.attempt.settle(ANSWERED, 1002.0)
    course.close(1002.0)
    assert verbs(record) == [
        "start", "next", "sent", "settle", "next", "sent", "first_token", "settle", "close",
    ]  # fmt: skip
    assert [step.order for step in record.steps] == list(range(9))
    assert [step.at for step in record.steps] == [
        1000.0, 1000.0, 1000.0, 1000.5, 1000.6, 1000.6, 1001.0, 1002.0, 1002.0,
    ]  # fmt: skip
    assert [step.attempt for step in record.steps] == [0, 0, 1, 1, 0, 2, 2, 2, 0]
    assert record.request == course.request


def test_a_choice_shows_all_targets_as_they_were_the_moment_before() -> None:
    world = World("a/m", "b/m", facts={"a/m": limited(concurrent=1)})
    world.send()
    course, record = started(world)
    sent(course, world.now)
    choice = record.steps[1].said
    assert isinstance(choice, Choice)
    assert (choice.target, choice.policy, choice.number, choice.probe) == (
        "b/m",
        "InOrder",
        1,
        False,
    )
    full, chosen = choice.targets
    assert full.refused is not None
    assert (full.in_flight, chosen.in_flight) == (1, 0)
    course.close(world.now)
    world.close()


def test_asking_again_while_an_answer_comes_is_kept_once() -> None:
    world = World("a/m")
    course, record = started(world)
    sent(course, world.now)
    late = Wait(world.now + 30.0, Cause.ANSWER)  # nothing is known of anybody
    for _ in range(500):
        world.now += 0.01
        assert course.next(world.now) == late
    course.close(world.now)
    assert verbs(record) == ["start", "next", "sent", "next", "settle", "close"]


def test_what_the_deadline_ends_is_kept_as_a_stop_of_its_send() -> None:
    world = World("a/m")
    course, record = started(world, within=5.0)
    sent(course, world.now)
    stop = course.next(world.now + 5.0)
    assert isinstance(stop, Stop)
    stop.attempt.settle(Report(stop.outcome, Phase.HEAD), world.now + 5.0)
    course.close(world.now + 5.0)
    assert record.steps[3].said == Stopped(1, Outcome.ABANDONED)
    assert told(record)[2] == "+5 s: gives up send 1: abandoned"


def test_a_course_that_never_ends_fills_no_memory() -> None:
    world = World("a/m", facts={"a/m": limited(concurrent=1)})
    world.send()
    course, record = started(world)
    for _ in range(2 * MOST_STEPS):
        assert isinstance(course.next(world.now), Wait)
    course.close(world.now)
    assert len(record.steps) == MOST_STEPS
    assert record.left_out == MOST_STEPS + 2
    assert told(record)[-1] == f"{MOST_STEPS + 2} more steps, not kept"
    world.close()


def test_a_detail_is_cut() -> None:
    world = World("a/m")
    course, record = started(world)
    sent(course, world.now).attempt.settle(FAILED._replace(detail="x" * 10_000), world.now)
    course.close(world.now)
    report = record.steps[3].report
    assert report is not None
    assert len(report.detail) == LONGEST_DETAIL


def test_a_request_for_no_route_is_recorded_too() -> None:
    world = World("a/m")
    record = Record(count())
    course = world.engine.start(world.request()._replace(model="no"), world.now, record=record)
    course.next(world.now)
    course.close(world.now)
    assert [sentence.partition(": ")[2] for sentence in told(record)] == [
        "asked for no with about 0 tokens; 60 s to answer",
        "no route has this name",
        "over",
    ]


def test_in_words_it_is_a_sentence_a_step() -> None:
    world = World("a/m", "b/m")
    course, record = started(world, input_tokens=900)
    first = sent(course, 1000.0)
    course.next(1000.0)
    first.attempt.settle(FAILED._replace(detail="500 oops"), 1000.25)
    second = sent(course, 1000.25)
    second.attempt.settle(Report(Outcome.OK, output_tokens=7), 1001.25)
    course.close(1001.25)
    unseen = "not measured yet"
    assert told(record) == [
        "+0 s: asked for m with about 900 tokens; 60 s to answer",
        f"+0 s: InOrder chose a/m: {unseen}",
        "+0 s: waits for the answer; looks again in 30 s",
        "+0.2 s: a/m failed (before an answer began) after 0.2 s: 500 oops",
        f"+0.2 s: InOrder chose b/m: {unseen}; not a/m (it has already failed this request)",
        "+1.2 s: b/m answered after 1 s, 7 tokens written",
        "+1.2 s: over",
    ]


@pytest.mark.leaves_open
def test_without_a_record_nothing_of_it_is_made() -> None:
    world = World("a/m")
    course = world.engine.start(world.request(), world.now)
    send = course.next(world.now)
    assert type(course) is Course
    assert isinstance(send, Send)
    assert type(send.attempt).__name__ == "Attempt"


def test_every_verb_of_an_attempt_is_recorded() -> None:
    verbs = {name for name, member in vars(Attempt).items() if callable(member)} | {"runner_up"}
    # `wake` is the engine's, `observe` its provider's, and `settlement` only tells.
    public = {name for name in verbs if not name.startswith("_")} - {
        "wake",
        "observe",
        "settlement",
    }
    assert public <= vars(RecordedAttempt).keys()
    assert public <= {verb.value for verb in Verb}
