"""What a provider says is left: believed as far as it should be, and no further."""

from __future__ import annotations

import pytest

from policies import (
    Facts,
    Headroom,
    Limits,
    Measured,
    Measurement,
    Outcome,
    Phase,
    Rate,
    Refusal,
    Report,
    Wait,
)
from policies.engine.limits.measured import ANSWERS
from tests.policies.driver import ANSWERED, World
from tests.policies.metered import Bucket, Lie, Run, Turning

REFUSED = Report(Outcome.THROTTLED, Phase.HEAD)
LATER = 1.0
"""Seconds that a reset which is named in whole seconds may be late."""


def say(world: World, *said: Headroom, ago: float = 0.0, target: str = "a/m") -> list[Measured]:
    return list(
        world.engine.observe(target, Measurement(said), sent=world.now - ago, now=world.now)
    )


def left(left_: int, limit: int | None = 60, reset: float | None = 20.0) -> Headroom:
    return Headroom("requests", left_, limit, reset, 60.0)


def level(world: World) -> Measured:
    (only,) = world.engine.snapshot(world.now)["a/m"].said
    return only


def test_two_left_and_a_reset_in_twenty_seconds_are_two_requests_in_twenty_seconds() -> None:
    world = World("a/m", "b/m")
    say(world, left(2))
    assert [world.send().target for _ in range(4)] == ["a/m", "a/m", "b/m", "b/m"]
    world.now += 19.9
    assert world.send().target == "b/m"
    world.now += 0.1 + LATER
    assert world.send().target == "a/m"
    world.close()


def test_who_can_go_nowhere_else_waits_for_the_reset() -> None:
    world = World("a/m")
    say(world, left(0, reset=5.0))
    course = world.start()
    told = course.next(world.now)
    assert isinstance(told, Wait)
    assert told.until == world.now + 5 + LATER
    explained = world.engine.explain(world.request(), world.now).targets[0]
    assert explained.refused is not None
    assert explained.refused.refusal is Refusal.LIMITED
    assert "its provider leaves 0 of 60 requests, all again in 5 s" in explained.words
    world.close()


def test_a_limit_that_refills_steadily_is_used_as_it_refills() -> None:
    world = World("a/m", "b/m")
    say(world, left(0, reset=60.0))  # 60 used of 60 in a minute: one is back each second
    assert world.send().target == "b/m"
    world.now += 1.0
    assert [world.send().target for _ in range(2)] == ["a/m", "b/m"]
    world.close()


def test_what_was_sent_after_the_request_is_not_left_any_more() -> None:
    world = World("a/m", "b/m")
    first = world.send()
    world.now += 0.1
    world.send()
    world.send()
    world.now += 0.1
    first.attempt.observe(Measurement((left(3),)), world.now)
    assert level(world).left == 1
    world.close()


def test_an_answer_to_an_earlier_request_is_older_news() -> None:
    world = World("a/m")
    say(world, left(30), ago=0.1)
    say(world, left(50), ago=0.5)
    assert level(world).left == 30


def test_it_is_lowered_at_once_and_raised_slowly() -> None:
    world = World("a/m")
    say(world, left(30, reset=30.0))
    say(world, left(10, reset=50.0))
    assert level(world).left == 10
    world.now += 10.0
    say(world, left(60, reset=0.0))
    # Ten refilled, and 5 % of 60.
    assert level(world).left == 23


def test_the_reset_that_was_named_makes_it_whole() -> None:
    world = World("a/m")
    say(world, left(1, reset=10.0))
    world.now += 10.0
    say(world, left(59, reset=60.0))
    assert level(world).left == 59


@pytest.mark.parametrize(
    "nonsense",
    [left(-1), left(5, 0), left(5, -1), left(61), left(0, 0)],
    ids=["below 0", "limit 0", "limit below 0", "more than the limit", "nothing of nothing"],
)
def test_what_cannot_be_is_no_measurement_and_is_counted(nonsense: Headroom) -> None:
    world = World("a/m")
    say(world, nonsense)
    shown = world.engine.snapshot(world.now)["a/m"]
    assert (shown.said, shown.nonsense) == ((), 1)
    assert shown.requests_left == float("inf")


def test_a_reset_of_a_day_is_not_believed_of_a_minutes_limit() -> None:
    world = World("a/m", "b/m")
    say(world, left(0, reset=86_400.0))
    assert world.engine.snapshot(world.now)["a/m"].nonsense == 1
    world.now += 1.0
    assert world.send().target == "a/m"
    world.close()


def test_what_has_no_size_and_no_end_is_soon_forgotten() -> None:
    world = World("a/m", "b/m")
    say(world, left(0, limit=None, reset=None))
    assert world.send().target == "b/m"
    world.now += 10.0
    assert world.send().target == "a/m"
    world.close()


def test_tokens_bind_as_requests_do() -> None:
    world = World("a/m", "b/m")
    say(world, Headroom("tokens", 500, 1000, 30.0, 60.0))
    sent = [world.send(input_tokens=300, output_tokens=0).target for _ in range(2)]
    assert sent == ["a/m", "b/m"]
    world.close()


def test_a_request_larger_than_the_limit_goes_when_all_of_it_is_there() -> None:
    world = World("a/m", "b/m")
    say(world, Headroom("tokens", 1000, 1000, 0.0, 60.0))
    assert [world.send(input_tokens=5000).target for _ in range(2)] == ["a/m", "b/m"]
    world.close()


def test_what_is_given_back_is_left_again() -> None:
    world = World("a/m")
    say(world, left(10, reset=50.0))
    world.now += 0.001
    send = world.send()
    assert level(world).left == 9
    send.attempt.give_back(world.now)
    assert level(world).left == 10


def test_a_limit_that_the_file_has_otherwise_is_told_once_and_the_lower_holds() -> None:
    world = World("a/m", "b/m", facts={"a/m": Facts(Limits([Rate(100, 60.0)]))})
    told = []
    for _ in range(3 * ANSWERS):
        world.now += 1.0
        told += say(world, left(60, reset=0.0))
    assert [(one.limit, one.written) for one in told] == [(60, 100)]
    assert level(world).written == 100
    sent = [world.send().target for _ in range(100)]
    assert sent.count("a/m") == 60
    world.close()


def test_a_refusal_although_there_was_room_lowers_the_limit_for_a_while() -> None:
    world = World("a/m", "b/m")
    say(world, left(60, reset=0.0))
    world.settle(world.send(), REFUSED)
    assert level(world).share == 0.8
    world.now += 50.0
    say(world, left(60, reset=0.0))
    world.settle(world.send(), ANSWERED)
    assert level(world).share == 0.9
    world.now += 51.0
    assert level(world).share == 1.0


def test_refusals_never_take_more_than_nine_tenths() -> None:
    world = World("a/m")
    for _ in range(30):
        say(world, left(60, reset=0.0))
        world.settle(world.send(), REFUSED)
        world.now += 11.0
    assert level(world).share >= 0.1
    assert world.ask().fail is None


def test_a_refusal_that_says_nothing_is_left_is_no_lie() -> None:
    world = World("a/m", "b/m")
    say(world, left(30, reset=30.0))
    send = world.send()
    world.now += 0.1
    send.attempt.observe(Measurement((left(0, reset=60.0),)), world.now)
    world.settle(send, REFUSED)
    assert level(world).share == 1.0


def test_what_was_learned_outlives_a_reload() -> None:
    world = World("a/m", "b/m")
    say(world, left(0))
    facts = {"a/m": Facts(Limits([Rate(100, 60.0)]))}
    world.engine.replace({"m": world.route}, facts, world.now)
    assert world.send().target == "b/m"
    world.close()


def test_what_a_place_said_that_is_no_more_is_not_held_against_its_successor() -> None:
    world = World("a/m", "b/m", facts={"a/m": Facts(identity="here")})
    send = world.send()
    world.engine.replace({"m": world.route}, {"a/m": Facts(identity="there")}, world.now)
    send.attempt.observe(Measurement((left(0),)), world.now)
    assert world.engine.snapshot(world.now)["a/m"].said == ()
    world.settle(send)
    world.close()


@pytest.mark.parametrize(
    ("plenty", "few"),
    [(left(50), left(10)), (left(500, None), left(50, None))],
    ids=["of a limit", "of who knows how many"],
)
def test_every_answer_is_worth_reading_while_little_is_left_and_a_few_where_plenty_is(
    plenty: Headroom, few: Headroom
) -> None:
    world = World("a/m")
    say(world, plenty)
    said = world.engine._standings["a/m"].quota.said
    assert said is not None
    assert world.now < said.due <= world.now + 0.1
    say(world, few)
    assert said.due < world.now


class TestProviders:
    """Ten minutes beside a provider that enforces what the file does not know."""

    @pytest.mark.parametrize("meter", [Bucket(600), Turning(600)], ids=["steady", "by the minute"])
    def test_a_limit_that_nobody_wrote_down_is_kept_and_used(self, meter: Bucket | Turning) -> None:
        run = Run(meter).drive(600, pace=30)
        assert run.throttled() < 0.01
        assert run.answered() >= 0.97 * 6000
        assert run.level.limit == 600

    def test_without_headers_that_would_be_another_story(self) -> None:
        assert Run(Turning(600), headers=False).drive(300, pace=30).throttled() > 0.01

    @pytest.mark.parametrize("meter", [Bucket(600), Turning(600)], ids=["steady", "by the minute"])
    def test_others_who_use_the_same_key_are_noticed_and_made_room_for(
        self, meter: Bucket | Turning
    ) -> None:
        run = Run(meter).drive(600, pace=30, foreign=4)
        assert run.throttled() < 0.01
        assert run.level.foreign > 60

    def test_who_says_more_than_there_is_is_found_out(self) -> None:
        run = Run(Lie(Bucket(400), Bucket(600).said)).drive(600, pace=30)
        assert run.throttled(since=60) < 0.02
        assert run.answered() >= 0.9 * 4000

    @pytest.mark.parametrize(
        "said",
        [left(0, 600, 60.0), left(0, 600, 20.0), left(0, None, None), left(3, None, 5.0)],
        ids=["a minute", "20 s", "no end", "no limit"],
    )
    def test_a_number_that_never_changes_starves_nobody_for_ever(self, said: Headroom) -> None:
        run = Run(Lie(Turning(600), lambda _: said)).drive(600, pace=9)
        assert run.answered(since=300) >= 0.3 * 3000
        assert run.throttled() < 0.01
