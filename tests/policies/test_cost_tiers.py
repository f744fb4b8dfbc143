from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import (
    CostTiers,
    LeastLatency,
    Priority,
    Refusal,
    Request,
    Rule,
    Starter,
    Target,
    Threshold,
    WeightedRoundRobin,
)
from tests.policies.driver import World, limited
from tests.policies.engine.test_learn import Diary

LONG = Rule(1, input_tokens=Threshold(">", 8_000))
TOOLS = Rule(2, tools=True)
SMART = CostTiers((LONG, TOOLS))


def asked(**fields: Any) -> Request:
    return Request("m", 60.0, **fields)


def three_tiers(policy: CostTiers = SMART, **options: Any) -> World:
    tiers = [Target("cheap/m", 1, 0), Target("fair/m", 1, 1), Target("dear/m", 1, 2)]
    return World(*tiers, policy=policy, **options)


class TestRules:
    def test_without_a_rule_that_holds_a_request_starts_in_the_first_tier(self) -> None:
        assert SMART.start(asked(input_tokens=8_000)) == 0
        assert CostTiers().start(asked(features={"tools": True})) == 0

    def test_the_highest_tier_of_all_rules_that_hold_counts_whatever_their_order(self) -> None:
        both = asked(input_tokens=9_000, features={"tools": True})
        assert SMART.start(both) == CostTiers((TOOLS, LONG)).start(both) == 2
        assert SMART.start(asked(input_tokens=9_000)) == 1

    @pytest.mark.parametrize(
        ("sign", "holds"),
        [
            (">", [False, False, True]),
            (">=", [False, True, True]),
            ("<", [True, False, False]),
            ("<=", [True, True, False]),
        ],
    )
    def test_a_threshold_compares_as_it_is_written(self, sign: Any, holds: list[bool]) -> None:
        assert [Threshold(sign, 8).holds(tokens) for tokens in (7, 8, 9)] == holds

    def test_all_conditions_of_one_rule_must_hold(self) -> None:
        rule = Rule(1, input_tokens=Threshold(">", 10), stream=True, images=True)
        assert rule.holds(asked(input_tokens=11, stream=True, features={"images": True}))
        assert not rule.holds(asked(input_tokens=10, stream=True, features={"images": True}))
        assert not rule.holds(asked(input_tokens=11, features={"images": True}))
        assert not rule.holds(asked(input_tokens=11, stream=True))

    def test_a_caller_who_set_no_bound_matches_no_rule_about_it(self) -> None:
        for sign in (">", ">=", "<", "<="):
            assert not Rule(1, output_tokens=Threshold(sign, 100)).holds(asked())
        assert Rule(1, output_tokens=Threshold("<", 100)).holds(asked(output_tokens=0))

    def test_what_nobody_looked_for_is_not_there(self) -> None:
        assert not Rule(1, schema=True).holds(asked())
        assert Rule(1, schema=False).holds(asked())

    def test_a_rule_without_conditions_holds_for_all(self) -> None:
        assert CostTiers((Rule(1),)).start(asked()) == 1

    def test_it_needs_the_features_that_its_rules_ask_for_and_no_other(self) -> None:
        assert CostTiers((LONG, Rule(1, stream=True))).needs == frozenset()
        rules = (LONG, TOOLS, Rule(1, images=False))
        assert CostTiers(rules).needs == frozenset({"tools", "images"})

    def test_what_makes_no_sense_is_refused(self) -> None:
        with pytest.raises(ValueError, match="tiers count from 0"):
            Rule(-1)
        with pytest.raises(ValueError, match="is none of"):
            Threshold("=", 8)  # type: ignore[arg-type]

    @given(st.integers(0, 10**7), st.integers(0, 10**7))
    def test_more_input_never_starts_lower_where_the_rules_ask_for_more(
        self, less: int, more: int
    ) -> None:
        rules = tuple(Rule(tier, input_tokens=Threshold(">", 10**tier)) for tier in range(1, 7))
        starts = [CostTiers(rules).start(asked(input_tokens=n)) for n in sorted((less, more))]
        assert starts == sorted(starts)


def test_it_is_a_value_and_says_where_a_request_starts() -> None:
    starter: Starter = SMART
    assert starter == CostTiers((LONG, TOOLS), LeastLatency())
    assert len({SMART, CostTiers((LONG, TOOLS)), CostTiers()}) == 2


def test_a_request_is_sent_to_the_tier_in_which_it_starts() -> None:
    world = three_tiers()
    assert world.shares(20) == {"cheap/m": 20}
    assert world.shares(20, input_tokens=9_000) == {"fair/m": 20}
    assert world.shares(20, features={"tools": True}) == {"dear/m": 20}


def test_from_its_start_on_the_overflow_goes_on_as_by_priority() -> None:
    world = three_tiers(facts={"fair/m": limited(concurrent=2)})
    sends = [world.send(input_tokens=9_000) for _ in range(4)]
    assert [send.target for send in sends] == ["fair/m"] * 2 + ["dear/m"] * 2
    world.close()


def test_inside_a_tier_the_inner_policy_chooses() -> None:
    targets = [Target("a/m", 1, 0), Target("b/m", 3, 1), Target("c/m", 1, 1)]
    world = World(*targets, policy=CostTiers((Rule(1, stream=True),), WeightedRoundRobin()))
    assert world.shares(40, stream=True) == {"b/m": 30, "c/m": 10}


def test_who_names_a_target_gets_it_wherever_it_stands() -> None:
    world = three_tiers()
    told = world.ask(only=frozenset({"cheap/m"}), features={"tools": True})
    assert told.targets == ["cheap/m"]


def test_another_policy_for_one_request_takes_its_rules_with_it() -> None:
    world = three_tiers()
    assert world.ask(policy=Priority(), features={"tools": True}).targets == ["cheap/m"]
    world = three_tiers(policy=CostTiers())
    assert world.ask(policy=SMART, features={"tools": True}).targets == ["dear/m"]


def test_explain_shows_the_tiers_below_the_start_as_closed_and_gives_them_no_odds() -> None:
    world = three_tiers()
    explained = world.engine.explain(world.request(input_tokens=9_000), world.now)
    cheap, fair, dear = explained.targets
    assert cheap.refused is not None
    assert cheap.refused.refusal is Refusal.TIER
    assert [target.odds for target in (cheap, fair, dear)] == [0.0, 1.0, 0.0]


class TestLearning:
    @pytest.mark.parametrize("outer", [Priority, lambda within: CostTiers((), within)])
    def test_the_policy_inside_learns_each_tier_for_itself(self, outer: Any) -> None:
        world = World("a/m", Target("b/m", 1, 1), policy=outer(Diary()), facts={
            "a/m": limited(concurrent=1)
        })  # fmt: skip
        first, second = world.send(), world.send()
        world.settle(first)
        world.settle(second)
        memory: Any = world.engine._pools["m"].own[1]
        told = {tier: [lesson[0] for lesson in book] for tier, book in memory.tiers.items()}
        assert told == {0: ["a/m"], 1: ["b/m"]}
        assert world.errors == []

    def test_nobody_is_told_where_the_policy_inside_learns_nothing(self) -> None:
        assert Priority().learn is CostTiers().learn is None
        assert World("a/m", policy=Priority()).engine._pools["m"].learn is None

    def test_a_switch_to_another_tier_is_learned_there(self) -> None:
        world = World("a/m", Target("b/m", 1, 1), policy=Priority(Diary()))
        send = world.send()
        send.attempt.switch(world.now)
        world.settle(send)
        memory: Any = world.engine._pools["m"].own[1]
        assert [lesson[0] for lesson in memory.tiers[1]] == ["b/m"]
