"""What a record keeps of each send: why, how likely, and what came of it."""

from itertools import count
from typing import Any

from policies import (
    Course,
    Facts,
    LeastLatency,
    Outcome,
    Phase,
    Price,
    Priority,
    Record,
    Report,
    Retry,
    Send,
    Stop,
    Target,
    WeightedRoundRobin,
)
from policies.engine.showing.record import MOST_STEPS
from policies.engine.showing.sending import Kind
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, World, limited


def started(world: World, **asked: Any) -> tuple[Course, Record]:
    record = Record(count())
    return world.engine.start(world.request(**asked), world.now, record=record), record


def sent(course: Course, world: World) -> Send:
    action = course.next(world.now)
    assert isinstance(action, Send)
    action.attempt.sent(world.now)
    return action


def kinds(record: Record) -> list[Kind]:
    return [sending.kind for sending in record.sends]


def test_the_first_and_the_next_are_drawn_and_say_how_likely_they_were() -> None:
    world = World(Target("a/m", 3), Target("b/m", 1), policy=WeightedRoundRobin())
    course, record = started(world)
    first = sent(course, world)
    first.attempt.settle(FAILED, world.now + 0.5)
    second = sent(course, world)
    second.attempt.settle(ANSWERED, world.now + 1)
    course.close(world.now + 1)
    assert kinds(record) == [Kind.FIRST, Kind.NEXT]
    shares = {"a/m": 0.75, "b/m": 0.25}
    assert [one.propensity for one in record.sends] == [shares[first.target], 1.0]
    assert [one.target for one in record.sends] == [first.target, second.target]
    assert [one.report for one in record.sends] == [FAILED, ANSWERED]
    assert record.sends[0].ended == world.now + 0.5


def test_what_the_first_is_told_is_what_explain_told_before() -> None:
    world = World("a/m", "b/m", "c/m", policy=LeastLatency())
    for name, seconds in (("a/m", 1.0), ("b/m", 1.05), ("c/m", 3.0)):
        world.teach(name, seconds)
    explained = {
        one.target: one.odds for one in world.engine.explain(world.request(), world.now).targets
    }
    course, record = started(world)
    send = sent(course, world)
    assert record.sends[0].propensity == explained[send.target]
    assert 0 < explained[send.target] < 1
    course.close(world.now)


def test_one_that_was_not_offered_this_time_could_have_been() -> None:
    world = World("a/m", "b/m", policy=WeightedRoundRobin())
    world.eject("a/m")
    world.now = world.until("a/m") + 1
    world.settle(world.send())  # the probe
    ramp = world.engine.snapshot(world.now)["a/m"].factors.ramp
    assert 0 < ramp < 1
    seen = set()
    for _ in range(50):
        course, record = started(world)
        send = sent(course, world)
        likely = ramp / 2 if send.target == "a/m" else 1 - ramp / 2
        assert record.sends[0].propensity is not None
        assert abs(record.sends[0].propensity - likely) < 1e-9
        seen.add(send.target)
        send.attempt.give_back(world.now)
        course.close(world.now)
    assert seen == {"a/m", "b/m"}


def test_a_probe_and_a_retry_on_the_spot_are_nobody_s_draw() -> None:
    world = World("a/m", "b/m", policy=WeightedRoundRobin())
    world.eject("a/m")
    world.now = world.until("a/m") + 1
    course, record = started(world)
    assert sent(course, world).target == "a/m"
    course.close(world.now)
    assert (kinds(record), record.sends[0].propensity) == ([Kind.PROBE], None)

    tiers = Target("a/m", tier=0), Target("b/m", tier=1)
    alone = World(*tiers, policy=Priority(), retry=Retry(budget=1.0))
    course, record = started(alone)
    sent(course, alone).attempt.settle(FAILED, alone.now)
    sent(course, alone).attempt.settle(FAILED, alone.now)
    sent(course, alone)
    course.close(alone.now)
    assert kinds(record) == [Kind.FIRST, Kind.AGAIN, Kind.NEXT]
    assert [one.propensity for one in record.sends] == [1.0, None, 1.0]


def test_a_look_at_who_was_idle_is_one() -> None:
    world = World("a/m", "b/m", policy=LeastLatency())
    world.teach("a/m", 0.1)
    world.teach("b/m", 9.0)
    seen = set()
    for _ in range(400):
        world.now += 0.5
        course, record = started(world)
        send = sent(course, world)
        seen.add((record.sends[0].kind, send.target))
        assert (record.sends[0].propensity is None) is (record.sends[0].kind is Kind.LOOK)
        send.attempt.settle(Report(Outcome.OK), world.now + 0.1)
        course.close(world.now + 0.1)
    assert (Kind.LOOK, "b/m") in seen


def test_one_beside_another_that_is_late_is_drawn_among_the_rest() -> None:
    world = World("a/m", "b/m", policy=LeastLatency(), retry=Retry(budget=1.0, hedge=0.2))
    for _ in range(40):
        for name in ("a/m", "b/m"):
            course = world.engine.start(
                world.request(stream=True, only=frozenset({name})), world.now
            )
            send = sent(course, world)
            world.now += 0.1
            send.attempt.first_token(world.now)
            send.attempt.settle(ANSWERED, world.now)
            course.close(world.now)
    course, record = started(world, stream=True)
    sent(course, world)
    for _ in range(100):
        world.now += 0.1
        if isinstance(course.next(world.now), Send):
            break
    course.close(world.now)
    assert kinds(record) == [Kind.FIRST, Kind.BESIDE]
    assert record.sends[1].propensity == 1.0


def test_the_rest_of_an_answer_that_broke_off_is_one() -> None:
    world = World("a/m", "b/m", retry=Retry(budget=1.0))
    course, record = started(world, stream=True)
    first = sent(course, world)
    first.attempt.first_token(world.now)
    first.attempt.settle(Report(Outcome.FAILED, Phase.BODY), world.now)
    course.go_on(frozenset({"b/m"}), world.now)
    sent(course, world)
    course.close(world.now)
    assert kinds(record) == [Kind.FIRST, Kind.REST]


def test_one_that_moved_to_its_runner_up_names_whom_it_left() -> None:
    world = World("a/m", "b/m", policy=WeightedRoundRobin())
    course, record = started(world)
    send = sent(course, world)
    left = send.attempt.target
    send.attempt.switch(world.now)
    send.attempt.settle(ANSWERED, world.now)
    course.close(world.now)
    [one] = record.sends
    assert (one.instead_of, one.target, one.propensity) == (left, send.attempt.target, None)


def test_one_that_was_given_back_has_no_report() -> None:
    world = World("a/m")
    course, record = started(world)
    send = course.next(world.now)
    assert isinstance(send, Send)
    send.attempt.give_back(world.now)
    course.close(world.now)
    assert (record.sends[0].report, record.sends[0].ended) == (None, world.now)


def test_sends_are_kept_however_long_was_waited_before() -> None:
    world = World("a/m", facts={"a/m": limited(concurrent=1)})
    busy = world.send()
    course, record = started(world)
    for _ in range(2 * MOST_STEPS):
        course.next(world.now)
    world.settle(busy)
    sent(course, world).attempt.settle(ANSWERED, world.now)
    course.close(world.now)
    assert record.left_out
    assert [one.report for one in record.sends] == [ANSWERED]


def test_how_it_failed_is_kept_with_every_refusal() -> None:
    world = World("a/m", "b/m", facts={"a/m": Facts(context=1)})
    world.settle(world.send(only=frozenset({"b/m"})), THROTTLED)
    course, record = started(world, within=1.0, input_tokens=900)
    course.next(world.now)
    course.close(world.now)
    assert record.failed is not None
    assert {name: one.refusal.name for name, one in record.failed.refusals.items()} == {
        "a/m": "CONTEXT",
        "b/m": "RESTING",
    }


def test_every_target_is_seen_with_its_price_and_what_the_request_may_cost() -> None:
    world = World("a/m", "b/m", facts={"a/m": Facts(price=Price(3, 5))})
    course, record = started(world, input_tokens=100, output_tokens=10)
    sent(course, world)
    course.close(world.now)
    seen = record.sends[0].targets
    assert [(view.price, view.money) for view in seen] == [(Price(3, 5), 350), (None, None)]


def test_an_attempt_that_the_deadline_ends_is_kept_with_its_end() -> None:
    world = World("a/m")
    course, record = started(world, within=5.0)
    sent(course, world)
    stop = course.next(world.now + 5.0)
    assert isinstance(stop, Stop)
    stop.attempt.settle(Report(stop.outcome, Phase.HEAD), world.now + 5.0)
    course.close(world.now + 5.0)
    report = record.sends[0].report
    assert report is not None
    assert report.outcome is Outcome.ABANDONED
