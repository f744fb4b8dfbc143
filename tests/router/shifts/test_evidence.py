"""What is counted of both arms, and what is not."""

from __future__ import annotations

import pytest
from msgspec import structs

from policies import Outcome, Phase, Price, Report
from policies.shifting import Evidence
from router.shifts.evidence import Gathering, told
from tests.router.shifts.scene import FAILED, OK, PRICES, attempt, moving

MOVING = moving()


@pytest.fixture
def gathering() -> Gathering:
    one = Gathering()
    one.watch([MOVING], PRICES)
    return one


def test_an_attempt_s_model_says_which_arm_it_is_of(gathering: Gathering) -> None:
    gathering.attempt(attempt("chat", "a/m"))
    gathering.attempt(attempt("chat→to", "b/m"))
    gathering.attempt(attempt("chat→to", "b/m", FAILED))
    gathering.attempt(attempt("other", "a/m"))
    arms = gathering.arms(MOVING.name)
    assert (arms.control.requests, arms.control.failures) == (1, 0)
    assert (arms.canary.requests, arms.canary.failures) == (2, 1)


def test_only_first_attempts_count(gathering: Gathering) -> None:
    gathering.attempt(attempt("chat→to", "b/m", FAILED))
    gathering.attempt(attempt("chat→to", "a/m", OK, number=2))
    canary = gathering.arms(MOVING.name).canary
    assert (canary.requests, canary.failures) == (1, 1)


def test_what_the_canary_s_targets_could_not_take_is_its_failure(gathering: Gathering) -> None:
    gathering.attempt(attempt("chat→to", "a/m"))
    canary = gathering.arms(MOVING.name).canary
    assert (canary.requests, canary.failures, canary.first.count) == (1, 1, 0)


def test_what_goes_elsewhere_while_its_capacity_is_used_up_says_nothing() -> None:
    gathering = Gathering()
    both = moving(to={"b/m": 1.0, "c/m": 1.0, "d/m": 0.0})
    gathering.watch([both], PRICES)
    resting = {"b/m"}
    gathering.spilled = lambda target, at: target in resting and at == 1.0
    gathering.attempt(attempt("chat→to", "a/m"))
    assert gathering.arms(both.name).canary.failures == 1  # the other one could not, either
    resting.add("c/m")
    gathering.attempt(attempt("chat→to", "a/m"))
    gathering.attempt(structs.replace(attempt("chat→to", "a/m"), started=1.1))
    canary = gathering.arms(both.name).canary
    assert (canary.requests, canary.failures) == (2, 2)


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (Outcome.OK, (1, 0)),
        (Outcome.FAILED, (1, 1)),
        (Outcome.THROTTLED, (1, 1)),
        (Outcome.DENIED, (1, 1)),
        (Outcome.UNFIT, (1, 1)),
        (Outcome.REJECTED, (0, 0)),
        (Outcome.FILTERED, (0, 0)),
        (Outcome.ABANDONED, (0, 0)),
    ],
)
def test_what_is_the_caller_s_doing_says_nothing(
    gathering: Gathering, outcome: Outcome, counted: tuple[int, int]
) -> None:
    gathering.attempt(attempt(report=Report(outcome, Phase.HEAD)))
    control = gathering.arms(MOVING.name).control
    assert (control.requests, control.failures) == counted


def test_first_tokens_and_costs_are_as_of_one_request_after_another(gathering: Gathering) -> None:
    for _ in range(3):
        gathering.attempt(attempt())
    one = Evidence.of(failed=False, first_token=1.2 - 1.0, cost=120_000)
    assert gathering.arms(MOVING.name).control == one + one + one


def test_the_first_content_of_an_answer_in_one_piece_is_all_of_it(gathering: Gathering) -> None:
    gathering.attempt(structs.replace(attempt(), first=None))
    first = gathering.arms(MOVING.name).control.first
    assert first == Evidence.of(failed=False, first_token=0.5).first


def test_an_unknown_price_is_no_cost() -> None:
    gathering = Gathering()
    gathering.watch([MOVING], {})
    gathering.attempt(attempt())
    control = gathering.arms(MOVING.name).control
    assert (control.costs.count, control.spent) == (0, 0)


async def test_the_evidence_of_all_instances_adds_up_and_what_is_malformed_is_left_out(
    gathering: Gathering,
) -> None:
    gathering.attempt(attempt())
    gathering.attempt(attempt("chat→to", "b/m"))
    words = told(gathering.arms(MOVING.name))
    arms = await gathering.sum([words, words, b"{", b"[]", b'{"control": 1}', b"\xff", b"null"])
    assert (arms.control.requests, arms.canary.requests) == (2, 2)
    assert gathering.malformed == 5


def test_what_is_watched_on_is_kept_and_what_is_not_is_forgotten(gathering: Gathering) -> None:
    gathering.attempt(attempt())
    other = moving("other")
    gathering.watch([MOVING, other], PRICES)
    assert gathering.arms(MOVING.name).control.requests == 1
    gathering.watch([other], PRICES)
    gathering.watch([MOVING], PRICES)
    assert gathering.arms(MOVING.name).control.requests == 0


@pytest.mark.parametrize(("waited", "counted"), [(9.0, 0), (30.0, 1)])
def test_who_is_given_up_after_a_long_time_without_content_could_not_serve(
    gathering: Gathering, waited: float, counted: int
) -> None:
    given_up = attempt("chat→to", "b/m", Report(Outcome.ABANDONED))
    gathering.attempt(structs.replace(given_up, ended=given_up.started + waited))
    canary = gathering.arms(MOVING.name).canary
    assert (canary.requests, canary.failures) == (counted, counted)


def test_caches_cost_an_arm_what_they_cost() -> None:
    gathering = Gathering()
    gathering.watch([MOVING], {"a/m": Price(1000, 2000, 100)})
    gathering.attempt(attempt(report=OK._replace(cached_tokens=50)))
    assert gathering.arms(MOVING.name).control.spent == 50_000 + 5_000 + 20_000
