from itertools import product
from math import comb, exp, prod

from hypothesis import assume, given
from hypothesis import strategies as st

from policies.shifting.weighing import HIGHEST, LOWEST, Guess, Line, certainty, kept, wager

RATES = st.floats(0.01, 0.98)
FEW = st.integers(1, 4)
EXACT = 1e-6


def chance(events: int, count: int, rate: float) -> float:
    """Of so many events among so many."""
    return comb(count, events) * rate**events * (1 - rate) ** (count - events)


def mean_of(n1: int, n0: int, guess: Guess, line: Line, canary: float, control: float) -> float:
    """The wager's mean where the arms' means are these: over all that can happen."""
    total = 0.0
    for hits, beside in product(range(n1 + 1), range(n0 + 1)):
        gained = wager(
            ((1.0, hits), (0.0, n1 - hits)), ((1.0, beside), (0.0, n0 - beside)), guess, line
        )
        total += chance(hits, n1, canary) * chance(beside, n0, control) * exp(gained)
    return total


@given(FEW, FEW, RATES, RATES, RATES, RATES, st.floats(0.5, 2), st.floats(0, 0.3))
def test_nobody_wins_by_wagering_against_what_is_true(
    n1: int, n0: int, g1: float, g0: float, m1: float, m0: float, ratio: float, points: float
):
    line, guess = Line(ratio, points), Guess(g1, g0)
    # The guess is on one side of the line, the truth on the other, or on the line itself.
    assume((g1 - line.at(g0)) * (m1 - line.at(m0)) <= 0)
    assume(abs(g1 - line.at(g0)) > 1e-3)
    assert mean_of(n1, n0, guess, line, m1, m0) <= 1 + EXACT


@given(st.lists(st.floats(0, 1), min_size=1, max_size=3), RATES, RATES)
def test_it_is_so_for_whatever_lies_between_0_and_1(values: list[float], g1: float, g0: float):
    # Each value is as likely: the arms are alike, and no more than alike is allowed.
    line, guess = Line(1.0, 0.0), Guess(g1, g0)
    assume(g1 > g0 + 1e-3)
    gains = [exp(wager(((x, 1),), ((y, 1),), guess, line)) for x, y in product(values, values)]
    assert sum(gains) / len(gains) <= 1 + EXACT


@given(st.integers(200, 2000))
def test_what_is_so_wins_with_time(count: int):
    # 4 % where 2 % are allowed, against a control that is well known.
    hits, beside = round(0.04 * count), round(0.01 * 20 * count)
    canary, control = (
        ((1.0, hits), (0.0, count - hits)),
        ((1.0, beside), (0.0, 20 * count - beside)),
    )
    assert wager(canary, control, Guess(0.04, 0.01), Line(1.0, 0.01)) > 0.006 * count


def test_without_the_other_arm_nothing_is_learned():
    assert wager(((1.0, 5),), (), Guess(0.04, 0.01), Line(1.0, 0.01)) == 0
    assert wager((), ((1.0, 5),), Guess(0.04, 0.01), Line(1.0, 0.01)) == 0


def test_where_the_control_is_not_asked_the_canary_is_compared_with_a_bound():
    assert wager(((1.0, 5),), (), Guess(0.75, 0.5), Line(0.0, 0.5)) > 1


def test_nobody_is_sure_at_first_and_19_to_1_is_95_in_a_hundred():
    assert certainty((0.0, 0.0, 0.0)) == 0
    assert certainty((-2.0, -2.0, -2.0)) == 0
    assert prod((0.95,)) < certainty((3.0, 3.0, 3.0)) < 0.951


@given(st.floats(-100, 100))
def test_what_is_kept_is_bounded(logarithm: float):
    assert LOWEST <= kept(logarithm) <= HIGHEST
