"""What becomes of a request, and of a target, whose provisioned capacity is used up."""

from __future__ import annotations

from typing import Any

import pytest

from policies import (
    Facts,
    Measurement,
    News,
    Outcome,
    Phase,
    Price,
    Priority,
    Refusal,
    Report,
    Retry,
    Scope,
    Target,
    Used,
)
from policies.engine.group import UNNAMED_SPILL
from tests.policies.driver import ANSWERED, FAILED, World

PTU = Facts(price=Price(0, 0, 0), provisioned=True)
DEAR = Facts(price=Price(10_000, 10_000))
BARE = Report(Outcome.THROTTLED, Phase.HEAD)
FULL = Report(Outcome.THROTTLED, Phase.HEAD, rest=5.0)
SPILLED = Outcome.SPILLED


def world(*provisioned: str, then: str = "o/m", **options: Any) -> World:
    """Tiers of provisioned capacity, one target each, before one that is paid by use."""
    names = [*provisioned, then]
    facts = {**dict.fromkeys(provisioned, PTU), then: DEAR}
    targets = [Target(name, 1, tier) for tier, name in enumerate(names)]
    return World(*targets, policy=Priority(), facts=facts, **options)


def level(one: World) -> float:
    one.pool.budget.can_pay(one.now)
    return one.pool.budget._level


def test_a_429_of_provisioned_capacity_is_spilled_and_the_next_tier_answers() -> None:
    one = world("p/m")
    one.will("p/m", FULL)
    told = one.ask()
    assert told.targets == ["p/m", "o/m"]
    report = told.sends[0].attempt.report
    assert report is not None
    assert (report.outcome, report.scope, report.rest) == (SPILLED, Scope.TARGET, 5.0)
    assert one.state("p/m") == "spilled"


def test_it_rests_for_as_long_as_its_provider_says_and_is_asked_at_once_after() -> None:
    one = world("p/m")
    one.will("p/m", FULL, ANSWERED)
    refused = one.now + 0.1
    one.ask()
    assert one.until("p/m") == pytest.approx(refused + 5.0)
    assert one.ask().targets == ["o/m"]
    one.now = refused + 5.01
    assert one.ask().targets == ["p/m"]


def test_where_nobody_says_it_rests_half_a_second_however_often_it_spills() -> None:
    one = world("p/m")
    one.will("p/m", BARE)
    for _ in range(5):
        assert one.ask().targets == ["p/m", "o/m"]
        assert one.until("p/m") - one.now <= UNNAMED_SPILL
        one.now += UNNAMED_SPILL


def test_no_limit_is_learned_of_it_and_nothing_is_held_against_it() -> None:
    one = world("p/m")
    one.will("p/m", BARE)
    for _ in range(50):
        one.ask()
        one.now += 1.0
    standing = one.members[0].standing
    assert standing.pressure.limit is None
    assert one.engine.snapshot(one.now)["p/m"].factors.score == 1.0


def test_what_says_that_it_is_sick_still_does() -> None:
    one = world("p/m")
    one.will("p/m", Report(Outcome.THROTTLED, Phase.HEAD, overloaded=True))
    told = one.ask()
    report = told.sends[0].attempt.report
    assert report is not None
    assert report.outcome is Outcome.THROTTLED
    assert one.members[0].standing.pressure.limit is not None


def test_a_spill_is_no_attempt_and_no_failover_that_counts() -> None:
    """One attempt is allowed, and the budget is empty."""
    one = world("p/m", "q/m", retry=Retry(attempts=1, budget=0.0))
    while one.pool.budget.withdraw(one.now):
        pass
    for name in ("p/m", "q/m"):
        one.will(name, FULL)
    assert one.ask().targets == ["p/m", "q/m", "o/m"]


def test_after_a_spill_failures_count_as_if_nobody_had_been_asked_before() -> None:
    one = world("p/m", retry=Retry(attempts=2, budget=0.0))
    one.will("p/m", FULL)
    one.will("o/m", FAILED)
    told = one.ask()
    assert told.targets == ["p/m", "o/m", "o/m"]
    assert told.fail is not None


def test_spilling_to_a_target_that_fails_is_free_as_well() -> None:
    """It is where the request would have gone without provisioned capacity."""
    one = world("p/m")
    one.will("p/m", FULL)
    one.will("o/m", FAILED, ANSWERED)
    send = one.send(only=frozenset({"o/m"}))
    one.settle(send, FAILED)
    before = level(one)
    assert one.ask().targets == ["p/m", "o/m", "o/m"]
    assert level(one) >= before - 1.0  # the retry on the spot alone was paid


def test_what_acts_in_the_world_may_be_sent_on_after_a_spill() -> None:
    one = world("p/m")
    one.will("p/m", FULL)
    assert one.ask(acts=True).targets == ["p/m", "o/m"]


def test_the_bill_of_an_outage_is_not_drawn_on_for_spilling() -> None:
    one = world("p/m", then="o/m")
    purse = one.pool.purse
    assert purse is not None
    one.will("p/m", FULL)
    purse.spend(10**12)
    assert one.ask(input_tokens=1_000_000).targets == ["p/m", "o/m"]
    assert not purse.holds(10**12)


def test_an_outage_of_provisioned_capacity_is_served_by_what_is_paid_by_use() -> None:
    """What costs nothing more would else leave nothing to pay its stand-in with."""
    one = world("p/m")
    one.eject("p/m")
    purse = one.pool.purse
    assert purse is not None
    purse.spend(10**12)
    assert one.ask(input_tokens=1_000_000).targets[-1] == "o/m"


def test_a_tier_that_is_dearer_than_that_is_still_guarded() -> None:
    facts = {"p/m": PTU, "o/m": DEAR, "x/m": Facts(price=Price(10**6, 10**6))}
    targets = [Target(name, 1, tier) for tier, name in enumerate(facts)]
    one = World(*targets, policy=Priority(), facts=facts)
    for name in ("p/m", "o/m"):
        one.eject(name)
    purse = one.pool.purse
    assert purse is not None
    purse.spend(10**12)
    told = one.ask(input_tokens=1000)
    assert "x/m" not in told.targets


def test_a_lone_target_is_waited_for_as_any_that_rests() -> None:
    one = World("p/m", facts={"p/m": PTU})
    one.will("p/m", Report(Outcome.THROTTLED, Phase.HEAD, rest=0.4), ANSWERED)
    told = one.ask()
    assert told.targets == ["p/m", "p/m"]
    assert told.waits


def test_all_of_it_used_is_as_a_refusal() -> None:
    one = world("p/m")
    send = one.send()
    send.attempt.sent(one.now)
    send.attempt.observe(Measurement((), used=Used(1.0, 2.5)), one.now)
    one.settle(send)
    assert one.ask().targets == ["o/m"]
    snapshot = one.engine.snapshot(one.now)["p/m"]
    assert (snapshot.state, snapshot.used) == ("spilled", 1.0)
    one.now += 2.5
    assert one.ask().targets == ["p/m"]


def test_a_part_of_it_used_is_shown_and_nothing_else() -> None:
    one = world("p/m")
    send = one.send()
    send.attempt.observe(Measurement((), used=Used(0.873)), one.now)
    one.settle(send)
    assert one.engine.snapshot(one.now)["p/m"].used == 0.873
    assert one.ask().targets == ["p/m"]


def test_what_is_used_rests_nobody_whose_capacity_is_not_provisioned() -> None:
    one = World("p/m", "o/m")
    send = one.send()
    send.attempt.observe(Measurement((), used=Used(1.2)), one.now)
    one.settle(send)
    assert one.ask().targets == ["p/m"]


def test_what_was_learned_of_its_places_is_forgotten_where_it_becomes_provisioned() -> None:
    one = World("p/m", "o/m")
    one.will("p/m", BARE)
    one.ask()
    assert one.members[0].standing.pressure.limit == 1
    one.engine.replace({"m": one.route}, {"p/m": PTU}, one.now)
    assert one.members[0].standing.pressure.limit is None


def test_a_sibling_is_told_of_it_as_of_every_rest() -> None:
    told: list[tuple[str, News, float]] = []
    one, other = world("p/m"), world("p/m")
    one.engine._on_news = lambda *news: told.append(news)
    one.will("p/m", FULL)
    one.ask()
    ((name, news, until),) = told
    assert (name, news) == ("p/m", News.RESTING)
    other.engine.advise(name, news, one.now, until)
    assert other.ask().targets == ["o/m"]
    assert other.engine.snapshot(other.now)["p/m"].state == "spilled"


def test_that_its_capacity_was_used_up_is_known_for_a_while() -> None:
    one = world("p/m")
    one.will("p/m", FULL)
    one.ask()
    rested = one.now
    assert one.engine.had_spilled("p/m", rested)
    assert not one.engine.had_spilled("o/m", rested)
    assert not one.engine.had_spilled("p/m", one.now + 100)
    one.now += 100
    one.ask()
    assert one.engine.had_spilled("p/m", rested)


def test_explain_says_that_its_capacity_is_used_up_and_until_when() -> None:
    one = world("p/m")
    one.will("p/m", FULL)
    one.ask()
    first = one.engine.explain(one.request(), one.now).targets[0]
    assert first.refused is not None
    assert first.refused.refusal is Refusal.SPILLED
    assert first.words == "its provisioned (or flex) capacity is used up for 4.9 s"
