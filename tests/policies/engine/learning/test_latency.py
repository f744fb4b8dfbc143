from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.learning.estimates import DEFAULT_OUTPUT, Length
from policies.engine.learning.histogram import Histogram
from policies.engine.learning.latency import Latency


def test_nothing_is_known_before_the_first_answer() -> None:
    latency = Latency(0.0)
    assert (latency.first, latency.per_token) == (None, None)
    assert latency.slowness() == 1.0


def test_a_wait_jumps_up_at_once_and_comes_down_slowly() -> None:
    latency = Latency(0.0)
    latency.first_token(0.2, 1, 0.0)
    latency.first_token(3.0, 1, 1.0)
    assert latency.first == 3.0
    latency.first_token(0.2, 1, 2.0)
    assert latency.first == pytest.approx(0.2 + 2.8 * 0.905, abs=0.01)  # e^(-1/10) of the way left
    for second in range(3, 60):
        latency.first_token(0.2, 1, float(second))
    assert latency.first == pytest.approx(0.2, abs=0.02)


def test_time_per_token_is_the_time_after_the_first_over_the_tokens_after_it() -> None:
    latency = Latency(0.0)
    latency.first_token(0.5, 1, 0.5)
    latency.finished(1.5, 1.0, 101, 0, 1.5)
    assert latency.per_token == pytest.approx(0.01)


def test_an_answer_of_one_token_is_no_division_by_zero() -> None:
    latency = Latency(0.0)
    latency.first_token(0.5, 1, 0.5)
    latency.finished(0.5, 0.0, 1, 0, 0.5)
    assert latency.per_token == 0.0
    latency.finished(1.5, 1.0, 101, 0, 1.5)
    assert latency.per_token > 0.0


def test_one_coalesced_answer_does_not_rewrite_what_is_known() -> None:
    latency = Latency(0.0)
    for second in range(50):
        latency.first_token(0.5, 1, second + 0.5)
        latency.finished(1.5, 1.0, 101, 0, second + 1.5)
    latency.first_token(1.5, 1, 51.5)
    latency.finished(1.5, 0.0001, 1000, 0, 51.6)  # a proxy passed it on in one piece
    assert latency.per_token == pytest.approx(0.01, rel=0.05)


def test_the_head_of_a_whole_answer_is_a_tail_of_its_totals() -> None:
    latency = Latency(0.0)
    for _ in range(99):
        latency.finished(1.5, None, 100, 0, 0.0)
    latency.finished(100.0, None, 100, 0, 0.0)
    median, top = latency.totals.quantile(0.5), latency.totals.quantile(1.0)
    assert median == 1.75
    assert top == 112.0


def test_slowness_compares_with_what_is_usual_and_has_a_floor() -> None:
    latency = Latency(0.0)
    for second in range(100):
        latency.first_token(0.2, 1, float(second))
    assert latency.slowness() == 1.0
    latency.first_token(0.8, 1, 100.0)
    assert latency.slowness() == pytest.approx(0.5, abs=0.02)
    latency.first_token(80.0, 1, 101.0)
    assert latency.slowness() == 0.2


def test_the_level_at_which_it_was_learned_follows_slowly() -> None:
    latency = Latency(0.0)
    for _ in range(100):
        latency.first_token(0.2, 10, 1.0)
    assert latency.usual_in_flight == pytest.approx(10, rel=0.01)


def test_the_length_of_a_routes_answers_is_learned() -> None:
    length = Length()
    assert length.usual == DEFAULT_OUTPUT
    for _ in range(200):
        length.answered(1000)
    assert length.usual == pytest.approx(1000, rel=0.01)


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=3000), st.floats(0.01, 1.0))
def test_a_quantile_is_at_most_a_quarter_too_high(durations: list[float], share: float) -> None:
    histogram = Histogram()
    for seconds in durations[-900:]:
        histogram.record(seconds)
    kept = sorted(durations[-900:])
    exact = kept[ceil(share * len(kept) - 1e-9) - 1]
    found = histogram.quantile(share)
    assert found is not None
    if 2.0**-10 <= exact < 2.0**21:
        assert exact <= found <= 1.25 * exact


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None


def test_a_histogram_forgets_old_habits() -> None:
    histogram = Histogram()
    for _ in range(5000):
        histogram.record(100.0)
    for _ in range(5000):
        histogram.record(1.5)
    assert histogram.quantile(0.9) == 1.75
