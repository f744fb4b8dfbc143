"""What an outage may cost: dearer tiers are paid from a purse where cheaper ones fail."""

import pytest

from policies import Climb, Facts, Limits, Price, Priority, Refusal, Route, Target
from policies.engine.limits.bill import HOUR, START, Purse
from tests.policies.driver import FAILED, World

CHEAP, DEAR = Price(100, 100), Price(10_000, 10_000)
TIERS = (Target("a/m"), Target("b/m", tier=1))
PRICED = {"a/m": Facts(price=CHEAP), "b/m": Facts(price=DEAR)}
ASKED = {"input_tokens": 999, "output_tokens": 1}
"""Costs 0.1 million nano-dollars at the cheap one, and 10 at the dear one."""


def outage(**facts: Facts) -> World:
    world = World(*TIERS, policy=Priority(), facts={**PRICED, **facts})
    world.eject("a/m")
    world.will("a/m", FAILED)
    return world


def dear(world: World, requests: int, every: float = 0.1) -> int:
    """How many of so many requests the dear one answers."""
    served = 0
    for _ in range(requests):
        served += "b/m" in world.ask(**ASKED).targets
        world.now += every
    return served


def test_at_first_an_outage_is_served_by_the_dearer_tier() -> None:
    assert dear(outage(), 40) == 40


def test_beyond_the_purse_it_spends_three_times_what_it_costs_anyway() -> None:
    world = outage()
    assert dear(world, 2000) == pytest.approx(START / 10_000_000 + 2000 * 3 / 100, rel=0.1)


def test_who_is_refused_is_told_why() -> None:
    world = outage()
    dear(world, 300)
    told = world.ask(**ASKED)
    assert told.fail is not None
    assert told.fail.refusals["b/m"].refusal is Refusal.BILL
    assert told.waits == []


def test_a_tier_that_is_three_times_as_dear_is_never_refused() -> None:
    world = outage(**{"b/m": Facts(price=Price(300, 300))})
    assert dear(world, 3000) == 3000


def test_where_a_price_is_unknown_there_is_no_guard() -> None:
    world = outage(**{"b/m": Facts()})
    assert dear(world, 1000) == 1000


def test_overflow_that_limits_cause_is_free() -> None:
    full = {"a/m": Facts(Limits(concurrent=1), price=CHEAP)}
    world = World(*TIERS, policy=Priority(), facts={**PRICED, **full})
    world.send(**ASKED)
    assert dear(world, 1000) == 1000
    world.close()


def test_an_hour_of_ordinary_traffic_saves_three_times_its_cost() -> None:
    purse = Purse(0.0)
    for second in range(20 * 3600):
        purse.deposit(1000, float(second))
    assert purse.holds(int(3 * 1000 * HOUR * 0.98))
    assert not purse.holds(int(3 * 1000 * HOUR * 1.02))


def test_a_purse_is_never_overdrawn() -> None:
    purse = Purse(0.0)
    purse.spend(5 * START)
    assert purse.holds(0)
    assert not purse.holds(1)


def test_a_reload_keeps_the_purse() -> None:
    world = outage()
    dear(world, 300)
    route = Route(TIERS, Priority(), climb=frozenset({Climb.FAILURE}))
    world.engine.replace({"m": route}, PRICED, world.now)
    assert dear(world, 20) <= 3
