"""How far apart tenants come that wait at once, on stories that are written down here."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome
from policies.simulate import Answered, Arrival, Sent
from policies.simulate.fairness import allowed, both, joined, swing, waits, widest

SPANS = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.1, 50)).map(lambda one: (one[0], sum(one))),
    max_size=20,
)


def sent(tenant: str, came: float, at: float, *, read: int = 10, written: int = 0) -> Sent:
    return Sent("a/m", at, at + 1.0, Outcome.OK, read, written, came, tenant)


def asked(tenant: str, came: float, total: float = 100.0) -> Answered:
    return Answered(Arrival(came, 1, 1, tenant=tenant), "a/m", 1.0, total, 1, 1, None)


def test_a_tenant_waits_from_when_it_came_until_it_was_first_sent() -> None:
    story = [sent("a", 0.0, 5.0), sent("a", 0.0, 9.0), sent("a", 4.0, 8.0), sent("b", 1.0, 1.0)]
    answered = [asked("a", 0.0), asked("a", 4.0), asked("b", 1.0)]
    assert waits(story, answered) == {"a": [(0.0, 8.0)]}


def test_who_was_never_sent_waited_to_its_end() -> None:
    assert waits([], [asked("a", 3.0, total=10.0)]) == {"a": [(3.0, 13.0)]}


def test_only_what_is_served_while_both_wait_counts() -> None:
    story = [
        sent("a", 0.0, 50.0),
        sent("b", 10.0, 40.0),
        sent("a", 2.0, 5.0, read=1000),  # before b waits
        sent("a", 11.0, 20.0, read=100),
        sent("a", 12.0, 21.0, read=200, written=300),  # the longest input is 1000: 2000 may be
    ]
    answered = [asked(each.tenant, each.came) for each in story]
    assert widest(story, answered) == pytest.approx((100 + 200 + 600) / 2000)


def test_turns_that_even_out_leave_the_widest_of_the_way() -> None:
    assert swing([3.0, 3.0, -6.0, -2.0, 2.0]) == 8.0
    assert swing([]) == 0.0


def test_where_nobody_waits_beside_another_there_is_no_gap() -> None:
    story = [sent("a", 0.0, 5.0), sent("b", 6.0, 9.0)]
    assert widest(story, [asked("a", 0.0), asked("b", 6.0)]) == 0.0
    assert widest([], []) == 0.0


def test_what_may_be_is_twice_the_longest_input_or_all_that_is_written_at_once() -> None:
    assert allowed([sent("a", 0.0, 0.0, read=500, written=10)]) == 1000.0
    at_once = [sent("a", 0.0, 0.5 * number, read=1, written=100) for number in range(3)]
    assert allowed(at_once) == 2 * 2 * 200


@given(SPANS, SPANS)
def test_joined_spans_lie_apart_and_overlaps_lie_in_both(
    ones: list[tuple[float, float]], others: list[tuple[float, float]]
) -> None:
    first, second = joined(sorted(ones)), joined(sorted(others))
    assert all(before[1] < after[0] for before, after in pairwise(first))
    for begin, end in both(first, second):
        assert any(one[0] <= begin < end <= one[1] for one in first)
        assert any(other[0] <= begin < end <= other[1] for other in second)
