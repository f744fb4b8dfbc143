"""Metrics of several workers as one page: what counts comes to the sum, and never falls."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from router.telemetry.counters import Counters
from router.telemetry.prometheus import prometheus
from router.workers.series import Family, Page, Tally, labelled, merged, read, write
from tests.router.telemetry.records import ATTEMPT, REQUEST, changed

COUNTS = st.dictionaries(
    st.sampled_from(['x_total{a="1"}', 'x_total{a="2 3"}', 'x_total{a="{,}"}', "x_total"]),
    st.integers(0, 10**9).map(float),
)


def page(kind: str, series: dict[str, float], name: str = "x_total") -> Page:
    return {name: Family("What it is.", kind, series)}


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_counters_and_histograms_are_summed_by_series(each):
    for kind in ("counter", "histogram"):
        pages = {number: page(kind, series) for number, series in enumerate(each)}
        wanted: Counter[str] = Counter()
        for series in each:
            for name, value in series.items():
                wanted[name] += int(value)
        assert merged({}, pages)["x_total"].series == wanted


@given(COUNTS, st.sampled_from(["counter", "gauge", "histogram"]))
def test_a_page_is_read_as_it_was_written(series, kind):
    assert read(write(page(kind, series))) == page(kind, series)


def test_a_page_of_the_router_is_read_whole():
    counters = Counters()
    counters.request(changed(REQUEST, model='a "quoted\\ \u2028 name\n'))
    counters.attempt(ATTEMPT)
    text = prometheus(counters, {}, 3, 1)
    assert read(write(read(text))) == read(text)
    assert read(text)["pointsman_requests_running"].series == {"pointsman_requests_running": 3}
    twice = merged({}, {0: read(text), 1: read(text)})
    for name, family in twice.items():
        if family.counts:
            once = read(text)[name].series
            assert family.series == {series: 2 * value for series, value in once.items()}


def test_gauges_follow_their_rule_and_without_one_each_worker_has_its_own():
    running = [
        page("gauge", {"pointsman_requests_running": n}, "pointsman_requests_running")
        for n in (2, 5)
    ]
    assert merged({}, dict(enumerate(running)))["pointsman_requests_running"].series == {
        "pointsman_requests_running": 7
    }
    state = 'pointsman_target_state{target="a",state="%s"}'
    states = [
        page("gauge", {state % name: 1.0}, "pointsman_target_state")
        for name in ("healthy", "denied", "denied")
    ]
    assert merged({}, dict(enumerate(states)))["pointsman_target_state"].series == {
        state % "healthy": 1.0,
        state % "denied": 1.0,
    }
    health = [page("gauge", {'h{target="a"}': n, "h": n}, "h") for n in (0.25, 1.0)]
    assert merged({}, dict(enumerate(health)))["h"].series == {
        'h{worker="0",target="a"}': 0.25,
        'h{worker="1",target="a"}': 1.0,
        'h{worker="0"}': 0.25,
        'h{worker="1"}': 1.0,
    }
    assert labelled("h", 3) == 'h{worker="3"}'


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["counts", "dies"]), st.booleans()), max_size=30
)


@given(STEPS)
def test_a_sum_never_falls_whoever_dies_or_is_silent(steps):
    """Three workers count, die, or do not answer; what was said once is never taken back."""
    tally, before = Tally(), 0.0
    counts, pids, next_pid = [0, 0, 0], {0: 1, 1: 2, 2: 3}, 4
    for number, what, silent in steps:
        if what == "dies":
            counts[number], pids[number], next_pid = 0, next_pid, next_pid + 1
        else:
            counts[number] += 1
        pages = {
            n: page("counter", {"x_total": float(count)})
            for n, count in enumerate(counts)
            if not (silent and n == number)
        }
        told = tally.page(dict(pids), pages)["x_total"].series["x_total"]
        assert told >= before
        before = told


def test_while_all_answer_the_sum_is_exact_also_after_a_death():
    tally = Tally()
    one, two = page("counter", {"x_total": 5.0}), page("counter", {"x_total": 7.0})
    assert tally.page({0: 1, 1: 2}, {0: one, 1: two})["x_total"].series == {"x_total": 12.0}
    new = page("counter", {"x_total": 1.0})
    assert tally.page({0: 1, 1: 3}, {0: one, 1: new})["x_total"].series == {"x_total": 13.0}
    assert tally.page({0: 1, 1: 3}, {0: one})["x_total"].series == {"x_total": 13.0}
    assert tally.page({0: 1}, {0: one})["x_total"].series == {"x_total": 13.0}


def test_of_the_silent_nothing_is_shown_that_goes_up_and_down():
    tally = Tally()
    both = {**page("counter", {"x_total": 5.0}), **page("gauge", {"h": 1.0}, "h")}
    tally.page({0: 1, 1: 2}, {0: both, 1: both})
    told = tally.page({0: 1, 1: 2}, {0: both})
    assert told["x_total"].series == {"x_total": 10.0}
    assert told["h"].series == {'h{worker="0"}': 1.0}
