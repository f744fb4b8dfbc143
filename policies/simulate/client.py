"""Whoever asks: drives the courses of one request, waits as long as patience lasts, and comes
again.

This is the simulator's counterpart of the service's own driver: it does what a course says and
reports what happened, and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from policies.affinity.prefix import PREFIX
from policies.engine.actions import Fail, Send, Stop, Wait
from policies.engine.attempt import Attempt
from policies.engine.course import Course
from policies.engine.outcome import Outcome, Phase, Report
from policies.engine.refusal import Cause
from policies.policy import NO_FEATURES, Request
from policies.simulate.arrivals import Arrival
from policies.simulate.service import NEVER

if TYPE_CHECKING:
    from policies.simulate.server import Server
    from policies.simulate.world import World

PATIENCE_SPREAD = 0.5
"""Deviation of the logarithm: one in ten has half of the usual patience, one in ten twice."""
LONGEST_BACKOFF = 8.0
LEAST_BACKOFF = 0.75
"""Seconds, and the least share of a backoff that is waited: what the SDKs of providers do."""


@dataclass(frozen=True, slots=True)
class Clients:
    """How those who ask behave.

    `patience` is the median of the seconds after which a client leaves that has no content yet
    (lognormal; None: they all wait). A failed request comes again up to `retries` times, first
    after `backoff` seconds and each time after twice as many, less up to a quarter.
    """

    patience: float | None = None
    retries: int = 0
    backoff: float = 0.5


class Sent(NamedTuple):
    """One attempt, over: from `at` to `end`, the tokens that it took and gave, and when and from
    whom its request came.
    """

    target: str
    at: float
    end: float
    outcome: Outcome
    input_tokens: int
    output_tokens: int
    came: float = 0.0
    tenant: str = ""
    cached_tokens: int = 0


class Answered(NamedTuple):
    """One request, over. `first` and `total` are seconds since it came, None and the whole wait
    where there was no answer. `sends` are over all of its `courses`, of which there are more than
    one where its client came again. `cause` says why there was no answer, None if the client left.
    """

    arrival: Arrival
    target: str | None
    first: float | None
    total: float
    sends: int
    courses: int
    cause: Cause | None

    @property
    def at(self) -> float:
        """When it came."""
        return self.arrival.at

    @property
    def left(self) -> bool:
        """Whether its client had no more patience."""
        return self.target is None and self.cause is None


class Client:
    """One request, and what is done for it."""

    __slots__ = (
        "_alarm", "_course", "_exchanges", "_first", "_over", "_sends", "_woken", "_world",
        "arrival", "courses",
    )  # fmt: skip

    def __init__(self, world: World, arrival: Arrival) -> None:
        self._world = world
        self._course: Course | None = None
        self._exchanges: list[Exchange] = []
        self._first: float | None = None
        self._sends = 0
        self._over = False
        self._woken = False
        self._alarm = NEVER
        self.arrival = arrival
        self.courses = 0
        patience = world.clients.patience
        if patience is not None:
            stays = patience * world.rng.lognormvariate(0.0, PATIENCE_SPREAD)
            world.at(world.now + stays, self._leave)

    def come(self) -> None:
        """Ask, for the first time or again."""
        if self._over:
            return
        world, arrival = self._world, self.arrival
        self.courses += 1
        self._first = None
        self._alarm = NEVER
        request = Request(
            world.model,
            world.now + world.deadline,
            arrival.input_tokens,
            None,
            arrival.stream,
            tenant=arrival.tenant,
            band=arrival.band,
            features=NO_FEATURES if arrival.prefix is None else {PREFIX: arrival.prefix},
        )
        self._course = world.instance().start(request, world.now, self._wake)
        self._look()

    def first(self, attempt: Attempt) -> None:
        """The first content of a stream has come, from whichever attempt."""
        attempt.first_token(self._world.now)
        if self._first is None:
            self._first = self._world.now - self.arrival.at
        if len(self._exchanges) > 1:
            self._look()

    def ended(self, exchange: Exchange, report: Report) -> None:
        """An attempt is over."""
        self._settle(exchange, report)
        if report.outcome is Outcome.OK:
            self._end(exchange.attempt.target, None)
        else:
            self._look()

    def _look(self) -> None:
        """Do what the course says, until it says to wait or that it is over."""
        world = self._world
        while (course := self._course) is not None:
            match course.next(world.now):
                case Wait(until, _):
                    if until < self._alarm:
                        self._alarm = until
                        world.at(until, self._time_over)
                    return
                case Send(attempt, target, limits):
                    self._sends += 1
                    attempt.sent(world.now)
                    exchange = Exchange(self, attempt, world.servers[target])
                    self._exchanges.append(exchange)
                    exchange.server.take(exchange)
                    world.at(limits.head, exchange.overdue)
                case Stop(attempt, outcome):
                    self._drop(attempt, outcome)
                case Fail(cause, _, _):
                    self._failed(cause)

    def _settle(self, exchange: Exchange, report: Report) -> None:
        # The server hears of it first: a closed connection holds no place.
        exchange.server.leave(exchange)
        self._exchanges.remove(exchange)
        attempt, now = exchange.attempt, self._world.now
        attempt.settle(report, now)
        arrival = self.arrival
        self._world.sent.append(
            Sent(
                attempt.target,
                attempt.started,
                now,
                report.outcome,
                arrival.input_tokens,
                report.output_tokens or 0,
                arrival.at,
                arrival.tenant,
                report.cached_tokens,
            )
        )

    def _drop(self, attempt: Attempt, outcome: Outcome) -> None:
        for exchange in self._exchanges.copy():
            if exchange.attempt is attempt:
                phase = Phase.HEAD if attempt.first is None else Phase.BODY
                self._settle(exchange, Report(outcome, phase))

    def _failed(self, cause: Cause) -> None:
        world = self._world
        clients = world.clients
        if self.courses > clients.retries:
            self._end(None, cause)
            return
        self._close()
        backoff = min(LONGEST_BACKOFF, clients.backoff * 2.0 ** (self.courses - 1))
        world.at(world.now + backoff * world.rng.uniform(LEAST_BACKOFF, 1.0), self.come)

    def _leave(self) -> None:
        if not self._over and self._first is None:
            self._end(None, None)

    def _end(self, target: str | None, cause: Cause | None) -> None:
        self._over = True
        self._close()
        total = self._world.now - self.arrival.at
        first = None
        if target is not None:
            first = self._first if self._first is not None else total
        self._world.answered.append(
            Answered(self.arrival, target, first, total, self._sends, self.courses, cause)
        )

    def _close(self) -> None:
        """Give up what is open, and the course with it."""
        for exchange in self._exchanges.copy():
            self._drop(exchange.attempt, Outcome.ABANDONED)
        if self._course is not None:
            self._course.close(self._world.now)
            self._course = None

    def _time_over(self) -> None:
        self._alarm = NEVER
        self._look()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._world.at(self._world.now, self._woke)

    def _woke(self) -> None:
        self._woken = False
        self._look()


class Exchange:
    """An attempt at a server: who is told what becomes of it."""

    __slots__ = ("attempt", "client", "server")

    def __init__(self, client: Client, attempt: Attempt, server: Server) -> None:
        self.client = client
        self.attempt = attempt
        self.server = server

    def first(self) -> None:
        """Content has come."""
        if self.attempt.open and self.client.arrival.stream:
            self.client.first(self.attempt)

    def end(self, report: Report) -> None:
        """It is over, if it was not given up before."""
        if self.attempt.open:
            self.client.ended(self, report)

    def overdue(self) -> None:
        """Its time for the first content is over."""
        if self.attempt.first is None:
            self.end(Report(Outcome.FAILED, Phase.FIRST_TOKEN))
