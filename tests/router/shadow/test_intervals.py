"""Intervals hold the truth as often as they say, and samples add up."""

from math import log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.shadow.intervals import LEAST, Interval, Mean, Ratio, Table, pairs_needed, student

RUNS = 1500
SURE = (0.93, 0.975)
"""Of 1,500 intervals that hold the truth in 95 %, 3.4 standard deviations to either side are 93.1 %
and 96.9 %; those of shares are somewhat wider than they need be.
"""
VALUES = st.floats(-100, 100).map(lambda one: round(one, 3))


def covered(run, truth):
    """The share of intervals that hold it."""
    rng = Random(7)
    held = [told.low <= truth <= told.high for told in (run(rng) for _ in range(RUNS))]
    return sum(held) / RUNS


@pytest.mark.parametrize("pairs", [10, 60])
@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (-0.3, 0.2)])
def test_the_mean_of_differences_is_inside_in_95_of_100_cases(pairs, mean, spread):
    def run(rng):
        told = Mean()
        for _ in range(pairs):
            told.add(rng.gauss(mean, spread))
        return told.interval()

    assert SURE[0] <= covered(run, mean) <= SURE[1]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.3])
def test_a_usual_ratio_of_times_with_long_tails_is_inside_in_95_of_100_cases(ratio):
    def run(rng):
        told = Mean()
        for _ in range(50):
            one, other = rng.lognormvariate(0, 0.8), ratio * rng.lognormvariate(0, 1.2)
            told.add(log(other / one))
        return told.factor()

    assert SURE[0] <= covered(run, ratio) <= SURE[1]


@pytest.mark.parametrize("ratio", [0.4, 1.0, 2.0])
def test_a_ratio_of_sums_is_inside_in_95_of_100_cases(ratio):
    def run(rng):
        told = Ratio()
        for _ in range(100):
            length = rng.uniform(1, 5)  # both write longer answers to longer questions
            told.add(length * rng.uniform(80, 120), ratio * length * rng.uniform(50, 150))
        return told.interval()

    assert SURE[0] <= covered(run, ratio) <= SURE[1]


@pytest.mark.parametrize(
    ("control", "shadow", "pairs"),
    [(0.01, 0.01, 300), (0.05, 0.05, 100), (0.0, 0.02, 200), (0.02, 0.10, 100), (0.5, 0.3, 60)],
)
def test_a_difference_of_shares_is_inside_in_95_of_100_cases(control, shadow, pairs):
    def run(rng):
        told = Table()
        for _ in range(pairs):
            told.add(rng.random() < control, rng.random() < shadow)
        return told.interval()

    assert covered(run, shadow - control) >= SURE[0]


def test_shares_that_go_together_have_a_narrower_interval():
    alike, apart = Table(both=20, neither=180), Table(control=20, shadow=20, neither=160)
    assert width(alike.interval()) < width(apart.interval()) / 3


def width(told):
    return told.high - told.low


def test_of_nothing_and_of_little_nothing_is_said():
    for told in (Mean(), Ratio(), Table()):
        for _ in range(LEAST - 1):
            assert told.interval() is None
            told.add(*((1.0,) if isinstance(told, Mean) else (1, 1)))
        assert told.interval() is None


def test_a_ratio_to_nothing_is_none():
    told = Ratio()
    for _ in range(10):
        told.add(0, 5)
    assert told.interval() is None


@pytest.mark.parametrize(
    ("freedom", "quantile", "off"),
    [
        (2, 4.3027, 0.09),
        (4, 2.7764, 0.002),
        (9, 2.2622, 1e-4),
        (30, 2.0423, 1e-4),
        (1000, 1.9623, 1e-4),
    ],
)
def test_student_s_t_is_that_of_the_tables(freedom, quantile, off):
    assert student(freedom) == pytest.approx(quantile, abs=off)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=30), st.integers(0, 30))
@settings(deadline=None)
def test_two_samples_added_are_one(pairs, at):
    means, ratios, tables = (
        [Mean() for _ in "123"],
        [Ratio() for _ in "123"],
        [Table() for _ in "123"],
    )
    for index, (one, other) in enumerate(pairs):
        for part in (index >= at, 2):
            means[part].add(other - one)
            ratios[part].add(abs(one), abs(other))
            tables[part].add(one > 0, other > 0)
    assert_alike(means[0].plus(means[1]), means[2])
    assert_alike(ratios[0].plus(ratios[1]), ratios[2])
    assert_alike(tables[0].plus(tables[1]), tables[2])


def assert_alike(both, whole):
    assert both.count == whole.count
    if (told := whole.interval()) is not None:
        assert both.interval() == pytest.approx(told, rel=1e-4, abs=1e-4)


@given(st.integers(3, 400), st.data())
@settings(deadline=None)
def test_an_interval_of_shares_holds_its_estimate_and_stays_within_reason(pairs, data):
    both = data.draw(st.integers(0, pairs))
    control = data.draw(st.integers(0, pairs - both))
    shadow = data.draw(st.integers(0, pairs - both - control))
    table = Table(both, control, shadow, pairs - both - control - shadow)
    told = table.interval()
    assert told is not None
    assert -1 <= told.low <= told.estimate <= told.high <= 1
    assert told.estimate == pytest.approx(table.shares()[1] - table.shares()[0])


def test_four_times_as_many_pairs_are_needed_for_half_the_distance():
    assert pairs_needed(Interval(0.0, -0.02, 0.02), 0.01, 100) == pytest.approx(400)
    assert pairs_needed(Interval(0.5, 0.3, 0.7), 0.5, 100) == float("inf")


def test_a_factor_is_what_logarithms_mean():
    told = Mean()
    for _ in range(5):
        told.add(log(2))
    assert told.factor() == pytest.approx((2, 2, 2))
