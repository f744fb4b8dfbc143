"""How each limit stands, one by one, and what becomes of what was counted when limits change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Limits, Rate
from policies.engine.limits.notes import refund, reservation
from policies.engine.limits.quota import Quota
from policies.engine.limits.stand import Stand, stands
from policies.engine.limits.windows import MICROSECONDS, Slices, Window

LIMITS = Limits((Rate(3, 60.0), Rate(10, 3600.0)), (Rate(100, 60.0),), 2)


def need(tokens: int) -> tuple[int, int, int]:
    return tokens, tokens, 0


def test_each_limit_says_what_is_left_and_when_there_is_more_and_all() -> None:
    quota = Quota(LIMITS)
    for now in (0.0, 30.0):
        quota.take(reservation(need(60), now))
    assert list(stands(quota, need(10), 30.0)) == [
        Stand("requests", 3, 60.0, 1, 0.0, 31.0, 61.0),
        Stand("requests", 10, 3600.0, 8, 0.0, 3630.0, 3630.0),
        Stand("tokens", 100, 60.0, -20, 31.0, 31.0, 61.0),
        Stand("concurrent", 2, 0, 0, None),
    ]


def test_a_limit_of_which_nothing_was_taken_has_nothing_to_come() -> None:
    for level in stands(Quota(Limits((Rate(3, 60.0, 1.0),), (Rate(5, 1.0),))), need(5), 7.0):
        assert (level.left, level.wait, level.more, level.back) == (
            level.left, 0.0, 0.0, 0.0,
        )  # fmt: skip


@given(
    st.sampled_from([Window, Slices]),
    st.lists(st.tuples(st.integers(0, 20 * MICROSECONDS), st.integers(1, 4)), max_size=20),
)
def test_more_is_left_when_it_was_said_to_be_and_not_before_and_all_at_the_end(
    kind: type[Window] | type[Slices], taken: list[tuple[int, int]]
) -> None:
    window = Window(10, 60.0) if kind is Window else Slices(10, 60.0, 6.0)
    whole, now = window.spare(0), 0
    for pause, units in taken:
        now += pause
        window.take(units, now)
    left = window.spare(now)
    more, back = window.returns(now)
    assert (more == 0) == (back == 0)
    if more:
        assert 0 < more <= back
        assert window.spare(now + more - 1) == left
        if more < back:
            assert window.spare(now + more) > left
            assert window.spare(now + back - 1) < whole
        assert window.spare(now + back) > left
    assert window.spare(now + back) == whole


def test_other_limits_go_on_with_what_was_counted_in_as_long_a_window() -> None:
    quota = Quota(LIMITS)
    first, second = reservation(need(40), 0.0), reservation(need(40), 0.0)
    quota.take(first)
    quota.take(second)
    quota.refit(Limits((Rate(4, 60.0),), (Rate(500, 60.0), Rate(900, 1.0)), 3))
    assert quota.room(0.0)[:3] == (2, 420, 1)
    assert quota.refused(need(421), 0.0) is not None
    assert quota.refused(need(420), 0.0) is None
    quota.settle((first[0], MICROSECONDS, 0, -30, -30, 0))
    quota.settle(refund(second, 1.0))
    assert quota.room(2.0)[:3] == (3, 490, 3)
    quota.refit(Limits())
    assert quota.refused(need(10**9), 2.0) is None


@pytest.mark.parametrize("before", [LIMITS, Limits(concurrent=1)])
def test_a_lower_limit_holds_at_once(before: Limits) -> None:
    quota = Quota(before)
    quota.take(reservation(need(5), 0.0))
    assert quota.refused(need(5), 0.0) is None or before.concurrent == 1
    quota.refit(Limits((Rate(1, 60.0),), concurrent=1))
    assert quota.refused(need(0), 0.0) is not None
