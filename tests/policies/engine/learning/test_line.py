from math import isfinite
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.learning.latency import Latency
from policies.engine.learning.line import COMMON_PACE, Line, Slope


def of(*answers: tuple[int, float]) -> Line:
    line = Line()
    for tokens, seconds in answers:
        line.record(tokens, seconds)
    return line


def test_two_lengths_tell_the_start_from_the_pace() -> None:
    line = of((10, 1.0 + 10 * 0.05), (200, 1.0 + 200 * 0.05))
    assert line.start == pytest.approx(1.0)
    assert line.pace == pytest.approx(0.05)


def test_answers_of_one_length_are_not_taken_for_slow_ones() -> None:
    line = of(*[(3, 1.003)] * 12)
    assert line.pace == COMMON_PACE
    assert line.start == pytest.approx(1.003 - 3 * COMMON_PACE)


def test_a_pace_faster_than_common_is_seen_even_then() -> None:
    line = of(*[(100, 0.5)] * 5)
    assert line.start == 0.0
    assert line.pace == pytest.approx(0.005)


def test_another_pace_is_learned_from_some_twenty_answers() -> None:
    line = of(*[(tokens, tokens * 0.01) for tokens in (10, 300) * 20])
    for tokens in (10, 300) * 10:
        line.record(tokens, tokens * 0.1)
    assert line.pace == pytest.approx(0.1, rel=0.15)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.floats(0, 10**5, allow_nan=False)),
        min_size=1,
        max_size=30,
    )
)
def test_neither_is_ever_negative_or_nonsense(answers: list[tuple[int, float]]) -> None:
    line = of(*answers)
    assert line.start is not None
    assert line.pace is not None
    assert isfinite(line.start)
    assert isfinite(line.pace)
    assert min(line.start, line.pace) >= 0


def test_a_first_token_that_was_seen_counts_for_more_than_a_line() -> None:
    latency = Latency(0.0)
    latency.finished(2.0, None, 100, 0, 0.0)
    latency.first_token(0.3, 1, 1.0)
    assert (latency.first, latency.start) == (0.3, 0.3)


def waits(seed: int, pace: float, times: int) -> Slope:
    """The slope after so many waits of half a second, more or less, and `pace` for each token."""
    slope, rng = Slope(), Random(seed)
    for _ in range(times):
        tokens = round(rng.lognormvariate(6.6, 1.0))
        slope.record(tokens, 0.5 * rng.lognormvariate(0.0, 0.2) + pace * tokens)
    return slope


def test_what_reading_takes_is_told_from_two_dozen_waits() -> None:
    found = [waits(seed, 3e-4, 30).pace for seed in range(50)]
    assert sum(pace == pytest.approx(3e-4, rel=0.3) for pace in found) >= 48
    assert waits(1, 3e-4, 20).pace == 0.0


def test_where_reading_takes_nothing_a_slope_is_hardly_ever_told() -> None:
    told = sum(waits(seed, 0.0, 24 + seed % 100).pace > 0.0 for seed in range(1_000))
    assert told <= 5
