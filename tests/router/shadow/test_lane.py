"""One route's copies, over changes of the file."""

from dataclasses import replace

import pytest

from policies import Price
from router.config import Rate, Shadow
from router.dialects.openai.dialect import OPENAI
from router.shadow.lane import MOST_BEFORE, Lane
from router.shadow.terms import Terms

CALL = OPENAI.parse(b'{"model": "chat", "messages": [], "max_tokens": 1000}')
DOLLAR = 1_000_000_000


def terms(compared="one", *, price=True, output=None, **shadow):
    prices = {"b/m": Price(1000, 2000)} if price else {}
    its = Shadow("b/m", **{"spend": Rate(DOLLAR, 86_400.0), **shadow})
    return Terms("chat", its, None, 60.0, prices, output, (), compared)


def lane(**more):
    return Lane(terms(**more), lambda: 1, 0.0)


def test_what_was_compared_before_is_gone_on_with_when_it_comes_back():
    one = lane()
    one.sample()
    one.renew(terms("drained"), 10.0)
    assert (one.evidence.sampled, one.since) == (0, 10.0)
    one.renew(terms("one", share=0.2), 20.0)
    assert (one.evidence.sampled, one.since) == (1, 0.0)
    assert one.ever.sampled == 1


def test_of_what_was_compared_before_little_is_kept():
    one = lane()
    one.sample()
    for number in range(10 * MOST_BEFORE):
        one.renew(terms(f"other {number}"), float(number))
    assert len(one._before) == MOST_BEFORE
    one.renew(terms("one"), 100.0)
    assert one.evidence.sampled == 0


def test_another_judge_or_share_changes_nothing_of_what_may_be_spent():
    one = lane()
    reserved = one.reserve(CALL, 10, 1.0)
    assert reserved is not None
    left = one.left(2.0)
    one.renew(terms("two", share=0.5), 2.0)
    assert one.left(2.0) == left
    one.settle(reserved, 0, 3.0)
    assert (one.left(3.0), one.running) == (DOLLAR, 0)


def test_what_is_given_back_is_given_back_where_it_was_taken():
    one = lane()
    reserved = one.reserve(CALL, 10, 1.0)
    assert reserved is not None
    one.renew(terms(spend=Rate(DOLLAR, 3600.0)), 2.0)
    one.settle(reserved, 0, 3.0)
    assert one.left(3.0) == DOLLAR


@pytest.mark.parametrize(
    ("output", "bound", "written", "tokens"),
    [
        (None, 1000, 10, 1000),
        (500, 1000, 10, 500),
        (None, None, 10, 1000),
        (None, None, 800, 3200),
        (500, None, 800, 500),
    ],
)
def test_what_a_copy_may_cost_at_most_is_put_aside(output, bound, written, tokens):
    call = OPENAI.parse(CALL.body)
    call.output_tokens = bound
    reserved = lane(output=output).reserve(call, written, 1.0)
    assert reserved is not None
    assert reserved.need == 2000 * tokens + 1000 * 2 * call.input_tokens


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"price": False}, "no price"),
        ({"price": False, "spend": None}, ""),
        ({"spend": Rate(1_000_000, 60.0)}, ""),
    ],
)
def test_why_nothing_can_be_copied_is_said(more, why):
    assert lane(**more).shut(1.0) == why


def test_a_cap_that_is_reached_shuts_it():
    one = lane(concurrent=2, rate=Rate(3, 60.0))
    taken = [one.reserve(CALL, 10, 1.0) for _ in range(2)]
    assert one.shut(1.0) == "concurrent"
    for reserved in taken:
        assert reserved is not None
        one.settle(reserved, 5000, 2.0)
    assert one.shut(2.0) == ""
    one.reserve(CALL, 10, 2.0)
    assert one.shut(2.0) == "rate"
    assert one.evidence.spent == 10_000


def test_a_copy_that_may_cost_more_than_is_left_is_not_made():
    one = lane(spend=Rate(1_000_000, 60.0))
    assert one.reserve(CALL, 10, 1.0) is None
    assert (one.running, one.left(1.0)) == (0, 1_000_000)


def test_an_instance_keeps_to_its_part():
    one = Lane(terms(), lambda: 4, 0.0)
    assert one.left(0.0) == DOLLAR // 4
    assert replace(one.terms, compared="x").arm == "chat→shadow"
