"""Whether asking a cheap tier first is worth it."""

from __future__ import annotations

from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from policies.cascading.worth import LEAST, MEMORY, Account, Tally, most_failed, not_worth

SHARES = st.integers(0, 100).map(lambda one: one / 100)
COSTS = st.integers(1, 1_000_000)


def tally(share: float, cost: float, checks: float, *above: float) -> Tally:
    """What such a tier comes to after many answers."""
    n = float(MEMORY)
    return Tally(n, share * n, cost * n, checks * n, tuple(one * n for one in above), n)


@given(SHARES, COSTS, st.integers(0, 1_000_000), COSTS)
def test_two_tiers_are_a_cascade_only_where_that_is_cheaper_than_always_dear(
    share: float, cheap: int, checks: int, dear: int
) -> None:
    off = not_worth([tally(share, cheap, checks, dear)])
    costs = cheap + checks + share * dear
    if costs > dear * (1 + 1e-9):
        assert off == {0}
    elif costs < dear * (1 - 1e-9):
        assert not off


@given(SHARES, SHARES, COSTS, COSTS, COSTS, st.integers(0, 1000), st.integers(0, 1000))
def test_of_three_tiers_those_are_asked_by_which_it_is_cheapest(
    first: float, second: float, one: int, two: int, three: int, checks: int, others: int
) -> None:
    tallies = [tally(first, one, checks, two, three), tally(second, two, others, three)]
    costs, extra, failing = (one, two, three), (checks, others), (first, second)

    def expected(skipped: frozenset[int]) -> float:
        total = float(three)
        for tier in (1, 0):
            if tier not in skipped:
                total = costs[tier] + extra[tier] + failing[tier] * total
        return total

    ways = [
        frozenset(tier for tier, off in enumerate(flags) if off)
        for flags in product((False, True), repeat=2)
    ]
    best = min(expected(way) for way in ways)
    assert expected(not_worth(tallies)) <= best * (1 + 1e-9)
    assert expected(not_worth(tallies)) <= three * (1 + 1e-9)


def test_it_is_off_after_enough_answers_in_every_setting_where_always_dear_is_cheaper() -> None:
    rng = Random(5)
    for share, cheap, checks, dear in product(
        (0.0, 0.3, 0.6, 0.9, 1.0), (1, 10, 90, 200), (0, 20), (100,)
    ):
        told = Tally()
        for _ in range(1000):
            told.add(failed=rng.random() < share, cost=cheap, checks=checks, above=[dear])
        margin = cheap + checks + share * dear - dear
        if margin >= 20:  # four standard errors of what a hundred answers tell
            assert not_worth([told]) == {0}, (share, cheap, checks)
        elif margin <= -20:
            assert not not_worth([told]), (share, cheap, checks)


def test_few_answers_decide_nothing() -> None:
    told = Tally()
    for _ in range(LEAST - 1):
        told.add(failed=True, cost=1, checks=0, above=[2])
        assert not not_worth([told])
    for _ in range(6):
        told.add(failed=True, cost=1, checks=0, above=[2])
    assert not_worth([told]) == {0}


def test_without_prices_nothing_is_said() -> None:
    told = Tally()
    for _ in range(50):
        told.add(failed=True, cost=None, checks=0, above=[2])
    assert most_failed([told], 0) is None
    assert not not_worth([told])


def test_answers_of_which_no_price_is_known_cost_as_much_as_the_others() -> None:
    told, known = Tally(), Tally()
    for number in range(200):
        failed = number % 10 < 3
        told.add(failed=failed, cost=None if number % 2 else 90, checks=0, above=[100])
        known.add(failed=failed, cost=90, checks=0, above=[100])
        assert not_worth([told]) == not_worth([known])
    assert not_worth([told]) == {0}  # 90 + 0.3 · 100 is more than 100


def test_what_changes_is_seen() -> None:
    told = Tally()
    for failed in [True] * 300 + [False] * 300:
        told.add(failed=failed, cost=1, checks=0, above=[2])
    assert told.share < 0.06
    assert not not_worth([told])


def test_savings_count_checks_and_audits() -> None:
    assert Account(10, 2, answers=50, checks=20, audits=10, dear=100).saved == 20
    assert Account(10, 2, answers=50, checks=60, audits=10, dear=100).saved == -20
