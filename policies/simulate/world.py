"""A world in virtual time that drives courses exactly as the service does.

The engine is the one that runs in production and does not know the difference: it is asked with
`now`, and told what happened. Everything here follows from the seed; two runs of one world are the
same run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple, Self

from policies.engine.actions import Fail, Send, Stop, Wait
from policies.engine.attempt import Attempt
from policies.engine.engine import Engine
from policies.engine.outcome import Outcome, Phase, Report
from policies.engine.refusal import Cause
from policies.policy import Request
from policies.simulate.arrivals import Arrival
from policies.simulate.server import Server
from policies.simulate.service import Fault, Service


class Sent(NamedTuple):
    """One attempt, over."""

    target: str
    at: float
    outcome: Outcome


class Answered(NamedTuple):
    """One request, over. `first` and `total` are seconds since it came, None and the whole wait
    where there was no answer; `cause` says why there was none.
    """

    at: float
    target: str | None
    first: float | None
    total: float
    sends: int
    cause: Cause | None


class World:
    """Targets, time, and the requests that come.

    `services` by target name; `deadline` in seconds for each request; `model` is the route that
    they ask for.
    """

    def __init__(
        self,
        engine: Engine,
        services: Mapping[str, Service],
        rng: Random,
        faults: Sequence[Fault] = (),
        *,
        model: str = "chat",
        deadline: float = 120.0,
    ) -> None:
        self.engine = engine
        self.rng = rng
        self.model = model
        self.deadline = deadline
        self.now = 0.0
        self.sent: list[Sent] = []
        self.answered: list[Answered] = []
        self.servers = {
            name: Server(self, service, [fault for fault in faults if fault.target == name])
            for name, service in services.items()
        }
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, instant: float, what: Callable[[], None]) -> None:
        """Let something happen then; what happens at one instant keeps its order."""
        heappush(self._events, (instant, next(self._numbers), what))

    def run(self, arrivals: Iterable[Arrival]) -> Self:
        """Let everything come, and everything end."""
        coming = iter(arrivals)
        arrival = next(coming, None)
        while self._events or arrival is not None:
            if arrival is not None and (not self._events or arrival.at <= self._events[0][0]):
                self.now = max(self.now, arrival.at)
                Client(self, arrival).look()
                arrival = next(coming, None)
                continue
            instant, _, what = heappop(self._events)
            self.now = max(self.now, instant)
            what()
        return self


class Client:
    """One request and its driver."""

    __slots__ = (
        "_alarm", "_arrival", "_course", "_exchange", "_first", "_over", "_sends", "_woken",
        "_world",
    )  # fmt: skip

    def __init__(self, world: World, arrival: Arrival) -> None:
        self._world = world
        self._arrival = arrival
        self._sends = 0
        self._first: float | None = None
        self._exchange: Exchange | None = None
        self._over = False
        self._woken = False
        self._alarm = float("inf")
        request = Request(
            world.model, world.now + world.deadline, arrival.input_tokens, None, arrival.stream
        )
        self._course = world.engine.start(request, world.now, self._wake)

    def look(self) -> None:
        """Do what the course says, until it says to wait or that it is over."""
        world = self._world
        while not self._over:
            match self._course.next(world.now):
                case Wait(until, _):
                    if until < self._alarm:
                        self._alarm = until
                        world.at(until, self._time_over)
                    return
                case Send(attempt, target, limits):
                    self._sends += 1
                    attempt.sent(world.now)
                    server = world.servers[target]
                    self._exchange = exchange = Exchange(self, attempt, server)
                    server.take(exchange, self._arrival.output_tokens)
                    world.at(limits.head, exchange.overdue)
                case Stop(attempt, outcome):
                    if self._exchange is not None:
                        phase = Phase.HEAD if attempt.first is None else Phase.BODY
                        self._exchange.end(Report(outcome, phase))
                case Fail(cause, _, _):
                    self._end(None, cause)

    def first(self, attempt: Attempt) -> None:
        """The first content of a stream has come."""
        attempt.first_token(self._world.now)
        self._first = self._world.now - self._arrival.at

    def settle(self, attempt: Attempt, report: Report) -> None:
        """An attempt is over."""
        world = self._world
        attempt.settle(report, world.now)
        world.sent.append(Sent(attempt.target, attempt.started, report.outcome))
        if report.outcome is Outcome.OK:
            self._end(attempt.target, None)
        else:
            self.look()

    @property
    def arrival(self) -> Arrival:
        """What came."""
        return self._arrival

    def _end(self, target: str | None, cause: Cause | None) -> None:
        world, came = self._world, self._arrival.at
        self._over = True
        self._course.close(world.now)
        total = world.now - came
        first = None
        if target is not None:
            first = self._first if self._first is not None else total
        world.answered.append(Answered(came, target, first, total, self._sends, cause))

    def _time_over(self) -> None:
        self._alarm = float("inf")
        self.look()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._world.at(self._world.now, self._woke)

    def _woke(self) -> None:
        self._woken = False
        self.look()


class Exchange:
    """An attempt at a server: who is told what becomes of it."""

    __slots__ = ("_server", "attempt", "client")

    def __init__(self, client: Client, attempt: Attempt, server: Server) -> None:
        self.client = client
        self.attempt = attempt
        self._server = server

    def first(self) -> None:
        """Content has come."""
        if self.attempt.open and self.client.arrival.stream:
            self.client.first(self.attempt)

    def end(self, report: Report) -> None:
        """It is over, if it was not given up before. The server hears of it first: a closed
        connection holds no place.
        """
        if self.attempt.open:
            self._server.leave(self)
            self.client.settle(self.attempt, report)

    def overdue(self) -> None:
        """Its time for the first content is over."""
        if self.attempt.first is None:
            self.end(Report(Outcome.FAILED, Phase.FIRST_TOKEN))
