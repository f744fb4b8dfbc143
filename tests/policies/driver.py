"""A scripted world: targets answer as they are told to, and time passes as it is told to.

It drives the same courses that the service drives, so what a test sees is what a request would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from policies import (
    Candidate,
    Course,
    Engine,
    Facts,
    Fail,
    Limits,
    Outcome,
    Phase,
    Policy,
    Rate,
    Report,
    Request,
    Retry,
    Route,
    Scope,
    Send,
    Stop,
    Target,
    Wait,
)
from policies.engine.pool import Pool
from policies.engine.standing import Member

ANSWERED = Report(Outcome.OK, input_tokens=100, output_tokens=100)
FAILED = Report(Outcome.FAILED, Phase.HEAD)
UNREACHABLE = Report(Outcome.FAILED, Phase.CONNECT)
THROTTLED = Report(Outcome.THROTTLED, Phase.HEAD, rest=30.0)
OVERLOADED = Report(Outcome.THROTTLED, Phase.HEAD, rest=2.0, overloaded=True)
DENIED = Report(Outcome.DENIED, Phase.HEAD, Scope.PROVIDER)
UNFIT = Report(Outcome.UNFIT, Phase.HEAD, Scope.REQUEST)
REJECTED = Report(Outcome.REJECTED, Phase.HEAD, Scope.REQUEST)
FILTERED = Report(Outcome.FILTERED, Phase.HEAD, Scope.REQUEST)
ABANDONED = Report(Outcome.ABANDONED, Phase.HEAD, Scope.REQUEST)


@dataclass(frozen=True)
class InOrder:
    """The first of the list that can serve, so that a test says by its list who is asked next."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def fresh(self) -> None:
        return None

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: None,
        now: float,
        rng: Random,
    ) -> Candidate:
        return candidates[0]


@dataclass(frozen=True)
class Reply:
    """How an attempt ends, how many seconds after sending, and after how many the first content
    of a stream comes (None: never).
    """

    report: Report = ANSWERED
    seconds: float = 0.1
    first: float | None = None


@dataclass
class Told:
    """What became of one request."""

    sends: list[Send] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    fail: Fail | None = None

    @property
    def targets(self) -> list[str]:
        return [send.target for send in self.sends]


class World:
    """One engine with one route `m`, and its targets' script."""

    def __init__(
        self,
        *targets: str | Target,
        policy: Policy | None = None,
        retry: Retry | None = None,
        facts: Mapping[str, Facts] | None = None,
        seed: int = 7,
        now: float = 1000.0,
        **route: Any,
    ) -> None:
        """`route` is what else the route is made with."""
        self.now = now
        self.route = Route(
            [Target(target) if isinstance(target, str) else target for target in targets],
            policy or InOrder(),
            retry or Retry(),
            **route,
        )
        self.errors: list[str] = []
        self.engine = Engine(
            {"m": self.route},
            rng=Random(seed),
            now=now,
            facts=facts,
            on_policy_error=lambda name, error: self.errors.append(f"{name}: {error}"),
        )
        self._script: dict[str, list[Reply]] = {}
        self._courses: list[Course] = []

    def will(self, target: str, *replies: Reply | Report) -> None:
        """From now on `target` ends its attempts like this, one after another; the last stays."""
        self._script[target] = [
            reply if isinstance(reply, Reply) else Reply(reply) for reply in replies
        ]

    def request(self, *, within: float = 60.0, **asked: Any) -> Request:
        return Request("m", self.now + within, **asked)

    def start(self, **asked: Any) -> Course:
        course = self.engine.start(self.request(**asked), self.now)
        self._courses.append(course)
        return course

    def send(self, **asked: Any) -> Send:
        """Start a request that can be sent at once, and leave it open."""
        action = self.start(**asked).next(self.now)
        assert isinstance(action, Send), action
        return action

    def settle(self, send: Send, report: Report = ANSWERED) -> None:
        send.attempt.settle(report, self.now)

    def close(self) -> None:
        """End every course that the test began, as drivers do."""
        for course in self._courses:
            course.close(self.now)
        assert self.engine.in_flight == 0

    def ask(self, **asked: Any) -> Told:
        """Drive one request to its end, alone."""
        told = Told()
        course = self.engine.start(self.request(**asked), self.now)
        try:
            while True:
                match course.next(self.now):
                    case Send() as send:
                        told.sends.append(send)
                        if self._answer(send).outcome is Outcome.OK:
                            return told
                    case Stop(attempt, outcome):
                        attempt.settle(Report(outcome, Phase.HEAD), self.now)
                    case Wait() as wait:
                        assert wait.until > self.now
                        told.waits.append(wait)
                        self.now = wait.until
                    case Fail() as fail:
                        told.fail = fail
                        return told
        finally:
            course.close(self.now)

    def shares(self, requests: int, *, every: float = 0.01, **asked: Any) -> Counter[str]:
        """How many of so many requests each target is sent first."""
        counts: Counter[str] = Counter()
        for _ in range(requests):
            counts[self.ask(**asked).targets[0]] += 1
            self.now += every
        return counts

    def eject(self, target: str) -> None:
        """Let a target fail until its breaker trips."""
        while self.state(target) in ("healthy", "recovering"):
            send = self.send(only=frozenset({target}))
            self.settle(send, FAILED)

    def teach(self, target: str, seconds: float, times: int = 1) -> None:
        """Let a target answer in so many seconds, in one piece and without usage."""
        for _ in range(times):
            send = self.send(only=frozenset({target}))
            self.now += seconds
            self.settle(send, Report(Outcome.OK))

    @property
    def members(self) -> tuple[Member, ...]:
        """What the policy is shown, in the order of the list."""
        return self.pool.members

    @property
    def pool(self) -> Pool:
        """The one that runs now."""
        return self.engine._pools["m"]

    def state(self, target: str) -> str:
        return self.engine.snapshot(self.now)[target].state

    def until(self, target: str) -> float:
        return self.engine.snapshot(self.now)[target].until

    def _answer(self, send: Send) -> Report:
        """End the attempt as the script says, or at its deadline."""
        script = self._script.get(send.target) or [Reply()]
        reply = script.pop(0) if len(script) > 1 else script[0]
        send.attempt.sent(self.now)
        if reply.first is not None:
            send.attempt.first_token(self.now + reply.first)
        self.now += reply.seconds
        report = reply.report
        if self.now >= send.limits.deadline:
            self.now = send.limits.deadline
            report = Report(Outcome.ABANDONED, Phase.HEAD)
        send.attempt.settle(report, self.now)
        return report


def limited(
    requests: int | None = None,
    tokens: int | None = None,
    concurrent: int | None = None,
    seconds: float = 60.0,
) -> Facts:
    """Facts with limits."""
    return Facts(
        Limits(
            [Rate(requests, seconds)] if requests is not None else [],
            [Rate(tokens, seconds)] if tokens is not None else [],
            concurrent,
        )
    )
