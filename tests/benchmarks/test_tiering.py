"""Whoever chooses by outcomes gains all there is, by chance nothing; and the halves stay halves."""

import csv
import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import tiering
from benchmarks.tiering import Question, asked, curve, fitted, judged, main, questions, scored
from policies import Rule
from policies.starting.shipped import FITTED

ROWS = [
    ("How many are left of 12?", 0, 1),
    ("What is the capital of France?", 1, 1),
    ("Why is it so?", 0, 0),
    ("Is the statement true?", 1, 0),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four kinds of questions, a hundred of each."""
    with gzip.open(tmp_path / "routellm-made.csv.gz", "wt", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("prompt", "weak_correct", "strong_correct"))
        rows.writerows((f"{text} ({i})", *right) for i in range(100) for text, *right in ROWS)
    return tmp_path


def test_half_of_the_questions_judge_and_they_are_always_the_same(folder: Path):
    first, second = questions(folder), questions(folder)
    assert first == second
    assert len(first) == 400
    assert 150 < sum(question.judges for question in first) < 250


def test_a_question_is_read_as_the_router_reads_a_request(folder: Path):
    request = questions(folder)[0].request
    assert request.features["says:how many"]
    assert not request.features["says:what is"]
    assert request.features["last_tokens"] > 0
    assert request.input_tokens > 0


def test_without_questions_the_command_says_what_it_misses(tmp_path: Path, capsys):
    assert main(["--data", str(tmp_path)]) == 2
    assert "no routellm-*.csv.gz" in capsys.readouterr().err


def test_equal_scores_gain_nothing_and_outcomes_gain_all_there_is():
    weak, strong = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0, 1.0])
    ones = np.ones(4)
    assert curve(ones, weak, strong, ones).gained == pytest.approx(0.0)
    best = curve(strong - weak, weak, strong, ones)
    assert best.at(0.25) == 0.75
    assert best.at(0.125) == 0.625
    assert best.gained == pytest.approx(100 * (0.25 * 0.125 + 0.75 * 0.25 - 0.125))
    worst = curve(weak - strong, weak, strong, ones)
    assert worst.gained < 0


def of(text: str, weak: int, strong: int) -> Question:
    return Question("made", "", asked(text), weak, strong, judges=True)


def test_rules_that_know_the_outcomes_recover_most_and_ones_that_know_nothing_half():
    hard, easy = of("How many?", 0, 1), of("So?", 1, 1)
    told = judged([hard, easy] * 50, (Rule(score=0.5, says=("how many",)),))
    assert (told.weak, told.strong, told.oracle, told.oracle_share) == (0.5, 1.0, 1.0, 0.5)
    assert told.curve.gained == pytest.approx(told.best.gained)
    assert told.gained[0] <= told.curve.gained <= told.gained[1]
    assert told.recovered == pytest.approx(0.75)
    blind = judged([hard, easy] * 50, ())
    assert blind.recovered == pytest.approx(0.5)
    assert blind.gained == pytest.approx((0.0, 0.0))


def test_a_fit_finds_where_the_strong_model_gains(folder: Path):
    gains = {rule.says: weight for rule, weight, _ in fitted_on(folder)}
    assert gains[("how many", "how much")] == pytest.approx(1.0)
    assert gains[("true", "statement")] == pytest.approx(-1.0)


def fitted_on(folder: Path) -> list[tuple[Rule, float, float]]:
    """The fit, by those of the rules that some of these questions hold for."""
    held = tuple(r for r in FITTED if r.says in {("how many", "how much"), ("true", "statement")})
    return fitted(questions(folder), held)


def test_scores_are_rounded_gains():
    assert [scored(gain) for gain in (0.0, 0.014, 0.091, -0.065)] == [0.0, 0.05, 0.25, -0.2]


def test_the_command_judges_and_says_what_each_number_comes_to(folder: Path, capsys, monkeypatch):
    monkeypatch.setattr(tiering, "DRAWS", 10)
    assert main(["--data", str(folder)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"made, \d+ questions: weak 0\.\d+, strong 0\.\d+, oracle 0\.\d+ at", told)
    assert "area over a random mixture: +" in told
    assert "tiers_at     strong calls     accuracy" in told


def test_what_it_costs_is_measured_without_any_data(capsys):
    assert main(["--cpu"]) == 0
    assert "1,000.0 kB" in capsys.readouterr().out
