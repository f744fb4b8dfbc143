"""A cascade on made-up questions: what a perfect judge gains, and what a cascade never costs."""

import pytest

from benchmarks.cascading import CHEAP, JUDGES, play
from benchmarks.tiering import Question, asked

SOME = [
    Question("made", "", asked("Why?"), weak, strong, judges=True)
    for weak, strong in ((1, 1), (1, 0), (0, 1), (0, 1), (0, 0)) * 200
]


def test_a_perfect_judge_has_the_best_of_both() -> None:
    told = play(SOME, 0.05, (1.0, 0.0, 0.2))
    assert told.accuracy == 0.8
    assert told.cost == pytest.approx(0.05 * 1.2 + 0.6)
    assert told.first == 1.0


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("cheap", CHEAP)
def test_it_never_costs_much_more_than_always_the_dear_model(
    cheap: float, judge: tuple[float, float, float]
) -> None:
    assert play(SOME, cheap, judge).cost <= 1.05


def test_where_it_cannot_pay_it_is_hardly_asked() -> None:
    assert play(SOME, 0.9, (0.9, 0.2, 0.2)).first < 0.06
