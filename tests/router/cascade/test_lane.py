"""One route's cascade as it goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies import Outcome, Price, Report
from policies.cost_tiers import CostTiers
from policies.policy import Request
from router.cascade.lane import LOOK, Lane, skipping
from router.cascade.shown import reasons, shown
from router.cascade.terms import Terms
from router.config import Audit, Rate

ALL_GOOD, ALL_BAD = "", "empty"
USED = Report(Outcome.OK, input_tokens=100, output_tokens=100)


def terms(measured: str = "1", *, tiers: int = 2, priced: bool = True) -> Terms:
    usual = tuple(Price(10**at, 10**at) if priced else None for at in range(tiers))
    names = {f"{letter}/m": at for at, letter in enumerate("abc"[:tiers])}
    prices = {name: Price(10**at, 10**at) for name, at in names.items()} if priced else {}
    audit = Audit(bound=0.05, spend=Rate(1000, 60.0))
    return Terms("chat", (), (), False, names, prices, usual, audit, None, measured)


def lane(chance: float = 0.5, **options: bool | int) -> Lane:
    return Lane(terms(**options), lambda: 1, lambda: chance)  # type: ignore[arg-type]


def answered(one: Lane, times: int, failed: str, tier: int = 0) -> None:
    for _ in range(times):
        one.add(tier, failed, USED, one.terms.cost("a/m", USED), 0)


def test_a_tier_whose_answers_fail_is_skipped_but_for_a_look() -> None:
    one = lane()
    answered(one, 30, ALL_BAD)
    assert one.skips(checked=True) == (frozenset({0}), False)
    assert one.skips(checked=False) == (frozenset(), False)  # it costs those nothing
    one = lane(chance=LOOK / 2)
    answered(one, 30, ALL_BAD)
    assert one.skips(checked=True) == (frozenset(), True)


def test_a_tier_that_is_mistrusted_is_skipped_for_all() -> None:
    one = lane()
    for _ in range(20):
        one.compared(0, wrong=True)
    assert one.skips(checked=False) == (frozenset({0}), False)
    assert one.skips(checked=True) == (frozenset({0}), False)


def test_without_prices_nothing_is_skipped_for_what_it_costs() -> None:
    one = lane(priced=False)
    answered(one, 50, ALL_BAD)
    assert one.skips(checked=True) == (frozenset(), False)
    assert "not known, for want of a price" in reasons(one, 0)[0]


def test_of_tiers_below_the_first_only_those_that_are_skipped_are_spoken_of() -> None:
    one = lane()
    assert len(reasons(one, 0)) == one.terms.last
    assert len(reasons(one, 1)) == one.terms.last - 1
    answered(one, 50, ALL_BAD)
    one.skips(checked=True)
    assert "dearer than to begin above it" in reasons(one, 1)[0]


def test_what_was_measured_counts_on_where_it_is_of_the_same_sample() -> None:
    one = lane()
    answered(one, 30, ALL_BAD)
    one.renew(terms())
    assert one.dear == {0}
    one.renew(terms("2"))
    assert not one.dear
    assert one.checked == [0]


def test_the_next_tier_is_the_first_above_that_is_not_skipped() -> None:
    one = lane(tiers=3)
    assert one.terms.onward(0, frozenset()) == 1
    assert one.terms.onward(0, frozenset({1})) == 2
    assert one.terms.onward(1, frozenset({0})) == 2


def test_what_a_dear_answer_would_have_cost_goes_by_how_long_dear_answers_are() -> None:
    one = lane()
    assert one.dearest(0, USED) == 2000
    for _ in range(1000):
        one.twice(0, 100, 1, 200)
    told = one.dearest(0, USED)
    assert told == pytest.approx(3000, rel=0.02)
    for _ in range(1000):
        one.twice(0, 1, 1, 1000)
    told = one.dearest(0, USED)
    assert told == 1000 + 10 * 400  # more than four times as long is not believed


def test_skipped_tiers_are_a_feature_that_the_policy_goes_by() -> None:
    policy, request = CostTiers(), Request("chat", 60.0)
    assert skipping(request, frozenset()) is request
    assert policy.start(skipping(request, frozenset({0}))) == 1
    assert policy.start(skipping(request, frozenset({0, 1}))) == 2
    assert policy.start(skipping(request, frozenset({1}))) == 0
    [why] = policy.why(skipping(request, frozenset({0})))
    assert why == "starts in tier 2: tier 1 is skipped by its cascade (no rule names another)"


def test_it_is_shown_in_numbers_and_in_words() -> None:
    one = lane()
    page = shown(one)
    assert page["words"] == "no answer was checked yet"
    answered(one, 30, ALL_GOOD)
    [tier] = shown(one)["tiers"]
    assert (tier["asked_first"], tier["share_failed"], tier["share_worth"]) == (True, 0.0, 0.9)
    assert tier["why"] == (
        "0% of its last answers failed, and up to 90% it is cheaper than to begin above it"
    )


def test_always_dear_would_have_had_as_warm_a_cache() -> None:
    dear = Price(1000, 1000, 100, 1250)
    one = Lane(replace(terms(), usual=(Price(100, 100), dear)), lambda: 1, lambda: 0.5)
    warm = USED._replace(cached_tokens=80, stored_tokens=20)
    assert one.dearest(0, warm) == 80 * 100 + 20 * 1250 + 100 * 1000


def test_what_is_not_known_of_the_checks_is_not_known_of_what_the_tier_saves() -> None:
    one = lane()
    for _ in range(30):
        one.add(0, ALL_BAD, USED, one.terms.cost("a/m", USED), None)
    assert one.skips(checked=True) == (frozenset(), False)
    assert "not known, for want of a price" in reasons(one, 0)[0]
