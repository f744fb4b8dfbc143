"""Durations are known to a twentieth, however many there are, and whoever counted them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.shifting.spread import LEAST, MOST, middle
from router.shadow.histogram import Histogram


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_quantile_is_right_to_a_twentieth(share):
    rng, told = Random(1), Histogram()
    values = sorted(rng.lognormvariate(-1, 1) for _ in range(5000))
    for value in values:
        told.add(value)
    assert told.quantile(share) == pytest.approx(values[int(share * 5000)], rel=0.06)


def test_of_nothing_there_is_no_quantile():
    assert Histogram().quantile(0.5) is None


@given(st.lists(st.floats(0, 1e9)), st.lists(st.floats(0, 1e9)))
def test_two_added_are_one_of_bounded_size(some, more):
    parts, whole = (Histogram(), Histogram()), Histogram()
    for part, values in zip(parts, (some, more), strict=True):
        for value in values:
            part.add(value)
            whole.add(value)
    assert parts[0].plus(parts[1]).cells == whole.cells
    assert len(whole.cells) <= MOST - LEAST + 1
    if (half := whole.quantile(0.5)) is not None:
        assert middle(LEAST) <= half <= middle(MOST)
