"""Requests that come at a rate, each driven as the service drives it: with all of its attempts, its
timers and its wake-ups, in virtual time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from policies import Attempt, Cause, Course, Fail, Outcome, Phase, Report, Send, Stop, Wait
from tests.policies.driver import ANSWERED, FAILED, Reply, World

NEVER = float("inf")
SILENCE = Reply(ANSWERED, NEVER)
LATE = Report(Outcome.FAILED, Phase.FIRST_TOKEN)
SWIFT = Reply(ANSWERED, 0.02)
BROKEN = Reply(FAILED, 0.02)

Answers = Callable[[str, float], Reply]
"""What a target that is sent a request at an instant does with it."""


@dataclass(eq=False)
class Request:
    """One request, and what became of it."""

    came: float
    sends: list[tuple[float, str]] = field(default_factory=list)
    ended: float | None = None
    target: str | None = None
    cause: Cause | None = None


class Traffic:
    """The requests of one world."""

    def __init__(self, world: World, answers: Answers, *, stream: bool = False) -> None:
        self.world = world
        self.answers = answers
        self.stream = stream
        self.requests: list[Request] = []
        self.sent: Counter[str] = Counter()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, instant: float, what: Callable[[], None]) -> None:
        heappush(self._events, (instant, next(self._numbers), what))

    def come(self, rate: float, requests: int, rng: Random) -> None:
        """Let so many come, so many a second; who is under way then stays so."""
        for _ in range(requests):
            self.run(self.world.now + rng.expovariate(rate))
            self.one()

    def one(self, **asked: Any) -> Request:
        asked.setdefault("stream", self.stream)
        driven = Driven(self, asked)
        self.requests.append(driven.request)
        driven.look()
        return driven.request

    def run(self, until: float = NEVER) -> None:
        """Let time pass; without an end, until nothing is left to happen."""
        while self._events and self._events[0][0] <= until:
            instant, _, what = heappop(self._events)
            self.world.now = max(self.world.now, instant)
            what()
        if until < NEVER:
            self.world.now = max(self.world.now, until)


class Driven:
    """A request's driver."""

    def __init__(self, traffic: Traffic, asked: dict[str, Any]) -> None:
        self._traffic = traffic
        self._world = world = traffic.world
        self._alarm = NEVER
        self._rung = False
        self.request = Request(world.now)
        self._course: Course = world.engine.start(world.request(**asked), world.now, self._ring)
        self._stream = bool(asked["stream"])

    def look(self) -> None:
        world, traffic = self._world, self._traffic
        while self.request.ended is None:
            match self._course.next(world.now):
                case Send() as send:
                    self._send(send)
                case Stop(attempt, outcome):
                    attempt.settle(Report(outcome, Phase.FIRST_TOKEN), world.now)
                case Wait(until, _):
                    if until < self._alarm:
                        self._alarm = until
                        traffic.at(until, self._time)
                    return
                case Fail(cause, _, _):
                    self._end(None, cause)

    def _send(self, send: Send) -> None:
        world, traffic, attempt = self._world, self._traffic, send.attempt
        self.request.sends.append((world.now, send.target))
        traffic.sent[send.target] += 1
        attempt.sent(world.now)
        reply = traffic.answers(send.target, world.now)
        if reply.first is not None and self._stream:
            traffic.at(world.now + reply.first, lambda: self._content(attempt))
        if reply.seconds < NEVER:
            traffic.at(world.now + reply.seconds, lambda: self._settle(attempt, reply.report))
        traffic.at(send.limits.head, lambda: self._late(attempt))

    def _content(self, attempt: Attempt) -> None:
        if attempt.open:
            attempt.first_token(self._world.now)
            self.look()

    def _late(self, attempt: Attempt) -> None:
        if attempt.first is None:
            self._settle(attempt, LATE)

    def _settle(self, attempt: Attempt, report: Report) -> None:
        if not attempt.open:
            return
        attempt.settle(report, self._world.now)
        if report.outcome is Outcome.OK:
            self._end(attempt.target, None)
        else:
            self.look()

    def _end(self, target: str | None, cause: Cause | None) -> None:
        self._course.close(self._world.now)
        self.request.ended, self.request.target = self._world.now, target
        self.request.cause = cause

    def _time(self) -> None:
        self._alarm = NEVER
        self.look()

    def _ring(self) -> None:
        if not self._rung:
            self._rung = True
            self._traffic.at(self._world.now, self._answer)

    def _answer(self) -> None:
        self._rung = False
        self.look()
