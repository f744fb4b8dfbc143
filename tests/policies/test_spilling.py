"""What provisioned capacity before capacity that is paid by use comes to, in virtual time: for one
and two provisioned targets, at twice and at half of what they serve.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from policies import (
    Engine,
    Facts,
    Outcome,
    Policy,
    Price,
    Priority,
    Retry,
    Route,
    Target,
    WeighedLatency,
)
from policies.simulate import Arrival, Service, World

PER_MINUTE = 120
SECONDS = 900.0
ON_DEMAND = "o/m"
PTU = Facts(price=Price(0, 0, 0), provisioned=True)
DEAR = Facts(price=Price(1_000, 4_000))
counts = pytest.mark.parametrize("count", [1, 2])


def coming(rate: float, rng: Random) -> Iterator[Arrival]:
    now = rng.expovariate(rate)
    while now < SECONDS:
        yield Arrival(now, 500, 100)
        now += rng.expovariate(rate)


class Trial:
    """A run with `count` provisioned targets, which refuse what is more than they serve in any
    minute, and say when the next is taken, or nothing at all where `rest` is None.
    """

    def __init__(
        self,
        count: int,
        rate: float,
        *,
        rest: float | None = 1.0,
        policy: Policy | None = None,
        seed: int = 1,
    ) -> None:
        self.provisioned = [f"p{number}/m" for number in range(count)]
        names = [*self.provisioned, ON_DEMAND]
        tiered = isinstance(policy or Priority(), Priority)
        targets = [Target(name, 1, tier if tiered else 0) for tier, name in enumerate(names)]
        self.engine = Engine(
            {"chat": Route(targets, policy or Priority(), Retry(budget=0.0))},
            rng=Random(seed),
            now=0.0,
            facts={**dict.fromkeys(self.provisioned, PTU), ON_DEMAND: DEAR},
        )
        own = Service(0.3, per_token=0.005, per_minute=PER_MINUTE, rest=rest)
        services = {**dict.fromkeys(self.provisioned, own), ON_DEMAND: Service(0.3)}
        self.world = World(self.engine, services, Random(seed + 1))
        self.budget = self.engine._pools["chat"].budget
        while self.budget.withdraw(0.0):
            pass
        self.world.run(coming(rate, Random(seed + 2)))
        ended = Counter((one.target, one.outcome) for one in self.world.sent)
        self.served = {name: ended[name, Outcome.OK] for name in names}
        self.spilled = sum(ended[name, Outcome.SPILLED] for name in names)
        self.throttled = sum(ended[name, Outcome.THROTTLED] for name in names)

    @property
    def capacity(self) -> float:
        """What the provisioned targets can serve; the first minute may come at once."""
        return len(self.provisioned) * PER_MINUTE * SECONDS / 60.0


@counts
@pytest.mark.parametrize("rest", [1.0, None])
def test_all_of_it_is_used_and_on_demand_gets_the_overflow_alone(
    count: int, rest: float | None
) -> None:
    trial = Trial(count, count * 2.0 * PER_MINUTE / 60.0, rest=rest)
    world = trial.world
    assert all(one.target is not None for one in world.answered)
    used = sum(trial.served[name] for name in trial.provisioned)
    assert used >= 0.95 * trial.capacity
    assert trial.served[ON_DEMAND] == len(world.answered) - used
    assert trial.throttled == 0
    assert trial.spilled > 0
    for name in trial.provisioned:
        assert trial.engine.snapshot(world.now)[name].learned_places is None


@counts
def test_what_it_has_room_for_never_goes_on_demand(count: int) -> None:
    trial = Trial(count, count * 0.5 * PER_MINUTE / 60.0)
    assert trial.served[ON_DEMAND] <= 0.01 * len(trial.world.answered)


@counts
def test_nobody_pays_for_a_spill_from_the_retry_budget(count: int) -> None:
    """It is as full at the end as it is by its floor alone: a send every ten seconds."""
    trial = Trial(count, count * 2.0 * PER_MINUTE / 60.0)
    assert trial.spilled > 100
    trial.budget.can_pay(trial.world.now)
    assert trial.budget._level == pytest.approx(20.0)


def test_nobody_waits_longer_for_having_been_refused_first() -> None:
    trial = Trial(1, 2.0 * PER_MINUTE / 60.0)
    waits = sorted(one.first for one in trial.world.answered if one.first is not None)
    assert waits[int(len(waits) * 0.99)] < 0.6


@counts
def test_in_one_pool_its_price_makes_it_the_first_choice(count: int) -> None:
    policy = WeighedLatency(price=1.0)
    trial = Trial(count, count * 2.0 * PER_MINUTE / 60.0, policy=policy)
    used = sum(trial.served[name] for name in trial.provisioned)
    assert used >= 0.95 * trial.capacity
    assert all(one.target is not None for one in trial.world.answered)
