"""A world for the tests of the simulation: one route over the services that are named, asked in
the order in which they are named, and watched while it runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random

from policies import Engine, Facts, Policy, Retry, Route, Target
from policies.simulate import Arrival, Clients, Fault, Service, World
from tests.policies.driver import InOrder

PROMPT = Service(first_token=1.0, spread=0.0, per_token=0.0)
"""Answers after exactly one second."""


class Watched(World):
    """Remembers the instants at which anything was planned, and the most that a server ever
    served at once.
    """

    def __init__(self, *arguments: object, **options: object) -> None:
        self.instants: list[float] = []
        self.most: Counter[str] = Counter()
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    @property
    def in_flight(self) -> int:
        """Attempts that are open at any of the engines."""
        return sum(engine.in_flight for engine in self.engines)

    def at(self, instant: float, what: Callable[[], None]) -> None:
        assert instant >= self.now, "nothing can be planned for the past"
        self.instants.append(self.now)
        for name, server in self.servers.items():
            self.most[name] = max(self.most[name], server.serving)
        super().at(instant, what)


def stage(
    services: Mapping[str, Service],
    *faults: Fault,
    facts: Mapping[str, Facts] | None = None,
    retry: Retry | None = None,
    policy: Policy | None = None,
    clients: Clients | None = None,
    instances: int = 1,
    deadline: float = 120.0,
    seed: int = 1,
) -> Watched:
    rng = Random(seed)
    route = Route([Target(name) for name in services], policy or InOrder(), retry or Retry())
    engine, *siblings = (
        Engine({"chat": route}, rng=rng if instances == 1 else Random(number), now=0.0, facts=facts)
        for number in range(instances)
    )
    return Watched(engine, services, rng, faults, clients, siblings=siblings, deadline=deadline)


def coming(instants: Sequence[float], *, tokens: int = 10, stream: bool = True) -> list[Arrival]:
    """Equal requests at these instants."""
    return [Arrival(instant, 100, tokens, stream) for instant in instants]
