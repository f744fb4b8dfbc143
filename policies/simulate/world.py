"""A world in virtual time that drives courses exactly as the service does.

The engines are those that run in production and do not know the difference: they are asked with
`now`, and told what happened. Everything here follows from the seed; two runs of one world are the
same run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Self

from policies.engine.engine import Engine
from policies.engine.learning.breaker import State
from policies.simulate.arrivals import Arrival
from policies.simulate.client import Client
from policies.simulate.ended import Answered, Sent
from policies.simulate.server import Server
from policies.simulate.service import Fault, Service
from policies.simulate.terms import Barred, Clients, Door, Terms, unbarred

WELL = frozenset({State.HEALTHY.value, State.RECOVERING.value})


class World:
    """Targets, time, and the requests that come.

    Requests are spread at random over `engine` and its `siblings`, instances of which each sees
    only its own. `services` by target name. `terms` by model say what holds for its requests; those
    of the others have `deadline` seconds. Who names no model asks for `chat`. A `door`, where there
    is one, is asked before an engine is; `barred` says where whose requests may not go.
    """

    def __init__(
        self,
        engine: Engine,
        services: Mapping[str, Service],
        rng: Random,
        faults: Sequence[Fault] = (),
        clients: Clients | None = None,
        *,
        siblings: Sequence[Engine] = (),
        deadline: float = 120.0,
        terms: Mapping[str, Terms] = MappingProxyType({}),
    ) -> None:
        self.engine = engine
        self.engines = (engine, *siblings)
        self.rng = rng
        self.clients = clients or Clients()
        self.usual = Terms(deadline)
        self.terms = terms
        self.door: Door | None = None
        self.barred: Barred = unbarred
        self.now = 0.0
        self.sent: list[Sent] = []
        self.answered: list[Answered] = []
        self.ejections: Counter[str] = Counter()
        self.servers = {
            name: Server(
                self,
                service,
                [fault for fault in faults if fault.target == name],
                rng if service.seed is None else Random(service.seed),
            )
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
                Client(self, arrival).come()
                arrival = next(coming, None)
                continue
            instant, _, what = heappop(self._events)
            self.now = max(self.now, instant)
            what()
        return self

    def instance(self) -> Engine:
        """The engine that the next course starts on."""
        return self.engine if len(self.engines) == 1 else self.rng.choice(self.engines)

    def watch(self, seconds: float) -> None:
        """Look at every target each second, and count its `ejections` over all engines."""
        well = [dict.fromkeys(self.servers, True) for _ in self.engines]

        def look() -> None:
            for engine, before in zip(self.engines, well, strict=True):
                for name, seen in engine.snapshot(self.now).items():
                    ejected = seen.state == State.EJECTED.value
                    self.ejections[name] += before[name] and ejected
                    if ejected or seen.state in WELL:
                        before[name] = not ejected

        for second in range(int(seconds)):
            self.at(float(second), look)
