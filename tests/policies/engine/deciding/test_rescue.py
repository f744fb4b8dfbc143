"""A second attempt behind one that went to see, or that is late where the route hedges."""

import pytest

from policies import (
    Course,
    Outcome,
    Phase,
    Priority,
    Report,
    Retry,
    Send,
    Stop,
    Target,
    Wait,
)
from policies.engine.limits.budget import Curiosity, HedgeBudget
from policies.least_latency import LeastLatency
from tests.policies.driver import FAILED, REJECTED, World
from tests.policies.engine.test_silence import STREAMED, usual


def probing(world: World) -> tuple[Course, Send]:
    """A course whose first send is a probe of the first target."""
    world.eject("a/m")
    world.now = world.until("a/m")
    course = world.start(stream=True)
    probe = course.next(world.now)
    assert isinstance(probe, Send)
    assert probe.attempt.probe
    return course, probe


def rescued(world: World) -> tuple[Course, Send, Send]:
    """A probe that waits, and its rescue."""
    course, probe = probing(world)
    world.now += 1.0
    rescue = course.next(world.now)
    assert isinstance(rescue, Send)
    return course, probe, rescue


def test_a_probe_that_waits_is_rescued_and_goes_on_beside_its_rescue() -> None:
    world = usual("a/m", "b/m")
    course, probe = probing(world)
    wait = course.next(world.now)
    assert isinstance(wait, Wait)
    assert 0.2 <= wait.until - world.now <= 0.25  # when the other would usually have answered
    world.now = wait.until
    rescue = course.next(world.now)
    assert isinstance(rescue, Send)
    assert (rescue.target, probe.attempt.open) == ("b/m", True)
    world.close()


def test_the_first_content_of_either_wins() -> None:
    for first in (0, 1):
        world = usual("a/m", "b/m")
        course, probe, rescue = rescued(world)
        sends = (probe, rescue)
        sends[first].attempt.first_token(world.now + 0.1)
        world.now += 0.2
        stop = course.next(world.now)
        assert isinstance(stop, Stop)
        assert stop == Stop(sends[1 - first].attempt, Outcome.ABANDONED)
        stop.attempt.settle(Report(Outcome.ABANDONED, Phase.HEAD), world.now)
        assert isinstance(course.next(world.now), Wait)
        sends[first].attempt.settle(STREAMED, world.now + 1)
        assert world.state("a/m") == ("recovering" if first == 0 else "ejected")
        world.close()


def test_a_probe_that_is_outrun_rests_again_and_never_for_long() -> None:
    world = usual("a/m", "b/m")
    for _ in range(8):
        while True:  # until the route can spare a look
            course = world.start(stream=True)
            send = course.next(world.now)
            assert isinstance(send, Send)
            if send.attempt.probe or world.state("a/m") == "healthy":
                break
            send.attempt.first_token(world.now)
            world.settle(send, STREAMED)
            world.now += 1.0
        if not send.attempt.probe:
            world.settle(send, FAILED)
            world.eject("a/m")
            world.now = world.until("a/m")
            continue
        world.now += 1.0
        rescue = course.next(world.now)
        assert isinstance(rescue, Send)
        rescue.attempt.first_token(world.now)
        stop = course.next(world.now)
        assert isinstance(stop, Stop)
        stop.attempt.settle(Report(Outcome.ABANDONED, Phase.HEAD), world.now)
        assert world.state("a/m") == "ejected"
        assert world.now < world.until("a/m") <= world.now + 20.0
        rescue.attempt.settle(STREAMED, world.now)
    world.close()


def test_a_probe_answers_by_its_first_content() -> None:
    world = usual("a/m", "b/m")
    _, probe = probing(world)
    probe.attempt.first_token(world.now + 0.3)
    assert world.state("a/m") == "recovering"
    probe.attempt.settle(Report(Outcome.FAILED, Phase.BODY), world.now + 5)
    assert world.members[0].standing.breaker.row == 1
    world.close()


def test_a_refusal_of_one_ends_the_other() -> None:
    world = usual("a/m", "b/m")
    course, probe, rescue = rescued(world)
    rescue.attempt.settle(REJECTED, world.now)
    assert course.next(world.now) == Stop(probe.attempt, Outcome.ABANDONED)
    world.close()


def test_a_refusal_of_one_ends_no_other_that_has_begun_to_answer() -> None:
    for first in (0, 1):
        world = usual("a/m", "b/m")
        course, *sends = rescued(world)
        sends[first].attempt.first_token(world.now + 0.1)
        sends[1 - first].attempt.settle(REJECTED, world.now + 0.1)  # before anybody was stopped
        assert isinstance(course.next(world.now + 0.1), Wait)
        sends[first].attempt.settle(STREAMED, world.now + 1)
        world.close()


def test_a_rescue_that_fails_leaves_the_first_to_go_on() -> None:
    world = usual("a/m", "b/m")
    course, probe, rescue = rescued(world)
    rescue.attempt.settle(FAILED, world.now)
    assert isinstance(course.next(world.now), Wait)
    probe.attempt.first_token(world.now)
    probe.attempt.settle(STREAMED, world.now)
    world.close()


def test_a_route_with_one_attempt_probes_nobody_who_has_others_beside_it() -> None:
    world = usual("a/m", "b/m", retry=Retry(attempts=1))
    world.eject("a/m")
    world.now = world.until("a/m")
    assert world.send(stream=True).target == "b/m"
    world.close()


class TestLooks:
    def test_a_policy_that_measures_looks_at_the_idle_within_a_minute(self) -> None:
        world = usual("a/m", "b/m", policy=LeastLatency())
        world.teach("b/m", 9.0)
        looked = None
        for step in range(60):
            send = world.send(stream=True)
            if send.target == "b/m":
                looked = step
                assert send.attempt.unsure
                world.close()
                break
            world.now += 0.2
            send.attempt.first_token(world.now)
            world.settle(send, STREAMED)
            world.now += 0.8
        assert looked is not None
        assert looked > 14

    def test_one_that_goes_by_weights_does_not(self) -> None:
        world = usual("a/m", "b/m")
        for _ in range(300):
            assert world.send(stream=True).target == "a/m"
            world.close()
            world.now += 1.0

    @pytest.mark.parametrize(("rate", "most"), [(0.01, 0.11), (0.3, 0.08), (20.0, 0.022)])
    def test_they_take_a_bounded_share_of_the_requests(self, rate: float, most: float) -> None:
        curiosity, now, looks = Curiosity(0.0), 0.0, 0
        for _ in range(2000):
            now += 1 / rate
            curiosity.deposit(now)
            if curiosity.saved >= 1.0:
                curiosity.spend()
                looks += 1
        assert looks <= most * 2000

    def test_a_later_tier_is_left_alone(self) -> None:
        world = World(Target("a/m"), Target("b/m", tier=1), policy=Priority())
        for _ in range(300):
            send = world.send(stream=True)
            assert send.target == "a/m"
            world.now += 0.5
            send.attempt.first_token(world.now)
            world.settle(send, STREAMED)
            world.now += 1.0


class TestHedges:
    def test_off_by_default(self) -> None:
        world = usual("a/m", "b/m")
        course = world.start(stream=True)
        course.next(world.now)
        world.now += 5.0
        world.send(stream=True).attempt.first_token(world.now)  # its target lives
        assert isinstance(course.next(world.now), Wait)
        world.close()

    def test_after_the_usual_time_another_is_asked_beside_it(self) -> None:
        world = usual("a/m", "b/m", retry=Retry(hedge=0.05))
        for _ in range(100):  # its 95th percentile is above a second
            send = world.send(only=frozenset({"a/m"}), stream=True)
            world.now += 2.0
            send.attempt.first_token(world.now)
            world.settle(send, STREAMED)
        course = world.start(stream=True)
        first = course.next(world.now)
        assert isinstance(first, Send)
        wait = course.next(world.now)
        assert isinstance(wait, Wait)
        assert 2.0 <= wait.until - world.now <= 2.6
        world.now = wait.until
        hedge = course.next(world.now)
        assert isinstance(hedge, Send)
        assert (hedge.target, first.attempt.open) == ("b/m", True)
        world.close()

    def test_an_answer_in_one_piece_is_not_hedged(self) -> None:
        world = usual("a/m", "b/m", retry=Retry(hedge=0.05))
        course = world.start()
        course.next(world.now)
        world.now += 5.0
        assert isinstance(course.next(world.now), Wait)
        world.close()

    def test_where_everything_is_late_they_stop_until_half_is_saved_again(self) -> None:
        budget = HedgeBudget(0.05)
        granted = 0
        for _ in range(1000):
            budget.deposit()
            granted += budget.withdraw()
        assert granted <= 10 + 50
        assert not budget.withdraw()
        for _ in range(101):
            budget.deposit()
        assert budget.withdraw()
