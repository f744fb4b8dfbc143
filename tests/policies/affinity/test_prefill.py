"""What a token read afresh takes is learned from what came back."""

from __future__ import annotations

from random import Random

import pytest

from policies.affinity.prefill import MOST, USUAL, Prefill


def test_before_anything_is_measured_it_is_as_usual() -> None:
    assert (Prefill().pace, Prefill().mean) == (USUAL, None)


@pytest.mark.parametrize("pace", [0.0, 5e-5, 4e-4])
def test_the_pace_is_found_in_the_noise(pace: float) -> None:
    rng, prefill = Random(7), Prefill()
    for _ in range(200):
        tokens = round(rng.expovariate(1 / 3000))
        prefill.record(tokens, 0.3 * rng.lognormvariate(0, 0.2) + pace * tokens)
    assert prefill.pace == pytest.approx(pace, abs=1.5e-5)


def test_lengths_that_are_all_alike_teach_nothing() -> None:
    prefill = Prefill()
    for _ in range(100):
        prefill.record(500, 3.0)
    assert prefill.pace == pytest.approx(USUAL)
    assert prefill.mean == 500


def test_nonsense_stays_within_bounds() -> None:
    prefill = Prefill()
    for tokens in (0, 100_000) * 20:
        prefill.record(tokens, 600.0 * bool(tokens))
    assert prefill.pace == MOST
    for tokens in (0, 100_000) * 200:
        prefill.record(tokens, 600.0 * (not tokens))
    assert prefill.pace == 0.0
