"""How often shifts end as they should not: the whole of them, over many made-up runs."""

from dataclasses import replace
from math import sin

import pytest

from tests.policies.shifting.trial import Arm, Tally, Trial, tally

FEW, MANY = 100, 2000
GOOD = Trial(tick=20)
ERRORS = replace(GOOD, canary=Arm(errors=0.04))
SLOW = replace(GOOD, canary=Arm(first_token=0.8))
DEAR = replace(GOOD, canary=Arm(cost=2e6))
HEAVY = Arm(late=1.2, length=1.8)
EVEN = Arm(errors=0.0, late=0.001, length=0.001)


def wave(now: float) -> float:
    """Up to six times as much, and back, every half hour."""
    return 1 + 5 * max(0.0, sin(now / 300))


def jump(now: float) -> float:
    """Eight times as much, from one moment on."""
    return 8.0 if now > 400 else 1.0


def out(now: float) -> float:
    """All of it, for a good hour."""
    return 1000.0 if 100 < now < 5000 else 1.0


WAVES = Arm(failing=wave, slowing=wave)


def is_kept(told: Tally) -> None:
    """Whether hardly any was taken back."""
    assert told.back <= 0.02, told


def is_caught(told: Tally) -> None:
    """Whether hardly any was let through, and all were taken back."""
    assert told.done <= 0.01, told
    assert told.back >= 0.99, told


@pytest.mark.parametrize("bad", [ERRORS, SLOW, DEAR], ids=["errors", "slow", "dear"])
def test_a_bad_canary_is_taken_back_and_hardly_ever_let_through(bad: Trial):
    is_caught(tally(bad, FEW))


def test_a_good_canary_is_let_through_and_hardly_ever_taken_back():
    told = tally(GOOD, FEW)
    is_kept(told)
    assert told.done >= 0.98, told


def test_four_errors_in_a_hundred_instead_of_one_are_seen_within_600_requests():
    assert tally(ERRORS, FEW).requests_back <= 600


@pytest.mark.proof
@pytest.mark.parametrize("bad", [ERRORS, SLOW, DEAR], ids=["errors", "slow", "dear"])
def test_a_bad_canary_is_taken_back_in_many_runs(bad: Trial):
    told = tally(replace(bad, tick=5), MANY)
    print(told)
    is_caught(told)
    assert told.requests_back <= 600


@pytest.mark.proof
def test_a_good_canary_is_let_through_in_many_runs():
    told = tally(replace(GOOD, tick=5), MANY)
    print(told)
    is_kept(told)
    assert told.done >= 0.98, told


KEPT = {
    "no errors at all": Trial(Arm(errors=0.0), Arm(errors=0.0)),
    "everything alike": Trial(EVEN, EVEN),
    "ten errors in a hundred": Trial(Arm(errors=0.1), Arm(errors=0.1)),
    "waves in both arms": Trial(WAVES, WAVES),
    "a jump in both arms": Trial(Arm(failing=jump, slowing=jump), Arm(failing=jump, slowing=jump)),
    "heavy tails": Trial(HEAVY, HEAVY),
    "few requests": Trial(rate=2.0, seconds=12 * 3600.0),
}
CAUGHT = {
    "late, with heavy tails": Trial(replace(HEAVY, first_token=0.8), HEAVY),
    "dear, with heavy tails": Trial(replace(HEAVY, cost=2e6), HEAVY),
    "errors amid waves": Trial(replace(WAVES, errors=0.04), WAVES),
    "always late by a little more than allowed": Trial(replace(EVEN, first_token=0.65), EVEN),
}


@pytest.mark.parametrize("trial", KEPT.values(), ids=KEPT)
def test_a_canary_that_is_no_worse_is_not_taken_back(trial: Trial):
    is_kept(tally(replace(trial, tick=60), 24))


@pytest.mark.parametrize("trial", CAUGHT.values(), ids=CAUGHT)
def test_a_canary_that_is_worse_is_taken_back(trial: Trial):
    is_caught(tally(replace(trial, tick=60), 24))


@pytest.mark.parametrize("errors", [0.01, 0.04])
def test_an_outage_of_the_control_lets_nothing_through(errors: float):
    trial = Trial(Arm(errors=errors), Arm(failing=out), tick=20, seconds=2500)
    assert tally(trial, 24).done == 0
