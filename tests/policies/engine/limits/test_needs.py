"""What is reserved for a request of which somebody has counted the tokens."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Engine, Facts, Limits, Outcome, Rate, Report, Request, Route, Send, Target
from policies.engine.limits.needs import at_most, needs

LIMITS = Limits(tokens=[Rate(1_000_000, 60)])


def engine_of(**tokenizers: str) -> Engine:
    targets = [Target(f"{name}/m") for name in tokenizers]
    facts = {f"{name}/m": Facts(LIMITS, tokenizer=one) for name, one in tokenizers.items()}
    return Engine({"chat": Route(targets)}, facts=facts, rng=Random(1), now=0.0)


def asked(now: float = 0.0, **counted: int) -> Request:
    return Request("chat", now + 60, input_tokens=1000, output_tokens=10, counted=counted)


def send(engine: Engine, request: Request, now: float, counted: int | None = None) -> int:
    """What was reserved of its input; its provider `counted` so many tokens of it."""
    course = engine.start(request, now)
    action = course.next(now)
    assert isinstance(action, Send)
    _, input_, _ = needs(action.attempt._member, request)
    action.attempt.sent(now)
    action.attempt.settle(Report(Outcome.OK, input_tokens=counted, output_tokens=5), now + 0.1)
    course.close(now + 0.1)
    return input_


@pytest.mark.parametrize(("tokenizer", "reserved"), [("exact", 700), ("other", 1000), ("", 1000)])
def test_what_its_tokenizer_counted_is_reserved_of_a_target_and_else_the_estimate(
    tokenizer: str, reserved: int
) -> None:
    assert send(engine_of(a=tokenizer), asked(exact=700), 0.0) == reserved


def test_what_a_provider_counts_besides_is_learned_over_the_exact_count() -> None:
    engine = engine_of(a="exact")
    for now in range(20):
        send(engine, asked(now, exact=500), now, 550)
    assert send(engine, asked(30, exact=500), 30) == pytest.approx(550, rel=0.01)


def test_a_request_that_was_not_counted_teaches_nothing_of_counted_ones() -> None:
    engine = engine_of(a="exact")
    for now in range(20):
        send(engine, asked(now), now, 2000)
    assert send(engine, asked(30, exact=500), 30) == 500


def test_another_tokenizer_forgets_what_was_learned_over_the_last() -> None:
    engine, targets = engine_of(a="exact"), [Target("a/m")]
    for now in range(20):
        send(engine, asked(now, exact=500), now, 900)
    engine.replace({"chat": Route(targets)}, {"a/m": Facts(LIMITS, tokenizer="other")}, 30)
    assert send(engine, asked(31, other=600), 31) == 600


@given(*[st.integers(1, 10**6)] * 3)
def test_no_target_reserves_more_than_at_most(one: int, two: int, estimate: int) -> None:
    engine = engine_of(a="one", b="two", c="")
    request = asked(one=one, two=two)._replace(input_tokens=estimate)
    pool = engine._held.pools["chat"]
    most = at_most(pool, request)
    assert all(needs(member, request)[0] <= most for member in pool.members)


def test_a_context_refuses_by_the_exact_count_where_there_is_one() -> None:
    facts = {"a/m": Facts(context=1000, tokenizer="exact")}
    engine = Engine({"chat": Route([Target("a/m")])}, facts=facts, rng=Random(1), now=0.0)
    request = Request("chat", 60, input_tokens=2500)
    assert not isinstance(engine.start(request, 0.0).next(0.0), Send)
    course = engine.start(request._replace(counted={"exact": 900}), 0.0)
    assert isinstance(course.next(0.0), Send)
    course.close(0.0)
