import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import Rate, units

NUMBERS = st.from_regex(r"[1-9][0-9]{0,6}(\.[0-9]{1,9})?", fullmatch=True)
WHOLE = st.integers(1, 10**15)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("3s", 3), ("5m", 300), ("1h", 3600), ("1.5 h", 5400), (0, 0), ("0", 0)],
)
def test_a_duration_is_a_number_and_its_unit(text, seconds):
    assert units.duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        3,
        2.5,
        "3",
        "3 sec",
        "-1s",
        "1m30s",
        "s",
        "",
        "1e3s",
        "1:30",
        True,
        [1],
        {},
        "٣s",
        "9" * 5000,
    ],
)
def test_a_duration_without_a_unit_or_with_another_one_is_refused(value):
    with pytest.raises(units.Unreadable) as refused:
        units.duration(value)
    assert refused.value.what == "is not a duration"
    assert refused.value.remedy == "write it as 250ms, 3s, 5m or 1h"


def test_a_span_is_longer_than_nothing():
    assert units.span("1ms") == 0.001
    with pytest.raises(units.Unreadable, match="longer than 0"):
        units.span("0s")


@pytest.mark.parametrize(
    ("text", "number"),
    [("200_000", 200_000), ("200k", 200_000), ("1.5M", 1_500_000), (64, 64), ("1G", 10**9)],
)
def test_a_count_may_be_grouped_or_shortened(text, number):
    assert units.count(text) == number


@pytest.mark.parametrize("value", ["1.5", "0.5k1", "1K", "-3", -3, 1.5, float("inf"), float("nan")])
def test_a_count_is_whole_and_not_negative(value):
    with pytest.raises(units.Unreadable):
        units.count(value)


@pytest.mark.parametrize(
    ("text", "number"), [("32MiB", 32 * 2**20), ("10kB", 10_000), (4096, 4096), ("1.5KiB", 1536)]
)
def test_a_size_is_decimal_or_binary_as_its_unit_says(text, number):
    assert units.size(text) == number


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("500/min", Rate(500, 60)),
        ("10k/day", Rate(10_000, 86_400)),
        ("5/s", Rate(5, 1)),
        ("5 / sec", Rate(5, 1)),
        ("1.5M/hour", Rate(1_500_000, 3600)),
    ],
)
def test_a_rate_is_an_amount_in_a_period(text, rate):
    assert units.rate(text) == rate


def test_a_rate_may_be_all_where_that_is_a_choice():
    assert units.rate_or_all("all") is None
    assert units.rate_or_all("5/s") == Rate(5, 1)
    with pytest.raises(units.Unreadable):
        units.rate_or_all(None)


@pytest.mark.parametrize("value", ["500", "500/week", "/min", "0/min", "0.5/s", 500, None, "5//s"])
def test_a_rate_needs_both_and_admits_something(value):
    with pytest.raises(units.Unreadable):
        units.rate(value)


@pytest.mark.parametrize("value", ["-1", -1, "x", None, float("inf"), float("nan"), True, 1.1])
def test_a_share_is_between_nothing_and_all(value):
    with pytest.raises(units.Unreadable):
        units.share(value)


def test_a_missing_value_is_said_to_be_missing():
    for read in (units.duration, units.size, units.count, units.rate, units.weight):
        with pytest.raises(units.Unreadable, match="has no value"):
            read(None)


@given(NUMBERS, st.sampled_from(sorted(units.DURATIONS)))
def test_a_duration_that_is_shown_reads_as_the_same(number, unit):
    seconds = units.duration(number + unit)
    assert units.duration(units.show_duration(seconds)) == seconds


@given(WHOLE)
def test_a_size_or_count_that_is_shown_reads_as_the_same(number):
    assert units.size(units.show_size(number)) == number
    assert units.count(units.show_count(number)) == number


@given(WHOLE, st.sampled_from(sorted(units.PERIODS)))
def test_a_rate_that_is_shown_reads_as_the_same(number, period):
    rate = units.rate(f"{number}/{period}")
    assert units.rate(units.show_rate(rate)) == rate


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()))
def test_no_value_makes_a_unit_fail_in_any_other_way(value):
    for read in (
        units.duration,
        units.span,
        units.size,
        units.count,
        units.positive,
        units.rate,
        units.weight,
        units.speed,
        units.share,
    ):
        with contextlib.suppress(units.Unreadable):
            read(value)


def test_shown_units_are_the_largest_that_fit():
    assert [units.show_duration(s) for s in (0, 0.25, 90, 300, 5400)] == [
        "0s",
        "250ms",
        "90s",
        "5m",
        "90m",
    ]
    assert units.show_size(32 * 2**20) == "32MiB"
    assert units.show_count(200_000) == "200k"
    assert units.show_rate(Rate(10_000, 86_400)) == "10k/day"
