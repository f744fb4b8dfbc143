"""Whoever asks: drives the courses of one request, waits as long as patience lasts, and comes
again.

This is the simulator's counterpart of the service's own driver: it does what a course says and
reports what happened, and decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.affinity.prefix import PREFIX
from policies.engine.actions import Fail, Send, Stop, Wait
from policies.engine.attempt import Attempt
from policies.engine.course import Course
from policies.engine.outcome import Outcome, Phase, Report
from policies.engine.refusal import PASSING, Cause
from policies.policy import NO_FEATURES, Request
from policies.simulate.arrivals import Arrival
from policies.simulate.ended import Answered, Sent
from policies.simulate.service import NEVER
from policies.simulate.terms import DOWN, Held, Shut

if TYPE_CHECKING:
    from policies.simulate.server import Server
    from policies.simulate.world import World

PATIENCE_SPREAD = 0.5
"""Deviation of the logarithm: one in ten has half of the usual patience, one in ten twice."""
USUAL = "chat"
"""What is asked for by a request that names no model."""
LONGEST_BACKOFF = 8.0
LEAST_BACKOFF = 0.75
"""Seconds, and the least share of a backoff that is waited: what the SDKs of providers do."""


class Client:
    """One request, and what is done for it."""

    __slots__ = (
        "_alarm", "_course", "_deadline", "_exchanges", "_first", "_held", "_limited", "_over",
        "_rung", "_sends", "_terms", "_tried", "_woken", "_world", "arrival", "courses",
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
        self._limited = False
        self._held: Held | None = None
        self._terms = world.terms.get(arrival.model, world.usual)
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
        world = self._world
        self.courses += 1
        self._first = None
        self._alarm = NEVER
        self._rung = 0
        self._tried: set[str] = set()
        self._deadline = world.now + self._terms.deadline
        request = self._request(self.arrival.model or USUAL)
        if world.door is not None:
            try:
                self._held = world.door(request, world.now)
            except Shut:
                self._limited = True
                self._refused(Cause.WAIT)
                return
        course = self._start(request)
        if self._terms.notes_limits and not self._limited:
            refusals = course.refusals(world.now).values()
            self._limited = any(refused.refusal in PASSING for refused in refusals)
        self._look()

    def _request(self, model: str, only: frozenset[str] | None = None) -> Request:
        arrival, deadline = self.arrival, self._deadline
        barred = self._world.barred(arrival.tenant, (arrival.model or USUAL, model))
        if (like := arrival.like) is not None:
            only = only or like.only
            return like._replace(model=model, deadline=deadline, only=only, barred=barred)
        return Request(
            model,
            deadline,
            arrival.input_tokens,
            None,
            arrival.stream,
            only,
            tenant=arrival.tenant,
            band=arrival.band,
            barred=barred,
            features=NO_FEATURES if arrival.prefix is None else {PREFIX: arrival.prefix},
        )

    def _start(self, request: Request) -> Course:
        world = self._world
        self._course = course = world.instance().start(request, world.now, self._wake)
        return course

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
                    if until < self._alarm and not self._all_known(until):
                        self._alarm = until
                        world.at(until, self._time_over)
                    return
                case Send(attempt, target, limits):
                    self._sends += 1
                    attempt.sent(world.now)
                    exchange = Exchange(self, attempt, world.servers[target])
                    self._exchanges.append(exchange)
                    exchange.server.take(exchange)
                    if exchange.begins > limits.head:
                        world.at(limits.head, exchange.overdue)
                case Stop(attempt, outcome):
                    self._drop(attempt, outcome)
                case Fail(cause, _, _):
                    self._failed(cause)

    def _all_known(self, until: float) -> bool:
        """Whether nothing is left to look at then: the one answer that is waited for will have
        begun, and ends in time.
        """
        if len(self._exchanges) != 1:
            return False
        exchange = self._exchanges[0]
        return exchange.begins < until and exchange.ends < self._deadline

    def _settle(self, exchange: Exchange, report: Report) -> None:
        # The server hears of it first: a closed connection holds no place.
        exchange.server.leave(exchange)
        self._exchanges.remove(exchange)
        attempt, now = exchange.attempt, self._world.now
        attempt.settle(report, now)
        report = attempt.report or report  # as the engine takes it
        if self._held is not None:
            self._held.spent(report)
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
                arrival.model,
                report.cached_tokens,
            )
        )

    def _drop(self, attempt: Attempt, outcome: Outcome) -> None:
        for exchange in self._exchanges.copy():
            if exchange.attempt is attempt:
                phase = Phase.HEAD if attempt.first is None else Phase.BODY
                self._settle(exchange, Report(outcome, phase))

    def _failed(self, cause: Cause) -> None:
        if cause not in DOWN or not self._step():
            self._refused(cause)

    def _refused(self, cause: Cause) -> None:
        world = self._world
        clients = world.clients
        if self.courses > clients.retries:
            self._end(None, cause)
            return
        self._close()
        self._give_back()
        backoff = min(LONGEST_BACKOFF, clients.backoff * 2.0 ** (self.courses - 1))
        world.at(world.now + backoff * world.rng.uniform(LEAST_BACKOFF, 1.0), self.come)

    def _step(self) -> bool:
        """Go on with the next model of the ladder of which somebody was not asked yet."""
        ladder = self._terms.ladder
        while self._rung < len(ladder):
            model, targets = ladder[self._rung]
            self._rung += 1
            if self._course is not None:
                self._tried.update(self._course.tried)
            if left := targets - self._tried:
                self._close()
                self._start(self._request(model, left if left != targets else None))
                return True
        return False

    def _leave(self) -> None:
        if not self._over and self._first is None:
            self._end(None, None)

    def _end(self, target: str | None, cause: Cause | None) -> None:
        self._over = True
        self._close()
        self._give_back()
        total = self._world.now - self.arrival.at
        first = None
        if target is not None:
            first = self._first if self._first is not None else total
        self._world.answered.append(
            Answered(
                self.arrival,
                target,
                first,
                total,
                self._sends,
                self.courses,
                cause,
                self._limited,
            )
        )

    def _give_back(self) -> None:
        """It takes no more of the limits that it was let in by."""
        if self._held is not None:
            self._held.settle(self._world.now)
            self._held = None

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
    """An attempt at a server: who is told what becomes of it, and the instants at which its first
    content comes and at which it ends, once that is settled.
    """

    __slots__ = ("attempt", "begins", "client", "ends", "server")

    def __init__(self, client: Client, attempt: Attempt, server: Server) -> None:
        self.client = client
        self.attempt = attempt
        self.server = server
        self.begins = self.ends = NEVER

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
