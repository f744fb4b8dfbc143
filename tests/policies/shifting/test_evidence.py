import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.shifting import NOTHING, Evidence, Spread
from policies.shifting.spread import LEAST, MOST, PARTS, bin_of

BINS = st.integers(LEAST, MOST)
SPREADS = st.dictionaries(BINS, st.integers(1, 10**6), max_size=5).map(
    lambda bins: Spread(MappingProxyType(bins))
)


@st.composite
def some(draw: st.DrawFn) -> Evidence:
    """What an arm may have done."""
    requests = draw(st.integers(0, 10**6))
    failures, spent = draw(st.integers(0, requests)), draw(st.integers(0, 10**15))
    return Evidence(requests, failures, draw(SPREADS), draw(SPREADS), spent)


@given(some(), some(), some())
def test_evidence_adds_up_in_any_order(a: Evidence, b: Evidence, c: Evidence):
    assert (a + b) + c == a + (b + c) == c + (b + a)
    assert a + NOTHING == a


@given(some(), some())
def test_what_came_since_is_what_was_added(a: Evidence, b: Evidence):
    assert (a + b).holds(a)
    assert (a + b) - a == b


@given(some(), some())
def test_what_was_lost_is_seen(a: Evidence, b: Evidence):
    assert a.holds(a + b) == (b == NOTHING)


@given(some())
def test_evidence_comes_back_from_json_as_it_was(evidence: Evidence):
    assert Evidence.of_plain(json.loads(json.dumps(evidence.plain()))) == evidence


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**NOTHING.plain(), "failures": 1},
        {**NOTHING.plain(), "first": {"3": 0}},
        {**NOTHING.plain(), "first": {"99999": 1}},
        {**NOTHING.plain(), "first": {"x": 1}},
        {**NOTHING.plain(), "costs": []},
        {**NOTHING.plain(), "requests": None},
    ],
)
def test_what_is_no_evidence_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        Evidence.of_plain(wrong)


@given(st.floats(1e-5, 1e12))
def test_a_bin_is_as_wide_as_a_sixteenth_of_an_octave(value: float):
    index = bin_of(value)
    assert 2 ** (index / PARTS) * (1 - 1e-9) <= value <= 2 ** ((index + 1) / PARTS) * (1 + 1e-9)


def test_one_request_counts_where_it_belongs():
    good = Evidence.of(failed=False, first_token=0.4, cost=2000)
    bad = Evidence.of(failed=True)
    both = good + bad
    assert (both.requests, both.failures, both.spent) == (2, 1, 2000)
    assert (both.first.count, both.costs.count) == (1, 1)
    assert bin_of(0) == bin_of(-1) == LEAST


def test_a_quantile_is_the_bin_that_so_many_do_not_exceed():
    spread = Spread(MappingProxyType({3: 90, 7: 9, 20: 1}))
    assert [spread.quantile(share) for share in (0.5, 0.9, 0.95, 0.99, 1.0)] == [3, 3, 7, 7, 20]
    assert (spread.above(3), spread.above(19), spread.above(20)) == (10, 1, 0)
    assert Spread().quantile(0.5) is None
