"""One target of the world: places, a queue, limits, and the fate of each request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from policies.engine.limits.windows import MICROSECONDS, Window
from policies.engine.outcome import Outcome, Phase, Report
from policies.simulate.prompts import PrefixCache
from policies.simulate.service import NEVER, Fault, Service, fate

if TYPE_CHECKING:
    from policies.simulate.client import Exchange
    from policies.simulate.world import World

MINUTE = 60 * MICROSECONDS
FAILED = Report(Outcome.FAILED, Phase.HEAD)


class Server:
    """Serves what it is sent. `refused` counts what it did not take, `cache` is what it read."""

    __slots__ = (
        "_faults", "_rng", "_service", "_serving", "_waiting", "_watches", "_window", "_world",
        "cache", "refused",
    )  # fmt: skip

    def __init__(
        self, world: World, service: Service, faults: Sequence[Fault], rng: Random
    ) -> None:
        self._world = world
        self._rng = rng
        self._service = service
        self._faults = sorted(faults, key=lambda fault: fault.end)
        self._serving: set[Exchange] = set()
        self._waiting: OrderedDict[Exchange, None] = OrderedDict()
        self._watches = False
        self._window = window(service)
        self.cache = PrefixCache(service.cache)
        self.refused = 0

    @property
    def serving(self) -> int:
        """Requests that are served now."""
        return len(self._serving)

    def take(self, exchange: Exchange) -> None:
        """A request has come."""
        now = int(self._world.now * MICROSECONDS)
        if self._window is not None and not self._window.fits(1, now):
            self._refuse(exchange, self._window.wait(1, now) / MICROSECONDS)
            return
        full = bool(self._waiting) or len(self._serving) >= self._capacity()
        if full and len(self._waiting) >= self._service.queue:
            self._refuse(exchange, self._service.rest, overloaded=self._service.overloaded)
            return
        if self._window is not None:
            self._window.take(1, now)
        if full:
            self._waiting[exchange] = None
            self._watch()
        else:
            self._serve(exchange)

    def leave(self, exchange: Exchange) -> None:
        """Its connection is closed, after the answer or before: its place is free at once."""
        self._serving.discard(exchange)
        if self._waiting:
            self._waiting.pop(exchange, None)
            self._admit()

    def _refuse(self, exchange: Exchange, rest: float | None, *, overloaded: bool = False) -> None:
        self.refused += 1
        service = self._service
        told = service.lie
        if told is None and service.rest is not None:
            told = rest
        report = Report(Outcome.THROTTLED, Phase.HEAD, rest=told, overloaded=overloaded)
        self._world.at(self._world.now, lambda: exchange.end(report))

    def _serve(self, exchange: Exchange) -> None:
        world = self._world
        arrival = exchange.client.arrival
        while self._faults and self._faults[0].end <= world.now:
            del self._faults[0]  # It never comes again.
        held = [fault for fault in self._faults if fault.holds(world.now)]
        cached = self.cache.read(arrival.prefix) if arrival.prefix is not None else 0
        drawn = fate(self._service, held, arrival, self._rng, cached)
        self._serving.add(exchange)
        if drawn.first < NEVER:
            world.at(world.now + drawn.first, exchange.first)
        if drawn.end < NEVER:
            exchange.ends = world.now + drawn.end
            exchange.begins = exchange.ends
            if arrival.stream and drawn.first < NEVER:
                exchange.begins = world.now + drawn.first
            report = FAILED
            if drawn.first < NEVER:
                outcome = Outcome.FAILED if drawn.failed else Outcome.OK
                report = Report(
                    outcome,
                    Phase.BODY,
                    input_tokens=arrival.input_tokens,
                    output_tokens=drawn.tokens,
                    cached_tokens=cached,
                )
            world.at(world.now + drawn.end, lambda: exchange.end(report))

    def _admit(self) -> None:
        while self._waiting and len(self._serving) < self._capacity():
            self._serve(self._waiting.popitem(last=False)[0])

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


class Minutes:
    """A limit on each minute of the clock, that begins `offset` seconds after a full one."""

    def __init__(self, limit: int, offset: int) -> None:
        self._limit = limit
        self._offset = offset * MICROSECONDS
        self._minute = -1
        self._taken = 0

    def fits(self, need: int, now: int) -> bool:
        """Whether `need` more are taken at `now` (microseconds)."""
        minute = (now - self._offset) // MINUTE
        if minute != self._minute:
            self._minute, self._taken = minute, 0
        return self._taken + need <= self._limit

    def take(self, units: int, now: int) -> None:
        """Count `units`."""
        self._taken += units

    def wait(self, need: int, now: int) -> int:
        """Microseconds until the next minute."""
        return (self._minute + 1) * MINUTE + self._offset - now


def window(service: Service) -> Window | Minutes | None:
    """What its limit is counted in; None: it has none."""
    if service.per_minute is None:
        return None
    if service.resets is not None:
        return Minutes(service.per_minute, service.resets)
    if service.slice is None:
        return Window(service.per_minute, 60.0)
    return Window(max(1, round(service.per_minute * service.slice / 60.0)), service.slice)
