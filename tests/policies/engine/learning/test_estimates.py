"""What estimates may never do, whatever was measured."""

from __future__ import annotations

from math import isfinite
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Request
from policies.engine.learning.cost import strained
from policies.engine.learning.estimates import Length
from policies.engine.learning.histogram import Histogram
from policies.engine.learning.latency import Latency
from policies.engine.learning.line import Line, Slope
from policies.engine.route import Facts, Target
from policies.engine.standing import Member, Standing

SECONDS = st.floats(0, 300) | st.sampled_from([0.0, 1e-9, 0.2, 1e6])
GAPS = st.floats(0, 100) | st.just(0.0)
TOKENS = st.integers(0, 200_000)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["first", "stream", "whole", "vain"]), SECONDS, GAPS, TOKENS),
    max_size=60,
)
FIXED = settings(max_examples=100, deadline=None, derandomize=True)


def tell(latency: Latency, what: str, seconds: float, now: float, tokens: int) -> None:
    match what:
        case "first":
            latency.first_token(seconds, 1, now, tokens)
        case "stream":
            latency.finished(seconds, seconds / 2, tokens, 1, now)
        case "whole":
            latency.finished(seconds, None, tokens, 1, now)
        case "vain":
            latency.at_least(seconds, now)


def estimates(latency: Latency) -> list[float | None]:
    return [
        latency.first, latency.start, latency.per_token, latency.baseline,
        latency.late(0, stream=True), latency.late(100_000, stream=True),
        latency.late(0, stream=False), latency.slowness(), latency.usual_in_flight,
    ]  # fmt: skip


@FIXED
@given(EVENTS, TOKENS, st.booleans())
def test_nothing_is_ever_negative_or_no_number(
    events: list[tuple[str, float, float, int]], tokens: int, stream: bool
) -> None:
    standing = Standing("a/m", Facts(), (), 0.0, ramp=False)
    member, now = Member(Target("a/m"), standing, Length()), 0.0
    for what, seconds, gap, length in events:
        now += gap
        tell(standing.latency, what, seconds, now, length)
        shown = [
            *estimates(standing.latency),
            member.predicted(Request("m", 1e9, tokens, tokens, stream)),
            *strained([1.0], [member], [member], now),
        ]
        assert all(one is None or (isfinite(one) and one >= 0) for one in shown), shown


@FIXED
@given(EVENTS, SECONDS, SECONDS, GAPS)
def test_a_slower_first_content_never_lowers_an_estimate(
    events: list[tuple[str, float, float, int]], one: float, other: float, gap: float
) -> None:
    """All inputs are equally long here: what their length explains is taken off before."""
    faster, slower, now = Latency(0.0), Latency(0.0), 0.0
    for what, seconds, elapsed, _ in events:
        now += elapsed
        for latency in (faster, slower):
            tell(latency, what, seconds, now, 100)
    now += gap
    faster.first_token(min(one, other), 1, now, 100)
    slower.first_token(max(one, other), 1, now, 100)
    assert faster.first is not None
    assert slower.first is not None
    assert faster.first <= slower.first
    assert (faster.late(100, stream=True) or 0) <= (slower.late(100, stream=True) or 0)
    assert faster.baseline is not None
    assert slower.baseline is not None
    assert faster.baseline <= slower.baseline


@FIXED
@given(st.lists(st.tuples(SECONDS, GAPS), min_size=1), SECONDS, GAPS)
def test_what_is_slower_than_the_estimate_never_lowers_it_and_what_is_faster_never_raises_it(
    firsts: list[tuple[float, float]], seconds: float, gap: float
) -> None:
    latency, now = Latency(0.0), 0.0
    for one, elapsed in firsts:
        now += elapsed
        latency.first_token(one, 1, now)
    before = latency.first
    assert before is not None
    latency.first_token(seconds, 1, now + gap)
    assert latency.first is not None
    assert min(before, seconds) - 1e-9 <= latency.first <= max(before, seconds) + 1e-9


@FIXED
@given(EVENTS, SECONDS)
def test_a_wait_in_vain_never_lowers_it(
    events: list[tuple[str, float, float, int]], seconds: float
) -> None:
    latency, now = Latency(0.0), 0.0
    for what, one, gap, tokens in events:
        now += gap
        tell(latency, what, one, now, tokens)
    before = estimates(latency)[:6]
    latency.at_least(seconds, now)
    for old, new in zip(before, estimates(latency)[:6], strict=True):
        assert old is None or (new is not None and new >= old)


@FIXED
@given(EVENTS, SECONDS, SECONDS, st.integers(2, 5000))
def test_a_slower_stream_never_lowers_the_time_per_token(
    events: list[tuple[str, float, float, int]], one: float, other: float, tokens: int
) -> None:
    faster, slower, now = Latency(0.0), Latency(0.0), 0.0
    for what, seconds, gap, length in events:
        now += gap
        for latency in (faster, slower):
            tell(latency, what, seconds, now, length)
    faster.finished(400.0, min(one, other), tokens, 1, now + 1.0)
    slower.finished(400.0, max(one, other), tokens, 1, now + 1.0)
    assert faster.per_token is not None
    assert slower.per_token is not None
    assert faster.per_token <= slower.per_token


@FIXED
@given(st.lists(SECONDS, max_size=400))
def test_its_quantiles_are_in_order(durations: list[float]) -> None:
    histogram = Histogram()
    for seconds in durations:
        histogram.record(seconds)
        assert histogram.high is not None
        assert histogram.tail is not None
        assert histogram.late is not None
        assert 0 < histogram.high <= histogram.tail <= histogram.late


@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0])
def test_its_quantiles_stay_in_order_however_many_there_are(spread: float) -> None:
    histogram, rng = Histogram(), Random(1)
    for _ in range(3000):
        histogram.record(rng.lognormvariate(0.0, spread))
        assert (histogram.high or 0) <= (histogram.tail or 0) <= (histogram.late or 0)


@FIXED
@given(st.lists(st.tuples(st.integers(1, 100_000), SECONDS), min_size=1, max_size=60))
def test_a_line_never_predicts_less_than_nothing(answers: list[tuple[int, float]]) -> None:
    line = Line()
    for tokens, seconds in answers:
        line.record(tokens, seconds)
        assert line.pace is not None
        assert line.start is not None
        assert line.pace >= 0
        assert line.start >= 0


@pytest.mark.parametrize("seed", range(5))
def test_a_slope_through_noise_is_none(seed: int) -> None:
    slope, rng, found = Slope(), Random(seed), 0
    for _ in range(2000):
        slope.record(rng.randrange(100, 10_000), 0.5 * rng.lognormvariate(0.0, 0.3))
        found += slope.pace > 0
    assert found <= 0.01 * 2000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("true", [0.0001, 0.001])
def test_a_true_slope_is_found_within_a_fifth(seed: int, true: float) -> None:
    slope, rng = Slope(), Random(seed)
    found = []
    for turn in range(400):
        tokens = rng.randrange(100, 10_000)
        slope.record(tokens, 0.2 + true * tokens + rng.gauss(0.0, 0.1))
        if turn >= 100:
            found.append(slope.pace)
    assert mean(found) == pytest.approx(true, rel=0.2)
    assert min(found) > 0.0
