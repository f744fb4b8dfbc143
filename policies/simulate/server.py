"""One target of the world: places, a queue, limits, and the fate of each request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from policies.engine.outcome import Outcome, Phase, Report
from policies.engine.windows import MICROSECONDS, Window
from policies.simulate.service import NEVER, Fault, Service, fate

if TYPE_CHECKING:
    from policies.simulate.world import Exchange, World

FAILED = Report(Outcome.FAILED, Phase.HEAD)


class Server:
    """Serves what it is sent. `refused` counts what it did not take."""

    __slots__ = (
        "_faults", "_service", "_serving", "_waiting", "_watches", "_window", "_world", "refused",
    )  # fmt: skip

    def __init__(self, world: World, service: Service, faults: Sequence[Fault]) -> None:
        self._world = world
        self._service = service
        self._faults = faults
        self._serving: set[Exchange] = set()
        self._waiting: OrderedDict[Exchange, int] = OrderedDict()
        self._watches = False
        self._window = Window(service.per_minute, 60.0) if service.per_minute else None
        self.refused = 0

    @property
    def serving(self) -> int:
        """Requests that are served now."""
        return len(self._serving)

    def take(self, exchange: Exchange, output_tokens: int) -> None:
        """A request has come."""
        now = int(self._world.now * MICROSECONDS)
        if self._window is not None and not self._window.fits(1, now):
            self._refuse(exchange, self._window.wait(1, now) / MICROSECONDS)
            return
        full = bool(self._waiting) or len(self._serving) >= self._capacity()
        if full and len(self._waiting) >= self._service.queue:
            self._refuse(exchange, self._service.rest)
            return
        if self._window is not None:
            self._window.take(1, now)
        if full:
            self._waiting[exchange] = output_tokens
            self._watch()
        else:
            self._serve(exchange, output_tokens)

    def leave(self, exchange: Exchange) -> None:
        """Its connection is closed, after the answer or before: its place is free at once."""
        self._serving.discard(exchange)
        if self._waiting:
            self._waiting.pop(exchange, None)
            self._admit()

    def _refuse(self, exchange: Exchange, rest: float | None) -> None:
        self.refused += 1
        told = rest if self._service.rest is not None else None
        report = Report(Outcome.THROTTLED, Phase.HEAD, rest=told)
        self._world.at(self._world.now, lambda: exchange.end(report))

    def _serve(self, exchange: Exchange, output_tokens: int) -> None:
        world = self._world
        held = [fault for fault in self._faults if fault.holds(world.now)]
        drawn = fate(self._service, held, output_tokens, world.rng)
        self._serving.add(exchange)
        if drawn.first < NEVER:
            world.at(world.now + drawn.first, exchange.first)
        if drawn.end < NEVER:
            report = FAILED
            if drawn.first < NEVER:
                outcome = Outcome.FAILED if drawn.failed else Outcome.OK
                tokens = exchange.client.arrival.input_tokens, drawn.tokens
                report = Report(
                    outcome, Phase.BODY, input_tokens=tokens[0], output_tokens=tokens[1]
                )
            world.at(world.now + drawn.end, lambda: exchange.end(report))

    def _admit(self) -> None:
        while self._waiting and len(self._serving) < self._capacity():
            self._serve(*self._waiting.popitem(last=False))

    def _watch(self) -> None:
        """Whoever waits is served as well when there are more places, not only when one is left."""
        if self._watches:
            return
        now = self._world.now
        turns = [fault.turn(now) for fault in self._faults if fault.capacity is not None]
        instant = min(turns, default=NEVER)
        if instant < NEVER:
            self._watches = True
            self._world.at(instant, self._turned)

    def _turned(self) -> None:
        self._watches = False
        self._admit()
        if self._waiting:
            self._watch()

    def _capacity(self) -> float:
        for fault in self._faults:
            if fault.capacity is not None and fault.holds(self._world.now):
                return fault.capacity
        return NEVER if self._service.capacity is None else self._service.capacity
