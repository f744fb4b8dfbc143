import pytest

from policies.simulate import Bound, Estimate


def test_the_interval_is_student_s():
    # Mean 3, deviation 1.5811, t(4) = 2.776.
    estimate = Estimate((1.0, 2.0, 3.0, 4.0, 5.0))
    assert estimate.mean == 3.0
    assert estimate.half == pytest.approx(2.776 * 1.5811 / 5**0.5, rel=1e-3)


def test_one_run_says_nothing_of_others():
    assert Estimate((2.0,)).half == 0.0


def test_many_runs_are_normal():
    assert Estimate(tuple(map(float, range(100)))).half == pytest.approx(
        1.96 * 29.01 / 10, rel=0.01
    )


@pytest.mark.parametrize(
    ("bound", "kept", "words"),
    [
        (Bound("sends", most=1.25), True, "sends ≤ 1.25"),
        (Bound("sends", most=0.9), False, "sends ≤ 0.9"),
        (Bound("answered", least=0.9), True, "answered ≥ 0.9"),
        (Bound("held", least=1.1, most=1.2), False, "held in 1.1–1.2"),
        (Bound("exposed", most=1.5, quantile=0.95), False, "exposed (p95) ≤ 1.5"),
    ],
)
def test_a_bound_holds_for_the_mean_or_for_a_quantile(bound: Bound, kept: bool, words: str):
    estimate = Estimate((*[0.95] * 19, 1.95))
    assert estimate.mean == pytest.approx(1.0)
    assert bound.holds(estimate) is kept
    assert str(bound) == words
