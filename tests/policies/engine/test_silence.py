"""Silence is evidence: what waits for a target from which nothing comes is moved."""

from functools import partial

from policies import Cause, Course, Outcome, Phase, Report, Retry, Send, Stop, Wait
from policies.engine.learning.breaker import Why
from tests.policies.driver import ABANDONED, ANSWERED, REJECTED, THROTTLED, World

STREAMED = Report(Outcome.OK, input_tokens=100, output_tokens=100)


def usual(*targets: str, **options: object) -> World:
    """A world whose targets have all answered streams after 0.2 s, and the first is asked first."""
    world = World(*targets, **options)  # type: ignore[arg-type]
    for name in reversed(targets):
        for _ in range(200):
            send = world.send(only=frozenset({name}), stream=True)
            world.now += 0.2
            send.attempt.first_token(world.now)
            world.settle(send, STREAMED)
    return world


def wait(world: World, count: int, every: float = 0.1) -> list[tuple[Course, Send]]:
    """So many streams begin, and hear nothing."""
    waiting = []
    for _ in range(count):
        course = world.start(stream=True)
        action = course.next(world.now)
        assert isinstance(action, Send)
        waiting.append((course, action))
        world.now += every
    return waiting


def test_nobody_is_late_within_a_second_however_fast_it_usually_is() -> None:
    world = usual("a/m", "b/m")
    course = world.start(stream=True)
    begin = world.now
    assert isinstance(course.next(world.now), Send)
    assert course.next(world.now) == Wait(begin + 1.0, Cause.ANSWER)
    world.close()


def test_three_past_their_time_and_nothing_heard_ejects_the_target() -> None:
    world = usual("a/m", "b/m")
    waiting = wait(world, 3)
    world.now = waiting[2][1].attempt.overdue - 0.001
    assert isinstance(waiting[2][0].next(world.now), Wait)
    assert world.state("a/m") == "healthy"
    world.now += 0.001
    course, send = waiting[2]
    assert course.next(world.now) == Stop(send.attempt, Outcome.FAILED)
    trip = world.members[0].standing.breaker.last_trip
    assert trip is not None
    assert (trip.why, trip.bad) == (Why.SILENCE, 3)
    world.close()


def test_two_past_their_time_are_no_evidence_but_are_not_left_alone() -> None:
    world = usual("a/m", "b/m")
    waiting = wait(world, 2)
    world.now += 40.0
    for course, send in waiting:
        beside = course.next(world.now)
        assert isinstance(beside, Send)
        assert (beside.target, send.attempt.open) == ("b/m", True)
    assert world.state("a/m") == "healthy"
    world.close()


def test_one_past_its_time_goes_on_alone_while_others_are_heard_and_no_longer() -> None:
    world = usual("a/m", "b/m")
    (course, send), (_, other) = wait(world, 2)
    late = send.attempt.overdue - send.attempt.was_sent
    world.now = heard = send.attempt.overdue - 0.5
    other.attempt.first_token(heard)
    world.now = send.attempt.overdue
    assert course.next(world.now) == Wait(heard + late, Cause.ANSWER)
    world.now = heard + late
    beside = course.next(world.now)
    assert isinstance(beside, Send)
    assert beside.target == "b/m"
    world.close()


def test_whoever_waits_is_woken_the_oldest_first_and_sent_elsewhere() -> None:
    world = usual("a/m", "b/m")
    woken: list[int] = []
    courses = []
    for number in range(5):
        course = world.engine.start(
            world.request(stream=True), world.now, partial(woken.append, number)
        )
        assert isinstance(course.next(world.now), Send)
        courses.append(course)
        world.now += 0.1
    world.now = world.members[0].standing.latency.late(0, stream=True) + world.now  # type: ignore[operator]
    world.now += 1.0
    for course in courses:
        match course.next(world.now):
            case Stop(attempt, outcome):
                attempt.settle(Report(outcome, Phase.FIRST_TOKEN), world.now)
        match course.next(world.now):
            case Send(_, target, _):
                assert target == "b/m"
    assert woken == [0, 1, 2, 3, 4]
    for course in courses:
        course.close(world.now)


def test_a_first_content_from_anybody_while_they_waited_says_that_it_lives() -> None:
    world = usual("a/m", "b/m")
    waiting = wait(world, 4)
    waiting[3][1].attempt.first_token(world.now)
    world.now = waiting[2][1].attempt.overdue + 0.01
    assert isinstance(waiting[2][0].next(world.now), Wait)
    assert world.state("a/m") == "healthy"
    world.close()


def test_the_end_of_an_old_stream_does_not_say_that_it_lives() -> None:
    world = usual("a/m", "b/m")
    old = world.send(stream=True)
    old.attempt.first_token(world.now + 0.2)
    world.now += 1.0
    waiting = wait(world, 3)
    world.now = waiting[2][1].attempt.overdue
    world.settle(old, STREAMED)
    assert isinstance(waiting[2][0].next(world.now), Stop)
    assert world.state("a/m") == "ejected"
    world.close()


def test_a_refusal_says_that_it_lives() -> None:
    for report in (REJECTED, THROTTLED):
        world = usual("a/m", "b/m")
        waiting = wait(world, 4)
        world.now = waiting[2][1].attempt.overdue - 0.01
        world.settle(waiting[3][1], report)
        world.now += 0.01
        assert isinstance(waiting[2][0].next(world.now), Wait)
        assert world.members[0].standing.breaker.state.value == "healthy"
        world.close()


def test_those_who_left_past_their_time_count() -> None:
    world = usual("a/m", "b/m")
    for _ in range(3):
        (course, send), *_ = wait(world, 1)
        world.now = send.attempt.overdue + 0.01
        world.settle(send, ABANDONED)
        course.close(world.now)
    assert world.state("a/m") == "ejected"
    world.close()


def test_those_who_left_early_do_not() -> None:
    world = usual("a/m", "b/m")
    for _ in range(50):
        (course, send), *_ = wait(world, 1)
        world.settle(send, ABANDONED)
        course.close(world.now)
    assert world.state("a/m") == "healthy"
    world.close()


def test_where_there_is_nowhere_to_go_they_stay() -> None:
    world = usual("a/m")
    waiting = wait(world, 5)
    world.now += 5.0
    for course, send in waiting:
        assert isinstance(course.next(world.now), Wait)
        assert send.attempt.open
    assert world.state("a/m") == "ejected"
    waiting[0][1].attempt.first_token(world.now)
    world.settle(waiting[0][1], ANSWERED)
    world.close()


def test_a_request_that_has_used_its_attempts_stays() -> None:
    world = usual("a/m", "b/m", retry=Retry(attempts=1))
    waiting = wait(world, 5)
    world.now += 5.0
    assert all(isinstance(course.next(world.now), Wait) for course, _ in waiting)
    world.close()


def test_after_silence_the_same_target_is_not_asked_again_by_the_same_request() -> None:
    world = usual("a/m", "b/m")
    waiting = wait(world, 3)
    world.now += 5.0
    course, send = waiting[2]
    assert isinstance(course.next(world.now), Stop)
    send.attempt.settle(Report(Outcome.FAILED, Phase.FIRST_TOKEN), world.now)
    second = course.next(world.now)
    assert isinstance(second, Send)
    assert second.target == "b/m"
    second.attempt.settle(Report(Outcome.FAILED, Phase.HEAD), world.now)
    third = course.next(world.now)
    assert isinstance(third, Send)
    assert third.target == "b/m"  # alone now, and quick to fail: once more on the spot
    world.close()


def test_a_longer_input_is_late_later() -> None:
    world = World("a/m", "b/m")
    for number in range(200):
        tokens = 1000 * (number % 10)
        send = world.send(only=frozenset({"a/m"}), stream=True, input_tokens=tokens)
        world.now += 0.2 + tokens * 0.001
        send.attempt.first_token(world.now)
        world.settle(send, STREAMED)
    latency = world.members[0].standing.latency
    short, long = latency.late(1000, stream=True), latency.late(100_000, stream=True)
    assert short is not None
    assert long is not None
    assert short < 20.0
    assert long > 90.0
    predicted = [
        world.members[0].predicted(world.request(stream=True, input_tokens=tokens))
        for tokens in (1000, 9000)
    ]
    assert predicted[0] is not None
    assert predicted[1] is not None
    assert 7.0 < predicted[1] - predicted[0] < 9.0
    world.close()


def test_where_nothing_was_ever_measured_half_a_minute_is_late() -> None:
    world = World("a/m", "b/m")
    waiting = wait(world, 3)
    world.now = waiting[2][1].attempt.overdue
    assert world.now == waiting[2][1].attempt.started + 30.0
    assert isinstance(waiting[2][0].next(world.now), Stop)
    world.close()
