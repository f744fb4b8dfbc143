"""Parts of a limit: they never come to more than the whole, and nobody starves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.fleet.parts import allowed, nothing, part_of

DEMANDS = st.lists(st.integers(0, 2_000_000), min_size=1, max_size=40)


def parts(demands: list[int], limit: int) -> list[int]:
    return [part_of(rank, demands).of(limit) for rank in range(len(demands))]


@given(DEMANDS, st.integers(0, 10_000_000))
def test_all_parts_come_to_nine_tenths_of_the_limit_whatever_is_demanded(
    demands: list[int], limit: int
) -> None:
    found = parts(demands, limit)
    assert all(part >= 0 for part in found)
    assert sum(found) == allowed(limit)
    assert sum(found) <= limit * 9 / 10 or limit == 1
    assert sum(found) <= limit


@given(DEMANDS, st.integers(1, 1000))
def test_small_limits_are_dealt_out_whole_and_by_rank(demands: list[int], limit: int) -> None:
    assert sum(parts([0] * len(demands), limit)) == allowed(limit)


@given(DEMANDS, st.integers(10_000, 10_000_000))
def test_nobody_gets_less_than_an_eighth_of_an_even_share(demands: list[int], limit: int) -> None:
    least = allowed(limit) / len(demands) / 8
    assert all(part >= int(least) for part in parts(demands, limit))


def test_where_no_demand_is_known_shares_are_even() -> None:
    assert parts([0, 0, 0, 0], 1000) == [225, 225, 225, 225]


def test_where_demand_is_known_it_decides_on_seven_eighths() -> None:
    assert parts([300_000, 100_000], 1000) == [647, 253]  # of 900: 56.25 each, and 3 to 1


def test_with_what_was_used_before_they_hardly_come_to_more_than_the_limit() -> None:
    """Until the last minute is over, each has used what it had, or its part if that is more."""
    weights = [1 / rank for rank in range(1, 9)]
    used = [round(1_000_000 * weight / sum(weights)) for weight in weights]
    at_most = [max(before, part) for before, part in zip(used, parts(used, 1_000_000), strict=True)]
    assert sum(at_most) < 1_010_000


def test_who_stands_alone_has_nine_tenths_of_it_and_one_unit_is_not_divided() -> None:
    assert parts([0], 1000) == [900]
    assert parts([0, 0, 0], 1) == [1, 0, 0]
    assert parts([0, 0, 0], 2) == [1, 0, 0]
    assert parts([0], 0) == [0]


def test_who_needs_as_much_as_the_others_gets_as_much() -> None:
    found = parts([123_456] * 8, 1_000_000)
    assert max(found) - min(found) <= 1


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_limit_that_fails_closed_leaves_nothing(limit: int) -> None:
    assert nothing("a/m", limit) == 0
