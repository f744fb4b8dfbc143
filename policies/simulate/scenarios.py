"""What can happen to a pool of targets, as worlds to be run: each with one kind of trouble.

Four targets that are equally fast, unless a scenario says otherwise; conversations as public traces
have them. The trouble is always with the first target, so that a policy which favours the first of
a list is seen to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

from policies.engine.engine import Engine
from policies.engine.route import Route, Target
from policies.policy import Policy
from policies.simulate.arrivals import Lengths, poisson
from policies.simulate.service import NEVER, Fault, Service
from policies.simulate.world import World

SICK = "p0/m"
POOL = tuple(f"p{number}/m" for number in range(4))
HEAVY = Lengths(6.633, 0.985, 4.6, 1.5)
"""Answers whose lengths vary far more than those of conversations."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Services and faults, and how many requests come: `rate` a second for `seconds`.

    `start` and `end` bound the trouble; `services` are those that differ from the usual.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    services: Mapping[str, Service] = field(default_factory=lambda: MappingProxyType({}))
    rate: float = 20.0
    seconds: float = 400.0
    start: float = 100.0
    end: float = 220.0
    lengths: Lengths | None = None
    deadline: float = 120.0

    def run(self, policy: Policy, seed: int) -> World:
        """The world after everything has happened in it."""
        targets = [Target(name) for name in POOL]
        engine = Engine({"chat": Route(targets, policy)}, rng=Random(f"{seed}/engine"), now=0.0)
        world = World(
            engine, self.pool(), Random(f"{seed}/world"), self.faults, deadline=self.deadline
        )
        rng = Random(f"{seed}/arrivals")
        if self.lengths is None:
            return world.run(poisson(self.rate, self.seconds, rng))
        return world.run(poisson(self.rate, self.seconds, rng, self.lengths))

    def pool(self) -> dict[str, Service]:
        """The service behind each target."""
        return {name: self.services.get(name, Service()) for name in POOL}

    def best(self, now: float) -> float:
        """The shortest wait for a first token that anyone could expect who began at `now` and knew
        everything but chance: the bound that no policy beats on average while nobody queues.
        """
        waits = []
        for name, service in self.pool().items():
            wait = service.expected_first_token
            for fault in self.faults:
                if fault.target == name and fault.holds(now):
                    wait = NEVER if fault.silent or fault.errors else wait * fault.slower
            waits.append(wait)
        return min(waits)


def _ramp() -> tuple[Fault, ...]:
    """5 % slower every ten seconds, up to six times."""
    steps = range(37)
    return tuple(
        Fault(SICK, 100.0 + 10 * step, 100.0 + 10 * (step + 1), slower=1.05**step, pace=1.05**step)
        for step in steps
    )


SCENARIOS = (
    Scenario("steady", start=NEVER, end=NEVER),
    Scenario(
        "unequal",
        services={
            name: Service(first_token=wait)
            for name, wait in zip(POOL, (1.2, 0.2, 0.5, 0.8), strict=True)
        },
        start=NEVER,
        end=NEVER,
    ),
    Scenario("brown-out", (Fault(SICK, 100.0, 220.0, slower=10.0, pace=5.0),)),
    Scenario("errors 30 %", (Fault(SICK, 100.0, 220.0, errors=0.3),)),
    Scenario("slow ramp", _ramp(), seconds=500.0, end=470.0),
    Scenario("flapping", (Fault(SICK, 100.0, 220.0, errors=1.0, period=20.0),)),
    Scenario("silence", (Fault(SICK, 100.0, 220.0, silent=True),), deadline=240.0),
    Scenario("heavy tails", lengths=HEAVY, start=NEVER, end=NEVER, deadline=600.0),
)
