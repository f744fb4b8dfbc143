"""A whole answer was not good enough: a course goes on from a tier, as if nobody had been asked."""

from __future__ import annotations

from itertools import count
from random import Random

from policies import (
    Cause,
    Course,
    Engine,
    Facts,
    Fail,
    LeastLatency,
    Outcome,
    Phase,
    Price,
    Priority,
    Report,
    Request,
    Retry,
    Route,
    Send,
    Target,
)
from policies.engine.showing.record import Choice, Record
from policies.engine.showing.sending import Kind
from policies.engine.showing.telling import told
from policies.simulate.replay import replay

GOOD = Report(Outcome.OK, input_tokens=100, output_tokens=100)
FAILED = Report(Outcome.FAILED, Phase.HEAD)
REFUSED = Report(Outcome.DENIED, Phase.HEAD)
REJECTED = Report(Outcome.REJECTED, Phase.HEAD)


def engine(attempts: int = 3, facts: dict[str, Facts] | None = None) -> Engine:
    targets = [Target("a/m", 1, 0), Target("b/m", 1, 1), Target("c/m", 1, 2)]
    routes = {"chat": Route(targets, Priority(LeastLatency()), Retry(attempts=attempts))}
    return Engine(routes, facts=facts or {}, rng=Random(1), now=0.0)


def started(one: Engine, record: Record | None = None) -> Course:
    return one.start(Request("chat", 60.0, 100), 0.0, record=record)


def sent(course: Course, report: Report, now: float = 0.0) -> str:
    """Who is asked next; it answers so."""
    action = course.next(now)
    assert isinstance(action, Send), action
    action.attempt.sent(now)
    action.attempt.settle(report, now + 0.1)
    return action.target


def test_the_next_tier_is_asked_and_none_below() -> None:
    course = started(engine())
    assert sent(course, GOOD) == "a/m"
    course.climb(1, 0.2)
    assert sent(course, REFUSED, 0.2) == "b/m"
    assert sent(course, GOOD, 0.4) == "c/m"
    end = course.next(0.6)
    assert isinstance(end, Fail)
    assert end.cause is Cause.OVER


def test_what_spilled_before_it_climbed_is_no_attempt_afterwards_either() -> None:
    course = started(engine(facts={"a/m": Facts(provisioned=True)}))
    assert sent(course, Report(Outcome.THROTTLED, Phase.HEAD)) == "a/m"
    assert sent(course, GOOD, 0.1) == "b/m"
    course.climb(2, 0.2)
    assert [sent(course, FAILED, 0.2), sent(course, FAILED, 0.4)] == ["c/m", "c/m"]
    end = course.next(0.6)
    assert isinstance(end, Fail)
    assert end.cause is Cause.ATTEMPTS


def test_a_tier_may_be_passed_over() -> None:
    course = started(engine())
    sent(course, GOOD)
    course.climb(2, 0.2)
    assert sent(course, GOOD, 0.2) == "c/m"


def test_it_has_one_send_at_least_and_then_the_route_s_attempts_bind() -> None:
    course = started(engine(attempts=1))
    sent(course, GOOD)
    course.climb(1, 0.2)
    assert sent(course, FAILED, 0.2) == "b/m"
    end = course.next(0.4)
    assert isinstance(end, Fail)
    assert end.cause is Cause.ATTEMPTS


def test_it_draws_neither_on_the_retry_budget_nor_on_the_outage_bill() -> None:
    prices = {"a/m": Price(1, 1), "b/m": Price(10**9, 10**9), "c/m": Price(10**9, 10**9)}
    one = engine(facts={name: Facts(price=price) for name, price in prices.items()})
    course = started(one)
    while course.pool.budget.withdraw(0.0):
        pass
    sent(course, FAILED)  # too dear for the purse: failing is no reason to be sent there
    end = course.next(0.2)
    assert isinstance(end, Fail)
    for _ in range(20):
        course = started(one)
        assert course.pool.purse is not None
        course.pool.purse.spend(10**12)
        assert sent(course, GOOD) == "a/m"
        course.climb(1, 0.2)
        assert sent(course, GOOD, 0.2) == "b/m"


def test_the_deadline_is_the_same() -> None:
    course = started(engine())
    sent(course, GOOD)
    course.climb(1, 61.0)
    end = course.next(61.0)
    assert isinstance(end, Fail)
    assert end.cause is Cause.DEADLINE


def test_what_the_dear_tier_refuses_is_the_caller_s() -> None:
    course = started(engine())
    sent(course, GOOD)
    course.climb(1, 0.2)
    sent(course, REJECTED, 0.2)
    end = course.next(0.4)
    assert isinstance(end, Fail)
    assert end.cause is Cause.CALLER


def test_it_is_recorded_told_and_replayed() -> None:
    record = Record(count())
    course = started(engine(), record)
    sent(course, GOOD)
    course.climb(1, 0.2)
    sent(course, GOOD, 0.2)
    course.close(0.4)
    assert [one.kind for one in record.sends] == [Kind.FIRST, Kind.CLIMB]
    assert [one.propensity for one in record.sends] == [1.0, 1.0]
    assert "+0.2 s: its answer does not pass the checks; tier 2 is asked" in told(record)
    choices = [one for one in replay(engine(), [record]) if isinstance(one.recorded, Choice)]
    assert len(choices) == 2
    assert all(one.recorded == one.replayed for one in choices)
