"""Money weighs as much as it is said to: what costs twice as much must be so many times as fast."""

from __future__ import annotations

import pytest

from policies import Facts, Price, WeighedLatency
from policies.simulate import Fault, Service, World
from tests.policies.claims.played import named, play, pools, seeds, several, shares

FIRST = "a0/m"
PRICE, TWICE = Price(1_000, 4_000), Price(2_000, 8_000)
SLOW = 1.2
"""Seconds to the first token of the others."""


def asked(
    count: int, seed: int, price: float, *, faster: float = 1.0, dear: Price | None = TWICE,
    **options: object,
) -> World:  # fmt: skip
    """The first target costs twice as much as the others, and is so many times as fast."""
    targets = named(count)
    facts = {target.name: Facts(price=PRICE) for target in targets} | {FIRST: Facts(price=dear)}
    slow = Service(first_token=SLOW, spread=0.05, per_token=0.0)
    services = {target.name: slow for target in targets}
    services[FIRST] = Service(first_token=SLOW / faster, spread=0.05, per_token=0.0)
    policy = WeighedLatency(price=price)
    return play(policy, targets, seed, facts=facts, services=services, **options)  # type: ignore[arg-type]


@pools
@seeds
def test_of_equals_the_dear_one_gets_no_more_than_looks(count: int, seed: int) -> None:
    world = asked(count, seed, 1.0)
    assert shares(world, 20.0)[FIRST] <= (1.0 if count == 1 else 0.12 / count)


@several
@seeds
@pytest.mark.parametrize(("price", "enough"), [(0.3, 1.23), (1.0, 2.0), (2.0, 4.0)])
def test_what_costs_twice_as_much_must_be_so_many_times_as_fast(
    count: int, seed: int, price: float, enough: float
) -> None:
    """Twice as fast as that it gets all but the overflow, and half as fast no more than looks."""
    rate = 4.0 / count
    more = asked(count, seed, price, faster=2.0 * enough, rate=rate)
    less = asked(count, seed, price, faster=enough / 2.0, rate=rate)
    assert shares(more, 20.0)[FIRST] >= 0.7
    assert shares(less, 20.0)[FIRST] <= 0.06


@several
@seeds
def test_an_unknown_price_counts_as_the_dearest(count: int, seed: int) -> None:
    assert shares(asked(count, seed, 1.0, dear=None), 20.0)[FIRST] >= 0.6 / count
    if count > 2:
        targets = named(count)
        facts = {target.name: Facts(price=PRICE) for target in targets}
        facts |= {FIRST: Facts(), targets[1].name: Facts(price=TWICE)}
        world = play(WeighedLatency(price=1.0), targets, seed, facts=facts)
        for name in (FIRST, targets[1].name):
            assert shares(world, 20.0)[name] <= 0.12 / count


@several
@seeds
def test_the_cheap_one_is_left_when_it_is_sick(count: int, seed: int) -> None:
    faults = [Fault(target.name, 40.0, 80.0, slower=10.0) for target in named(count)[1:]]
    world = asked(count, seed, 1.0, faults=faults)
    assert shares(world, 50.0, 80.0)[FIRST] >= 0.8


@pools
@seeds
@pytest.mark.parametrize(
    ("price", "dear", "others"), [(0.0, TWICE, PRICE), (3.0, PRICE, PRICE), (3.0, None, None)]
)
def test_where_it_tells_nobody_apart_equals_have_equal_parts(
    count: int, seed: int, price: float, dear: Price | None, others: Price | None
) -> None:
    facts = {target.name: Facts(price=others) for target in named(count)}
    facts[FIRST] = Facts(price=dear)
    world = play(WeighedLatency(price=price), named(count), seed, facts=facts)
    assert all(0.7 / count <= share <= 1.3 / count for share in shares(world).values())
