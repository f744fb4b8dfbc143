"""What can happen to a pool of targets, as a world to be run: one kind of trouble, who asks, and
what is asked of the policy that is recommended for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from random import Random

from policies.engine.engine import Engine
from policies.engine.route import Facts, Retry, Route, Target
from policies.least_latency import LeastLatency
from policies.policy import Policy
from policies.priority import Priority
from policies.simulate.arrivals import Arrival, Crowd
from policies.simulate.estimate import Bound
from policies.simulate.service import NEVER, Fault, Service
from policies.simulate.terms import Clients
from policies.simulate.world import World

SICK = "p0/m"
POOL = tuple(Target(f"p{number}/m") for number in range(4))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Targets, what serves behind them, what goes wrong, and who asks.

    Times are seconds. `start` and `end` bound the trouble, which is `sick`'s (None: everybody's);
    where there is none, the whole run counts. `services` are those that differ from `service`.
    `added` is a target that is put into the running engines when the trouble starts. A good answer
    begins within `slo`; `tenant` is the one whose good answers are counted apart.

    `policy` is the one recommended here, `metric` what it is compared by, `bounds` what is asked of
    it.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    crowds: tuple[Crowd, ...] = (Crowd(20.0),)
    seconds: float = 300.0
    start: float = NEVER
    end: float = NEVER
    sick: str | None = SICK
    targets: tuple[Target, ...] = POOL
    service: Service = field(default_factory=Service)
    services: Mapping[str, Service] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    retry: Retry = field(default_factory=Retry)
    patience: float = 0.0
    clients: Clients = field(default_factory=Clients)
    instances: int = 1
    added: str | None = None
    deadline: float = 120.0
    slo: float = 2.0
    tenant: str | None = None
    policy: Policy = field(default_factory=LeastLatency)
    metric: str = "wait"
    bounds: tuple[Bound, ...] = ()

    def run(self, policy: Policy, seed: int, arrivals: Sequence[Arrival] | None = None) -> World:
        """The world after everything has happened in it."""
        return self.world(policy, seed).run(self.come(seed) if arrivals is None else arrivals)

    def world(self, policy: Policy, seed: int) -> World:
        """The world before anything has happened in it."""
        policy = self.within(policy)
        engine, *siblings = (self._engine(policy, seed, number) for number in range(self.instances))
        world = World(
            engine,
            self.pool(),
            Random(f"{seed}/world"),
            self.faults,
            self.clients,
            siblings=siblings,
            deadline=self.deadline,
        )
        if self.added is not None:
            world.at(self.start, lambda: self._add(world, policy))
        if any(bound.figure == "flaps" for bound in self.bounds):
            world.watch(self.seconds)
        return world

    def come(self, seed: int) -> Iterator[Arrival]:
        """The requests of one seed: the same whoever serves them."""
        return merge(
            *(
                crowd.come(self.seconds, Random(f"{seed}/arrivals/{number}"))
                for number, crowd in enumerate(self.crowds)
            ),
            key=lambda arrival: arrival.at,
        )

    def within(self, policy: Policy) -> Policy:
        """`policy`, inside the tiers where there are any."""
        if len({target.tier for target in self.targets}) == 1 or isinstance(policy, Priority):
            return policy
        return Priority(policy)

    def pool(self) -> dict[str, Service]:
        """The service behind each target."""
        return {
            target.name: self.services.get(target.name, self.service) for target in self.targets
        }

    @property
    def rate(self) -> float:
        """Requests a second, on average over the whole run."""
        spans = [(crowd.rate, min(crowd.end, self.seconds) - crowd.start) for crowd in self.crowds]
        return sum(rate * span for rate, span in spans) / self.seconds

    @property
    def fair(self) -> float:
        """The share of each target, were they all equal."""
        return 1 / len(self.targets)

    @property
    def equal(self) -> bool:
        """Whether nothing but trouble tells its targets apart."""
        first, pool = self.targets[0], self.pool()
        return all(
            (target.weight, target.tier, pool[target.name])
            == (first.weight, first.tier, pool[first.name])
            for target in self.targets
        )

    def _engine(self, policy: Policy, seed: int, number: int) -> Engine:
        return Engine(
            {"chat": self._route(policy, without=self.added)},
            rng=Random(f"{seed}/engine/{number}"),
            now=0.0,
            facts=self.facts,
        )

    def _add(self, world: World, policy: Policy) -> None:
        for engine in world.engines:
            engine.replace({"chat": self._route(policy)}, self.facts, world.now)

    def _route(self, policy: Policy, without: str | None = None) -> Route:
        targets = [target for target in self.targets if target.name != without]
        return Route(targets, policy, self.retry, patience=self.patience)
