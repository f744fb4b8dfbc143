"""A policy may learn from the attempts of the requests that it decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import pytest

from policies import (
    Candidate,
    Facts,
    Learner,
    Outcome,
    Phase,
    Policy,
    Report,
    Request,
    Route,
    Target,
    WeightedRoundRobin,
)
from tests.policies.driver import ANSWERED, FAILED, InOrder, Reply, World

Lesson = tuple[str, Report, float, float | None, float]


@dataclass(frozen=True)
class Diary(InOrder):
    """Writes down all that it is told; the first that can serve is chosen."""

    owner: str = ""

    def fresh(self) -> list[Lesson]:  # type: ignore[override]
        return []

    def choose(  # type: ignore[override]
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: list[Lesson],
        now: float,
        rng: Random,
    ) -> Candidate:
        return candidates[0]

    def learn(
        self,
        request: Request,
        candidate: Candidate,
        report: Report,
        seconds: float,
        first: float | None,
        memory: list[Lesson],
        now: float,
    ) -> None:
        memory.append((candidate.name, report, seconds, first, now))


@dataclass(frozen=True)
class Dunce(Diary):
    """Learns nothing but trouble."""

    def learn(
        self,
        request: Request,
        candidate: Candidate,
        report: Report,
        seconds: float,
        first: float | None,
        memory: list[Lesson],
        now: float,
    ) -> None:
        raise ZeroDivisionError("too hard")


def memory(world: World) -> object:
    return world.engine._pools["m"].own[1]


def guests(world: World) -> dict[Policy, object]:
    return world.engine._pools["m"].guests


def test_what_learns_is_a_learner_and_still_a_policy() -> None:
    learner: Learner = Diary()
    assert isinstance(learner, Policy)
    assert isinstance(WeightedRoundRobin(), Policy)
    assert not hasattr(WeightedRoundRobin(), "learn")


def test_it_is_told_of_an_answer_with_its_times() -> None:
    world = World("a/m", policy=Diary())
    world.will("a/m", Reply(ANSWERED, 2.0, first=0.5))
    world.ask(stream=True)
    assert memory(world) == [("a/m", ANSWERED, 2.0, 0.5, 1002.0)]


def test_the_times_count_from_when_it_was_sent() -> None:
    world = World("a/m", policy=Diary())
    send = world.send(stream=True)
    send.attempt.sent(1003.0)
    send.attempt.first_token(1004.0)
    send.attempt.settle(ANSWERED, 1008.0)
    assert memory(world) == [("a/m", ANSWERED, 5.0, 1.0, 1008.0)]


def test_it_is_told_of_every_attempt_that_settled_and_of_no_content() -> None:
    world = World("a/m", "b/m", policy=Diary())
    world.will("a/m", Reply(FAILED, 0.25))
    world.will("b/m", Reply(ANSWERED, 1.0))
    world.ask()
    assert memory(world) == [
        ("a/m", FAILED, 0.25, None, 1000.25),
        ("b/m", ANSWERED, 1.0, None, 1001.25),
    ]


def test_it_is_told_of_what_was_abandoned() -> None:
    world = World("a/m", policy=Diary())
    world.send()
    world.now += 3.0
    world.close()
    abandoned = Report(Outcome.ABANDONED, Phase.HEAD)
    assert memory(world) == [("a/m", abandoned, 3.0, None, 1003.0)]


def test_it_is_not_told_of_what_was_given_back() -> None:
    world = World("a/m", policy=Diary())
    world.send().attempt.give_back(world.now)
    assert memory(world) == []


def test_after_a_switch_it_is_told_of_where_the_attempt_went() -> None:
    world = World("a/m", "b/m", policy=Diary())
    send = world.send()
    send.attempt.switch(world.now)
    world.settle(send)
    assert memory(world) == [("b/m", ANSWERED, 0.0, None, 1000.0)]


class TestGuest:
    def test_it_learns_from_its_own_requests_with_its_own_memory(self) -> None:
        world = World("a/m", policy=Diary("host"))
        world.ask()
        world.ask(policy=Diary("guest"))
        world.ask(policy=Diary("guest"))
        assert len(memory(world)) == 1  # type: ignore[arg-type]
        assert [len(book) for book in guests(world).values()] == [2]  # type: ignore[arg-type]

    def test_it_learns_where_the_route_s_policy_does_not(self) -> None:
        world = World("a/m", policy=InOrder())
        world.ask(policy=Diary())
        assert [len(book) for book in guests(world).values()] == [1]  # type: ignore[arg-type]

    def test_it_need_not_learn_where_the_route_s_policy_does(self) -> None:
        world = World("a/m", policy=Diary())
        world.ask(policy=WeightedRoundRobin())
        assert memory(world) == []
        assert world.errors == []


class TestTrouble:
    @pytest.mark.parametrize(
        ("host", "guest"), [(Dunce, None), (InOrder, Dunce)], ids=["route's", "guest's"]
    )
    def test_it_is_reported_and_changes_nothing(
        self, host: Callable[[], Policy], guest: Callable[[], Policy] | None
    ) -> None:
        world = World("a/m", "b/m", policy=host())
        world.will("a/m", FAILED)
        told = world.ask(policy=guest() if guest is not None else None)
        assert told.targets == ["a/m", "b/m"]
        assert told.fail is None
        assert world.errors == ["Dunce: too hard"] * 2
        assert world.engine.in_flight == 0


def test_what_it_learned_is_kept_over_a_reload() -> None:
    world = World("a/m", policy=Diary())
    world.ask()
    route = Route([Target("a/m"), Target("b/m")], Diary())
    world.engine.replace({"m": route}, {"a/m": Facts()}, world.now)
    world.ask()
    assert len(memory(world)) == 2  # type: ignore[arg-type]


def test_a_policy_that_begins_to_learn_is_told_from_the_reload_on() -> None:
    world = World("a/m", policy=InOrder())
    world.ask()
    world.engine.replace({"m": Route([Target("a/m")], Diary())}, None, world.now)
    world.ask()
    assert len(memory(world)) == 1  # type: ignore[arg-type]
