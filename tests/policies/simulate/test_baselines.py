"""Each baseline does what its source is known for, good and bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Any

import pytest

from policies import Outcome, Policy, Report, Request, Target
from policies.simulate.baselines import (
    BASELINES,
    PENALTY,
    TAU,
    Agentgateway,
    LeastInFlight,
    MeanOfLastTen,
    PeakEwma,
    Randomly,
    RoundRobin,
    Seen,
)
from policies.weighted_round_robin import MOST_NAMES
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, Reply, World

LEARNERS: tuple[Any, ...] = (MeanOfLastTen(), Agentgateway(), PeakEwma())
REQUEST = Request("m", 60.0)


@dataclass
class Place:
    """A candidate without an engine."""

    name: str
    in_flight: int = 0
    weight: float = 1.0
    tier: int = 0

    usual_in_flight: float = 0.0

    def strain(self, now: float, level: float) -> float:
        return 1.0

    def ramp(self, now: float) -> float:
        return 1.0

    def predicted(self, request: Request) -> float | None:
        return None

    def idle(self, now: float) -> float:
        return 0.0


A, B, C = Place("a/m"), Place("b/m"), Place("c/m")


def picks(
    policy: Policy, places: Sequence[Place], memory: Any, times: int = 300, now: float = 0.0
) -> Counter[str]:
    rng = Random(7)
    return Counter(policy.choose(REQUEST, places, memory, now, rng).name for _ in range(times))


def taught(policy: Any, *lessons: tuple[str, float], report: Report = ANSWERED) -> Any:
    """A memory of attempts that took so many seconds, all at the instant 0."""
    memory = policy.fresh()
    for target, seconds in lessons:
        policy.learn(REQUEST, Place(target), report, seconds, None, memory, 0.0)
    return memory


class TestAll:
    @pytest.mark.parametrize("name", BASELINES)
    def test_it_is_a_policy_and_a_value(self, name: str) -> None:
        policy = BASELINES[name]
        assert isinstance(policy, Policy)
        assert (policy, hash(policy)) == (type(policy)(), hash(type(policy)()))
        assert policy.needs == frozenset()
        assert type(policy).__doc__

    @pytest.mark.parametrize("name", BASELINES)
    def test_it_serves_a_route_and_the_only_target(self, name: str) -> None:
        world = World("a/m", "b/m", "c/m", policy=BASELINES[name])
        world.will("b/m", FAILED, ANSWERED)
        assert sum(world.shares(50).values()) == 50
        assert world.ask(only=frozenset({"c/m"})).targets == ["c/m"]
        assert world.errors == []

    @pytest.mark.parametrize("policy", LEARNERS, ids=lambda policy: type(policy).__name__)
    def test_what_it_remembers_is_bounded(self, policy: Any) -> None:
        memory = taught(policy, *((f"p{number}/m", 1.0) for number in range(3 * MOST_NAMES)))
        assert 0 < len(memory) <= MOST_NAMES


def test_round_robin_goes_round_whatever_the_weights() -> None:
    world = World(Target("a/m", 9), Target("b/m"), Target("c/m"), policy=RoundRobin())
    assert [world.ask().targets[0] for _ in range(6)] == ["a/m", "b/m", "c/m"] * 2


def test_randomly_keeps_the_weights_in_the_long_run() -> None:
    counts = picks(Randomly(), [Place("a/m", weight=3.0), B], None, 10_000)
    assert counts["a/m"] == pytest.approx(7500, abs=150)


class TestLeastInFlight:
    def test_ties_go_to_the_first(self) -> None:
        assert picks(LeastInFlight(), [A, B, C], None) == {"a/m": 300}
        assert picks(LeastInFlight(), [C, B, A], None) == {"c/m": 300}

    def test_the_least_busy_is_chosen(self) -> None:
        world = World("a/m", "b/m", "c/m", policy=LeastInFlight())
        assert [world.send().target for _ in range(4)] == ["a/m", "b/m", "c/m", "a/m"]
        world.close()


class TestMeanOfLastTen:
    def test_it_herds_on_an_unseen_target_until_that_answers(self) -> None:
        world = World("a/m", "b/m", policy=MeanOfLastTen())
        world.teach("a/m", 0.1)
        herd = [world.send() for _ in range(20)]
        assert {send.target for send in herd} == {"b/m"}
        world.now += 5.0
        world.settle(herd[0])
        assert world.send().target == "a/m"
        world.close()

    def test_it_never_returns_to_a_target_that_was_slow(self) -> None:
        policy = MeanOfLastTen()
        memory = taught(policy, ("a/m", 0.5), ("b/m", 0.6))
        assert picks(policy, [A, B], memory, now=1e6) == {"a/m": 300}

    def test_only_the_last_ten_count(self) -> None:
        policy = MeanOfLastTen()
        memory = taught(policy, ("a/m", 1000.0), *[("a/m", 1.0)] * 10, ("b/m", 2.0))
        assert picks(policy, [A, B], memory) == {"a/m": 300}

    def test_one_slow_answer_in_ten_counts_by_a_tenth(self) -> None:
        policy = MeanOfLastTen()
        memory = taught(policy, *[("a/m", 1.0)] * 9, ("a/m", 21.0), ("b/m", 2.9))
        assert picks(policy, [A, B], memory) == {"b/m": 300}

    def test_failures_do_not_count(self) -> None:
        assert taught(MeanOfLastTen(), ("a/m", 0.01), report=FAILED) == {}

    def test_ties_are_drawn(self) -> None:
        counts = picks(MeanOfLastTen(), [A, B], {})
        assert 100 < counts["a/m"] < 200


class TestAgentgateway:
    def test_the_score_is_health_by_latency_and_crowd(self) -> None:
        # 1 / (1 + 1 · (1 + 0.1 · n)) against 1 / (1 + 2): even with ten in flight.
        policy = Agentgateway()
        memory = taught(policy, ("a/m", 1.0), ("b/m", 2.0))
        assert picks(policy, [Place("a/m", 9), B], memory) == {"a/m": 300}
        assert picks(policy, [Place("a/m", 11), B], memory) == {"b/m": 300}

    def test_averages_move_by_three_tenths_a_sample(self) -> None:
        memory = taught(Agentgateway(), ("a/m", 1.0), ("a/m", 2.0))
        assert memory["a/m"] == pytest.approx(Seen(1.0, 1.3))

    def test_a_failure_lowers_the_health_and_not_the_latency(self) -> None:
        policy = Agentgateway()
        memory = taught(policy, ("a/m", 1.0))
        policy.learn(REQUEST, A, FAILED, 0.01, None, memory, 0.0)
        assert memory["a/m"] == pytest.approx(Seen(0.7, 1.0))

    def test_what_says_nothing_of_health_moves_nothing(self) -> None:
        assert taught(Agentgateway(), ("a/m", 0.01), report=THROTTLED) == {}

    def test_the_worst_of_three_is_never_chosen_and_no_time_mends_it(self) -> None:
        policy = Agentgateway()
        memory = taught(policy, ("a/m", 1.0), ("b/m", 1.0), ("c/m", 30.0))
        assert "c/m" not in picks(policy, [A, B, C], memory, now=1e6)

    def test_two_choices_leave_the_best_of_four_at_half(self) -> None:
        policy = Agentgateway()
        places = [A, B, C, Place("d/m")]
        memory = taught(policy, ("a/m", 0.1), ("b/m", 9.0), ("c/m", 9.0), ("d/m", 9.0))
        assert picks(policy, places, memory, 4000)["a/m"] == pytest.approx(2000, abs=120)


class TestPeakEwma:
    def test_it_jumps_at_once_to_a_slower_sample(self) -> None:
        assert taught(PeakEwma(), ("a/m", 0.1), ("a/m", 9.0))["a/m"].cost == 9.0

    def test_it_falls_only_with_time(self) -> None:
        policy = PeakEwma()
        memory = taught(policy, ("a/m", 9.0), ("a/m", 1.0))
        assert memory["a/m"].cost == 9.0
        policy.learn(REQUEST, A, ANSWERED, 1.0, None, memory, TAU)
        assert memory["a/m"].cost == pytest.approx(1.0 + 8.0 * exp(-1.0))

    def test_a_target_left_alone_decays_until_it_is_tried_again(self) -> None:
        policy = PeakEwma()
        memory = taught(policy, ("a/m", 0.5), ("b/m", 9.0))
        rng = Random(7)

        def turn(now: float) -> str:
            chosen = policy.choose(REQUEST, [A, B], memory, now, rng)
            policy.learn(REQUEST, chosen, ANSWERED, 0.5, None, memory, now)
            return chosen.name

        assert [turn(float(second)) for second in range(20)] == ["a/m"] * 20
        assert "b/m" in {turn(float(second)) for second in range(20, 40)}

    def test_looking_often_decays_no_faster_than_looking_once(self) -> None:
        policy = PeakEwma()
        memory = taught(policy, ("a/m", 9.0), ("b/m", 9.0))
        for step in range(1, 101):
            policy.choose(REQUEST, [A, B], memory, step / 10, Random(step))
        assert memory["a/m"].cost == pytest.approx(9.0 * exp(-10.0 / TAU))

    def test_the_load_grows_with_the_attempts_in_flight(self) -> None:
        policy = PeakEwma()
        memory = taught(policy, ("a/m", 1.0), ("b/m", 3.5))
        assert picks(policy, [Place("a/m", 2), B], memory) == {"a/m": 300}
        assert picks(policy, [Place("a/m", 3), B], memory) == {"b/m": 300}

    def test_an_unseen_target_is_tried_once_and_then_shunned_until_it_answers(self) -> None:
        policy = PeakEwma()
        memory = taught(policy, ("a/m", 50.0))
        assert picks(policy, [A, B], memory) == {"b/m": 300}
        assert picks(policy, [Place("a/m", 99), Place("b/m", 1)], memory) == {"a/m": 300}
        assert PENALTY > 1e5

    def test_a_target_that_fails_fast_looks_fast(self) -> None:
        world = World("a/m", "b/m", policy=PeakEwma())
        world.will("a/m", Reply(Report(Outcome.FAILED), 0.01))
        world.will("b/m", Reply(ANSWERED, 2.0))
        world.ask(only=frozenset({"b/m"}))
        world.ask(only=frozenset({"a/m"}))
        assert world.ask().targets[0] == "a/m"
