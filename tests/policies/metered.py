"""Providers that enforce limits of their own and say what is left of them, in virtual time; and the
requests that a router sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple, Protocol, get_args

from hypothesis import strategies as st

from policies import (
    Attempt,
    Course,
    Facts,
    Headroom,
    Measured,
    Measurement,
    Outcome,
    Phase,
    Report,
    Send,
)
from policies.engine.limits.headroom import Dimension
from tests.policies.driver import World

MEASUREMENTS = st.builds(
    Measurement,
    st.lists(
        st.builds(
            Headroom,
            st.sampled_from(get_args(Dimension)),
            st.integers(-1, 5) | st.integers(0, 5000),
            st.none() | st.integers(-1, 5000),
            st.none() | st.floats(-1, 90_000),
            st.none() | st.sampled_from([1.0, 60.0, 86_400.0]),
        ),
        max_size=4,
    ).map(tuple),
    st.integers(0, 2),
)
"""Whatever a provider may say."""


class Metered(Protocol):
    """A limit as a provider keeps it."""

    def admits(self, need: int, now: float) -> bool:
        """Whether `need` units may be taken, which are."""

    def said(self, now: float) -> Headroom:
        """What it says is left."""


@dataclass
class Bucket:
    """Refills steadily; its reset is when it would be full."""

    limit: int
    span: float = 60.0
    level: float = field(init=False)
    at: float = -1e9

    def __post_init__(self) -> None:
        self.level = self.limit

    def admits(self, need: int, now: float) -> bool:
        pace = self.limit / self.span
        self.level = min(self.limit, self.level + (now - self.at) * pace)
        self.at = now
        if self.level < need:
            return False
        self.level -= need
        return True

    def said(self, now: float) -> Headroom:
        reset = (self.limit - self.level) * self.span / self.limit
        return Headroom("requests", int(self.level), self.limit, round(reset, 2), self.span)


@dataclass
class Turning:
    """Starts anew with each span; its reset is when that is, in whole seconds as many round it."""

    limit: int
    span: float = 60.0
    used: int = 0
    window: int = -1

    def admits(self, need: int, now: float) -> bool:
        if (window := int(now // self.span)) != self.window:
            self.window, self.used = window, 0
        if self.used + need > self.limit:
            return False
        self.used += need
        return True

    def said(self, now: float) -> Headroom:
        left = self.span - now % self.span
        return Headroom("requests", self.limit - self.used, self.limit, float(int(left)), self.span)


class Lie(NamedTuple):
    """Enforces one thing, says another."""

    truth: Metered
    said_: Callable[[float], Headroom]

    def admits(self, need: int, now: float) -> bool:
        return self.truth.admits(need, now)

    def said(self, now: float) -> Headroom:
        return self.said_(now)


class Run:
    """Requests at random on `a/m`, which is metered, with `b/m` for the rest; others use the same
    account at the pace `foreign`. `log` is what came of each, `apart` the warnings.
    """

    def __init__(
        self,
        meter: Metered,
        *,
        facts: dict[str, Facts] | None = None,
        headers: bool = True,
        latency: float = 0.4,
        seed: int = 1,
    ) -> None:
        self.world = World("a/m", "b/m", facts=facts)
        self.began = self.world.now
        self.log: list[tuple[float, str, Outcome]] = []
        self.apart: list[Measured] = []
        self._meter, self._headers, self._latency = meter, headers, latency
        self._rng, self._order = Random(seed), count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def drive(self, seconds: float, pace: float, foreign: float = 0.0) -> Run:
        """So many requests a second, for so long."""
        for act, each in ((self._ask, pace), (self._intrude, foreign)):
            at = self.world.now
            while each and (at := at + self._rng.expovariate(each)) < self.began + seconds:
                self._at(at, act)
        while self._events:
            self.world.now, _, act = heappop(self._events)
            act()
        return self

    def throttled(self, since: float = 0.0) -> float:
        """Of what was sent to `a/m`, how much was refused as too much."""
        ends = [end for at, name, end in self.log if name == "a/m" and at >= since]
        return sum(end is Outcome.THROTTLED for end in ends) / len(ends) if ends else 0.0

    def answered(self, since: float = 0.0) -> int:
        """By `a/m`."""
        return sum(at >= since and (n, e) == ("a/m", Outcome.OK) for at, n, e in self.log)

    @property
    def level(self) -> Measured:
        """Its only one."""
        (level,) = self.world.engine.snapshot(self.world.now)["a/m"].said
        return level

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heappush(self._events, (when, next(self._order), act))

    def _intrude(self) -> None:
        self._meter.admits(1, self.world.now)

    def _ask(self) -> None:
        now = self.world.now
        course = self.world.engine.start(self.world.request(input_tokens=10), now)
        action = course.next(now)
        if not isinstance(action, Send):
            course.close(now)
            return
        action.attempt.sent(now)
        away = self._latency * self._rng.uniform(0.25, 0.75)
        self._at(now + away, lambda: self._reach(action.attempt, course, away))

    def _reach(self, attempt: Attempt, course: Course, away: float) -> None:
        now = self.world.now
        good = attempt.target == "b/m" or self._meter.admits(1, now)
        said = self._meter.said(now)
        report = Report(Outcome.OK, input_tokens=10, output_tokens=10)
        if not good:
            report = Report(Outcome.THROTTLED, Phase.HEAD, rest=said.reset)
        self._at(now + away, lambda: self._end(attempt, course, said, report))

    def _end(self, attempt: Attempt, course: Course, said: Headroom, report: Report) -> None:
        now = self.world.now
        if attempt.target == "a/m" and self._headers:
            self.apart += attempt.observe(Measurement((said,)), now)
        self.log.append((now - self.began, attempt.target, report.outcome))
        attempt.settle(report, now)
        course.close(now)
