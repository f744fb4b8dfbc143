import pytest

from policies import Outcome, Phase, Report
from tests.policies.driver import ANSWERED, FAILED, World


def test_it_names_its_target_and_its_number() -> None:
    world = World("a/m", "b/m")
    world.will("a/m", FAILED)
    told = world.ask()
    assert [(send.attempt.target, send.attempt.number) for send in told.sends] == [
        ("a/m", 1),
        ("b/m", 2),
    ]
    assert [send.target for send in told.sends] == ["a/m", "b/m"]


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
