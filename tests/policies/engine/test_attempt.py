import pytest

from policies import Outcome, Phase, Report, Send, SettledTwice, Target, Wait
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, World


def test_it_names_its_target_and_its_number() -> None:
    world = World("a/m", "b/m")
    world.will("a/m", FAILED)
    told = world.ask()
    assert [(send.attempt.target, send.attempt.number) for send in told.sends] == [
        ("a/m", 1),
        ("b/m", 2),
    ]
    assert [send.target for send in told.sends] == ["a/m", "b/m"]


def test_after_its_end_it_cannot_switch() -> None:
    world = World("a/m", "b/m")
    send = world.send()
    assert send.attempt.runner_up == "b/m"
    world.settle(send)
    with pytest.raises(SettledTwice):
        send.attempt.switch(world.now)
    assert [shown.in_flight for shown in world.engine.snapshot(world.now).values()] == [0, 0]


def test_after_a_switch_there_may_be_another() -> None:
    world = World("a/m", "b/m", "c/m")
    send = world.send()
    ways = [send.attempt.target]
    for _ in range(3):
        assert send.attempt.runner_up != send.attempt.target
        send.attempt.switch(world.now)
        ways.append(send.attempt.target)
    assert ways == ["a/m", "b/m", "a/m", "b/m"]
    world.settle(send)


def test_a_retry_on_the_spot_has_a_runner_up_of_its_own() -> None:
    world = World("a/m", Target("b/m", tier=1))
    course = world.start()
    send = course.next(world.now)
    assert isinstance(send, Send)
    world.settle(world.send(only=frozenset({"b/m"})), THROTTLED)
    world.settle(send, FAILED)
    again = course.next(world.now)
    assert isinstance(again, Send)
    assert (again.target, again.attempt.runner_up) == ("a/m", None)
    world.close()


def test_the_wait_for_the_first_token_begins_when_the_request_is_out() -> None:
    world = World("a/m")
    send = world.send(stream=True)
    world.now += 5.0  # connecting
    send.attempt.sent(world.now)
    world.now += 0.5
    send.attempt.first_token(world.now)
    assert world.engine.snapshot(world.now)["a/m"].first_token == pytest.approx(0.5)
    world.close()


def test_only_the_first_first_token_counts() -> None:
    world = World("a/m")
    send = world.send(stream=True)
    for seconds in (0.5, 9.0):
        send.attempt.first_token(send.attempt.started + seconds)
    assert send.attempt.first == send.attempt.started + 0.5
    assert world.engine.snapshot(world.now)["a/m"].first_token == pytest.approx(0.5)
    world.close()


def test_a_place_is_held_until_the_last_byte_is_through() -> None:
    world = World("a/m")
    send = world.send(stream=True)
    send.attempt.first_token(world.now + 0.5)
    assert world.engine.in_flight == 1
    world.settle(send)
    assert world.engine.in_flight == 0
    assert not send.attempt.open


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("phase", Phase)
def test_it_settles_with_any_outcome_in_any_phase(outcome: Outcome, phase: Phase) -> None:
    world = World("a/m", "b/m")
    course = world.start()
    send = course.next(world.now)
    send.attempt.settle(Report(outcome, phase), world.now)  # type: ignore[union-attr]
    assert world.engine.in_flight == 0
    assert course.next(world.now) is not None
    world.close()


def test_time_that_steps_back_harms_nobody() -> None:
    world = World("a/m")
    for step in (-5.0, 3.0, -100.0, 50.0):
        send = world.send()
        send.attempt.sent(world.now)
        world.now += step
        send.attempt.first_token(world.now)
        world.settle(send, ANSWERED if step > 0 else FAILED)
    shown = world.engine.snapshot(world.now)["a/m"]
    assert 0.0 <= shown.factors.score <= 1.0
    world.close()


def test_time_that_was_not_read_is_not_the_targets() -> None:
    paces = []
    for unread in (0.0, 3.0):
        world = World("a/m")
        send = world.send(stream=True)
        world.now += 1.0
        send.attempt.first_token(world.now)
        world.now += 4.0
        world.settle(send, Report(Outcome.OK, output_tokens=101, unread=unread))
        paces.append(world.members[0].latency.per_token)
    assert paces == [pytest.approx(0.04, rel=0.02), pytest.approx(0.01, rel=0.02)]


@pytest.mark.parametrize("stream", [False, True])
def test_alone_it_knows_until_when_its_course_has_nothing_else_to_say(*, stream: bool) -> None:
    world = World("a/m", "b/m")
    for _ in range(40):
        course = world.start(stream=stream)
        send = course.next(world.now)
        assert isinstance(send, Send)
        wait = course.next(world.now)
        assert isinstance(wait, Wait)
        assert wait.until == send.attempt.until > world.now
        world.now += 0.3
        world.settle(send)
        course.close(world.now)
