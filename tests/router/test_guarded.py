"""A user's policy is measured, and served around where it takes too long too often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from policies import Candidate, CostTiers, Policy, Report, Request, Target
from policies.starting.leash import LIMIT
from router.guarded import guarded
from tests.policies.driver import World


class Clock:
    """It goes on by what the policy takes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Last:
    """Chooses the last candidate, in as much time as the test says."""

    clock: Clock
    takes: tuple[float, ...] = ()
    needs: ClassVar[frozenset[str]] = frozenset({"tools"})
    measures: ClassVar[bool] = True

    def fresh(self) -> list[int]:
        return []

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: list[int],
        now: float,
        rng: Random,
    ) -> Candidate:
        memory.append(1)
        self.clock.now += self.takes[len(memory) - 1] if len(memory) <= len(self.takes) else 0.0
        return candidates[-1]


@dataclass(frozen=True)
class Learning(Last):
    """It learns, and says where requests start."""

    def learn(self, target: str, report: Report, *rest: Any) -> None:
        self.clock.now += 2 * LIMIT

    def start(self, request: Request) -> int:
        return 1


def world(policy: Policy) -> World:
    return World("a/m", Target("b/m", 1, 1), policy=policy)


def test_it_chooses_as_it_would_under_its_own_name_and_is_equal_to_its_equal():
    clock = Clock()
    policy = guarded(Last(clock), clock)
    assert type(policy).__name__ == "Last"
    assert policy.needs == {"tools"}
    assert getattr(policy, "measures")  # noqa: B009 - the contract does not have it
    assert not hasattr(policy, "start")
    assert not hasattr(policy, "learn")
    assert policy == guarded(Last(clock), clock)
    assert hash(policy) == hash(guarded(Last(clock), clock))
    assert policy != Last(clock)
    assert world(policy).ask().targets == ["b/m"]


def test_what_it_needs_may_be_written_in_anything():
    class Listed(Last):
        needs: ClassVar[Any] = ("tools", "code")

    assert guarded(Listed(Clock()), Clock()).needs - {"tools"} == {"code"}


def test_after_three_overruns_it_is_reported_and_not_asked_for_a_minute():
    clock = Clock()
    told = world(guarded(Last(clock, (2 * LIMIT,) * 3), clock))
    for _ in range(2):
        assert told.ask().targets == ["b/m"]
    assert told.errors == []
    assert told.ask().fail is None
    (error,) = told.errors
    assert error.startswith("Last: it took 20 ms, 3 times within a minute more than 10: ")
    targets = [told.ask().targets[0] for _ in range(40)]
    assert "a/m" in targets  # somebody else chooses
    assert len(told.errors) == 1
    clock.now += 61.0
    assert {told.ask().targets[0] for _ in range(10)} == {"b/m"}


def test_what_it_has_beside_the_contract_is_measured_as_well():
    clock = Clock()
    told = world(guarded(Learning(clock), clock))
    for _ in range(3):
        assert told.ask().targets == ["b/m"]
    (error,) = told.errors
    assert error.startswith("Learning: it took 20 ms")
    assert told.ask().fail is None  # nobody asks it where requests start, or teaches it
    assert len(told.errors) == 1


@dataclass(frozen=True)
class Telling(Last):
    """It takes its time to say what it is doing."""

    rule: ClassVar[str] = "the last"

    def odds(self, request: Request, candidates: Sequence[Candidate], now: float) -> list[float]:
        self.clock.now += 2 * LIMIT
        return [*(0.0 for _ in candidates[1:]), 1.0]


def test_one_that_took_too_long_to_explain_itself_is_reported_with_the_next_choice():
    clock = Clock()
    told = world(guarded(Telling(clock), clock))
    for _ in range(3):
        explained = told.engine.explain(told.request(), told.now)
        assert explained.verdict == "goes to b/m"
    away = told.engine.explain(told.request(), told.now)
    assert away.rule.startswith("it took too long, and is not asked for a while; meanwhile whoever")
    assert told.errors == []
    assert told.ask().fail is None
    (error,) = told.errors
    assert error.startswith("Telling: it took 20 ms")
    clock.now += 61.0
    assert told.engine.explain(told.request(), told.now).rule == "the last"


def test_one_that_takes_too_long_while_it_is_explained_is_reported():
    clock = Clock()
    told = world(guarded(Last(clock, (2 * LIMIT,) * 3), clock))
    explained = told.engine.explain(told.request(), told.now)
    (error,) = told.errors
    assert error.startswith("Last: it took 20 ms")
    assert explained.rule.startswith("it took too long")
    assert sum(target.odds for target in explained.targets) == 1.0  # of who chooses meanwhile


def test_one_inside_tiers_is_guarded_there():
    clock = Clock()
    tiers = CostTiers((), guarded(Last(clock, (2 * LIMIT,) * 3), clock))
    told = world(tiers)
    for _ in range(5):
        assert told.ask().targets == ["a/m"]
    assert len(told.errors) == 1
