"""Clients that leave, clients that come again, several instances, two attempts at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from policies import Band, Cause, Outcome, Request, Retry, Send, Stop, TimeLimits, Wait
from policies.simulate import Arrival, Clients, Fault, Service, World, poisson
from policies.simulate.service import NEVER
from tests.policies.simulate.stage import PROMPT, Watched, coming, stage

ONCE = Retry(attempts=1)
SLOW = replace(PROMPT, first_token=100.0)


class TestPatience:
    def test_who_has_no_more_patience_leaves_and_nothing_of_theirs_stays(self):
        world = stage({"a/m": replace(SLOW, capacity=1)}, clients=Clients(patience=5.0))
        world.run(coming([0.0]))
        (answered,) = world.answered
        assert answered.left
        assert answered.target is None
        assert 1.0 < answered.total < 25.0
        assert [sent.outcome for sent in world.sent] == [Outcome.ABANDONED]
        assert world.in_flight == 0
        assert world.servers["a/m"].serving == 0

    def test_everyone_has_a_patience_of_their_own(self):
        world = stage({"a/m": SLOW}, clients=Clients(patience=5.0))
        world.run(coming([0.0] * 400))
        waits = sorted(one.total for one in world.answered)
        assert waits[200] == pytest.approx(5.0, rel=0.1)
        assert waits[40] < 3.0
        assert waits[360] > 8.0

    def test_who_has_content_stays_to_the_end(self):
        world = stage({"a/m": replace(PROMPT, per_token=1.0)}, clients=Clients(patience=20.0))
        world.run(coming([0.0], tokens=60))
        assert [(one.target, one.total) for one in world.answered] == [("a/m", 61.0)]

    def test_who_waits_in_the_queue_leaves_it(self):
        world = stage({"a/m": replace(SLOW, capacity=1)}, clients=Clients(patience=5.0))
        world.run(coming([0.0] * 5))
        assert all(one.left for one in world.answered)
        assert len(world.answered) == 5


class TestComingAgain:
    def test_a_failed_request_comes_again_as_a_new_course_and_counts_once(self):
        world = stage(
            {"a/m": PROMPT}, Fault("a/m", 0.0, 1.0, errors=1.0), retry=ONCE,
            clients=Clients(retries=3),
        )  # fmt: skip
        world.run(coming([0.0]))
        (answered,) = world.answered
        assert (answered.target, answered.courses, answered.sends) == ("a/m", 3, 3)
        # Twice 0.05 s to fail, half a second and a second of backoff less up to a quarter, 1 s.
        assert 2.1 <= answered.total <= 2.7
        assert answered.first == answered.total, "the wait began with the first of them"

    def test_after_so_many_times_it_is_given_up(self):
        world = stage(
            {"a/m": PROMPT}, Fault("a/m", 0.0, errors=1.0), retry=ONCE, clients=Clients(retries=3)
        )
        world.run(coming([0.0]))
        (answered,) = world.answered
        assert (answered.target, answered.courses) == (None, 4)
        assert answered.cause is not None

    def test_without_retries_nobody_comes_again(self):
        world = stage({"a/m": PROMPT}, Fault("a/m", 0.0, errors=1.0), retry=ONCE)
        world.run(coming([0.0]))
        assert [(one.courses, one.cause) for one in world.answered] == [(1, Cause.ATTEMPTS)]

    def test_who_has_left_does_not_come_again(self):
        world = stage(
            {"a/m": PROMPT}, Fault("a/m", 0.0, errors=1.0), retry=ONCE,
            clients=Clients(patience=0.2, retries=3, backoff=5.0),
        )  # fmt: skip
        world.run(coming([0.0]))
        assert [(one.left, one.courses) for one in world.answered] == [(True, 1)]


class TestInstances:
    def test_requests_are_spread_over_them_and_all_share_the_servers(self):
        world = stage({"a/m": replace(PROMPT, capacity=3)}, instances=4)
        world.run(poisson(2.0, 300.0, Random(1)))
        told = [engine.snapshot(world.now)["a/m"].first_token for engine in world.engines]
        assert all(first is not None for first in told)
        assert world.most["a/m"] == 3

    def test_each_sees_only_its_own(self):
        def failed(instances: int) -> int:
            fault = Fault("a/m", 0.0, errors=1.0)
            world = stage({"a/m": PROMPT, "b/m": PROMPT}, fault, instances=instances)
            world.run(coming([0.1 * number for number in range(40)]))
            return sum(sent.outcome is Outcome.FAILED for sent in world.sent)

        assert failed(3) == 3 * failed(1) > 0


def test_tenants_and_bands_reach_the_engine():
    world = stage({"a/m": PROMPT})
    seen: list[Request] = []
    start = world.engine.start

    def watched(request: Request, now: float, wake: Callable[[], None] | None = None) -> Any:
        seen.append(request)
        return start(request, now, wake)

    world.engine.start = watched  # type: ignore[method-assign, assignment]
    world.run([Arrival(0.0, 7, 3, tenant="t", band=Band.CRITICAL)])
    assert [(one.tenant, one.band, one.input_tokens) for one in seen] == [("t", Band.CRITICAL, 7)]


class Twice:
    """An engine, and the course of a request, that asks two targets at once: a script for what the
    world must bear, whoever decides so.
    """

    def __init__(self) -> None:
        self.open: list[Try] = []
        self.waiting = [Try(self, "a/m"), Try(self, "b/m")]
        self.told: list[tuple[str, Outcome, float]] = []
        self.firsts: list[tuple[str, float]] = []
        self.closed = 0

    def start(self, request: Request, now: float, wake: object = None) -> Twice:
        return self

    def next(self, now: float) -> Send | Stop | Wait:
        if self.waiting:
            one = self.waiting.pop(0)
            one.started = now
            self.open.append(one)
            return Send(one, one.target, TimeLimits(100.0, 100.0))  # type: ignore[arg-type]
        losers = [one for one in self.open if one.first is None]
        if len(losers) < len(self.open) and losers:
            return Stop(losers[0], Outcome.ABANDONED)  # type: ignore[arg-type]
        return Wait(100.0, Cause.ANSWER)

    def close(self, now: float) -> None:
        assert not self.open
        self.closed += 1


class Try:
    """An attempt of it."""

    def __init__(self, course: Twice, target: str) -> None:
        self.course, self.target = course, target
        self.started = 0.0
        self.first: float | None = None
        self.report: Any = None

    @property
    def open(self) -> bool:
        return self in self.course.open

    def sent(self, now: float) -> None:
        assert now == self.started

    def first_token(self, now: float) -> None:
        self.first = now
        self.course.firsts.append((self.target, now))

    def settle(self, report: Any, now: float) -> None:
        self.course.open.remove(self)
        self.course.told.append((self.target, report.outcome, now))


class TestTwoAtOnce:
    def ran(
        self, a: Service, b: Service, *faults: Fault, stream: bool = True
    ) -> tuple[Twice, World]:
        twice = Twice()
        world = Watched(twice, {"a/m": a, "b/m": b}, Random(1), faults)
        world.run(coming([0.0], stream=stream))
        return twice, world

    def test_the_first_content_of_either_is_the_client_s_and_the_other_is_stopped(self):
        twice, world = self.ran(replace(PROMPT, first_token=3.0), replace(PROMPT, per_token=0.1))
        assert twice.told == [("a/m", Outcome.ABANDONED, 1.0), ("b/m", Outcome.OK, 2.0)]
        assert twice.firsts == [("b/m", 1.0)]
        (answered,) = world.answered
        assert (answered.target, answered.first, answered.total) == ("b/m", 1.0, 2.0)
        assert answered.sends == 2
        assert [server.serving for server in world.servers.values()] == [0, 0]

    def test_of_answers_in_one_piece_the_first_that_is_whole_wins(self):
        twice, world = self.ran(replace(PROMPT, first_token=3.0), PROMPT, stream=False)
        assert twice.told == [("b/m", Outcome.OK, 1.0), ("a/m", Outcome.ABANDONED, 1.0)]
        assert [one.target for one in world.answered] == ["b/m"]
        assert twice.closed == 1

    def test_one_that_fails_leaves_the_other_running(self):
        twice, world = self.ran(PROMPT, PROMPT, Fault("b/m", 0.0, NEVER, errors=1.0))
        assert twice.told == [("b/m", Outcome.FAILED, 0.05), ("a/m", Outcome.OK, 1.0)]
        assert [one.target for one in world.answered] == ["a/m"]
