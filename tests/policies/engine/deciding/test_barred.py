"""Targets that a request may not be sent to: not first, not later, not beside, not to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from policies import (
    Cause,
    CostTiers,
    Facts,
    Fail,
    Outcome,
    Phase,
    Priority,
    Refusal,
    Refused,
    Report,
    Request,
    Retry,
    Rule,
    Send,
    Target,
    Threshold,
    Wait,
)
from policies.engine.refusal import BARRING, FOR_GOOD
from tests.policies.driver import FAILED, InOrder, Reply, World, limited

AWAY = Refused(Refusal.RESIDENCY, lacking=("eu",))
FROM_A = {"a/m": AWAY}


def test_a_barred_target_gets_nothing_and_its_cause_is_told() -> None:
    world = World("a/m", "b/m")
    assert world.ask(barred=FROM_A).targets == ["b/m"]
    explained = world.engine.explain(world.request(barred=FROM_A), world.now)
    first, second = explained.targets
    assert first.refused == AWAY
    assert first.words == "what it is sent does not stay where the request must: eu"
    assert (first.odds, second.odds) == (0.0, 1.0)


def test_a_bar_is_for_good_and_no_wait_ends_it() -> None:
    assert BARRING < FOR_GOOD
    fail = World("a/m").ask(barred=FROM_A).fail
    assert fail == Fail(Cause.NO_TARGET, FROM_A, None)


@pytest.mark.parametrize("refusal", [one for one in Refusal if one in BARRING])
def test_what_bars_a_request_says_so_in_words(refusal: Refusal) -> None:
    assert Refused(refusal).words == refusal.value
    assert Refused(refusal, lacking=("a", "b")).words == f"{refusal.value}: a, b"


def test_only_another_wish_comes_before_a_bar_as_a_cause() -> None:
    facts = {"a/m": Facts(context=10), "b/m": Facts(context=10)}
    world = World(Target("a/m", weight=0), "b/m", "c/m", facts=facts)
    barred = {"a/m": AWAY, "b/m": Refused(Refusal.TENANT), "c/m": AWAY}
    world.eject("c/m")
    refusals = world.start(barred=barred, input_tokens=1000).refusals(world.now)
    assert refusals == barred
    only = frozenset({"b/m"})
    refusals = world.start(barred=barred, only=only).refusals(world.now)
    assert {name: refused.refusal for name, refused in refusals.items()} == {
        "a/m": Refusal.EXCLUDED,
        "b/m": Refusal.TENANT,
        "c/m": Refusal.EXCLUDED,
    }
    world.close()


def test_whoever_names_a_barred_target_is_not_served_by_it() -> None:
    told = World("a/m", "b/m").ask(barred=FROM_A, only=frozenset({"a/m"}))
    assert told.targets == []


def test_a_failure_does_not_lead_to_a_barred_target() -> None:
    world = World("b/m", "a/m", retry=Retry(attempts=3))
    world.will("b/m", FAILED)
    told = world.ask(barred=FROM_A)
    assert set(told.targets) == {"b/m"}, "but on the spot: it is alone"
    assert told.fail is not None


def test_a_target_alone_among_barred_ones_is_asked_again_on_the_spot() -> None:
    world = World("b/m", "a/m", retry=Retry(attempts=3, budget=1.0))
    for _ in range(20):
        world.ask(barred=FROM_A)
    world.will("b/m", FAILED, Report(Outcome.OK))
    assert world.ask(barred=FROM_A).targets == ["b/m", "b/m"]


def test_an_ejected_target_is_neither_looked_at_nor_overflowed_to_where_it_is_barred() -> None:
    world = World("a/m", "b/m")
    world.eject("a/m")
    world.now = world.until("a/m") + 1.0
    for _ in range(50):
        assert world.ask(barred=FROM_A).targets == ["b/m"]
    world.eject("b/m")
    world.now = max(world.until("a/m"), world.until("b/m")) + 1.0
    sent = [target for _ in range(50) for target in world.ask(barred=FROM_A).targets]
    assert "a/m" not in sent
    assert world.state("a/m") == "ejected"
    assert world.ask().targets, "others look at it"


def test_no_rescue_and_no_hedge_goes_to_a_barred_target() -> None:
    world = World("b/m", "a/m", retry=Retry(attempts=3, budget=1.0, hedge=0.2))
    for _ in range(30):
        world.ask(stream=True)
    course = world.start(barred=FROM_A, stream=True, within=60.0)
    send = course.next(world.now)
    assert isinstance(send, Send)
    send.attempt.sent(world.now)
    while world.now < send.limits.head:
        action = course.next(world.now)
        assert isinstance(action, Wait)
        world.now = min(action.until, send.limits.head)
    world.settle(send, Report(Outcome.FAILED, Phase.FIRST_TOKEN))
    assert isinstance(course.next(world.now), Fail)
    world.close()


def test_a_barred_target_is_no_runner_up() -> None:
    world = World("b/m", "a/m", "c/m")
    send = world.send(barred=FROM_A)
    assert send.attempt.runner_up == "c/m"
    send = world.send(barred={**FROM_A, "c/m": AWAY})
    assert send.attempt.runner_up is None
    world.close()


def test_nobody_waits_for_the_place_of_a_barred_target() -> None:
    world = World("a/m", "b/m", facts={"a/m": limited(concurrent=1), "b/m": limited(concurrent=1)})
    first, second = world.send(), world.send()
    course = world.start(barred=FROM_A)
    assert isinstance(course.next(world.now), Wait)
    assert world.pool.queue.waiting[course].wanted == {"b/m"}
    taken = {send.target: send for send in (first, second)}
    world.settle(taken["a/m"])
    assert isinstance(course.next(world.now), Wait)
    world.settle(taken["b/m"])
    action = course.next(world.now)
    assert isinstance(action, Send)
    assert action.target == "b/m"
    world.close()


def test_a_tier_in_which_nobody_may_serve_is_left_at_once_and_for_no_cause() -> None:
    targets = Target("a/m", 1, 0), Target("b/m", 1, 1)
    world = World(*targets, policy=Priority(), climb=frozenset(), patience=5.0)
    told = world.ask(barred=FROM_A)
    assert told.targets == ["b/m"]
    assert not told.waits


def test_a_start_is_no_later_than_the_last_tier_that_may_serve() -> None:
    hard = CostTiers((Rule(2, input_tokens=Threshold(">", 500)),))
    targets = [Target(f"{name}/m", 1, tier) for tier, name in enumerate("abc")]
    world = World(*targets, policy=hard)
    assert world.ask(input_tokens=900).targets == ["c/m"]
    assert world.ask(input_tokens=900, barred={"c/m": AWAY}).targets == ["b/m"]
    assert world.ask(input_tokens=900, barred=FROM_A).targets == ["c/m"]


def test_an_answer_is_gone_on_with_by_nobody_who_is_barred() -> None:
    world = World("b/m", "a/m", "c/m", retry=Retry(attempts=4, budget=1.0))
    for _ in range(20):
        world.ask()
    course = world.start(stream=True, barred=FROM_A)
    send = course.next(world.now)
    assert isinstance(send, Send)
    send.attempt.sent(world.now)
    send.attempt.first_token(world.now)
    world.settle(send, Report(Outcome.FAILED, Phase.BODY))
    course.go_on({"a/m", "c/m"}, world.now)
    action = course.next(world.now)
    assert isinstance(action, Send)
    assert action.target == "c/m"
    world.close()


def test_a_climb_asks_nobody_who_is_barred() -> None:
    targets = [Target(f"{name}/m", 1, tier) for tier, name in enumerate("bac")]
    world = World(*targets, policy=Priority())
    course = world.start(barred=FROM_A)
    send = course.next(world.now)
    assert isinstance(send, Send)
    world.settle(send)
    course.climb(1, world.now)
    action = course.next(world.now)
    assert isinstance(action, Send)
    assert action.target == "c/m"
    world.close()


@dataclass(frozen=True)
class Watching(InOrder):
    seen: ClassVar[list[list[str]]] = []

    def choose(self, request, candidates, memory, now, rng):
        self.seen.append([candidate.name for candidate in candidates])
        return candidates[0]


def test_a_policy_never_sees_a_barred_target() -> None:
    world = World("a/m", "b/m", "c/m", policy=Watching())
    world.will("b/m", Reply(FAILED))
    world.ask(barred=FROM_A)
    assert Watching.seen
    assert not any("a/m" in names for names in Watching.seen)


def test_a_request_that_is_barred_from_nowhere_is_the_usual_one() -> None:
    assert Request("m", 1.0).barred == {}
