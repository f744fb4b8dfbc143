"""How far accepted answers are trusted."""

from __future__ import annotations

from math import comb
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cascading.trust import LEAST, SURE, WINDOW, Trust, clopper_pearson


@pytest.mark.parametrize("truth", [0.01, 0.05, 0.2, 0.5])
def test_the_interval_covers_the_truth_in_95_of_100_runs(truth: float) -> None:
    rng = Random(11)
    covered = 0
    for _ in range(500):
        seen = sum(rng.random() < truth for _ in range(150))
        told = clopper_pearson(seen, 150)
        covered += told.low <= truth <= told.high
    assert covered >= 475


@given(st.integers(1, 60), st.data())
def test_both_ends_are_where_what_was_seen_is_hardly_likely(
    count: int, data: st.DataObject
) -> None:
    seen = data.draw(st.integers(0, count))
    told = clopper_pearson(seen, count)

    def at_most(most: int, share: float) -> float:
        return sum(comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(most + 1))

    assert told.low <= told.estimate <= told.high
    if seen:
        assert at_most(seen - 1, told.low) == pytest.approx(SURE, abs=1e-6)
    if seen < count:
        assert at_most(seen, told.high) == pytest.approx(1 - SURE, abs=1e-6)


def test_an_interval_keeps_nobody_waiting() -> None:
    for seen in (250, 400, 490):
        times = []
        for _ in range(5):
            began = process_time()
            clopper_pearson(seen, WINDOW)
            times.append(process_time() - began)
        assert min(times) < 0.004


def test_who_is_wrong_too_often_is_mistrusted_until_it_is_not() -> None:
    trust = Trust(0.05)
    for _ in range(200):
        trust.add(wrong=False)
    assert not trust.mistrusted
    for _ in range(100):
        trust.add(wrong=True)
        if trust.mistrusted:
            break
    assert trust.mistrusted
    assert trust.interval() is None
    for _ in range(LEAST - 1):
        trust.add(wrong=False)
        assert trust.mistrusted
    trust.add(wrong=False)
    assert not trust.mistrusted


def test_chance_alone_mistrusts_hardly_anybody() -> None:
    rng = Random(3)
    mistrusted = 0
    for _ in range(200):
        trust = Trust(0.05)
        for _ in range(100):
            trust.add(wrong=rng.random() < 0.02)
        mistrusted += trust.mistrusted
    assert mistrusted <= 4
