from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import (
    CostTiers,
    LeastLatency,
    Priority,
    Record,
    Refusal,
    Request,
    Rule,
    Starter,
    Target,
    Threshold,
    WeightedRoundRobin,
)
from policies.engine.showing.telling import told
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


CODE = Rule(score=0.4, code=True)
LONGER = Rule(score=0.35, input_tokens=Threshold(">", 1_000))
SHORT = Rule(score=-0.5, last_tokens=Threshold("<", 5))
SCORED = CostTiers((CODE, LONGER, SHORT, TOOLS), tiers_at=(0.4, 0.75))


class TestScores:
    def test_what_holds_is_added_up_and_starts_where_it_reaches(self) -> None:
        code = {"code": True}
        assert SCORED.start(asked()) == 0
        assert SCORED.start(asked(input_tokens=2_000)) == 0
        assert SCORED.start(asked(features=code)) == 1
        assert SCORED.start(asked(input_tokens=2_000, features=code)) == 2

    def test_a_sum_of_hundredths_is_what_a_person_would_say(self) -> None:
        rules = tuple(Rule(score=0.1, stream=False) for _ in range(7))
        assert CostTiers((*rules, Rule(score=0.1)), tiers_at=(0.8,)).start(asked()) == 1

    def test_a_score_is_never_below_0_or_above_1(self) -> None:
        few = asked(features={"last_tokens": 2})
        assert SCORED.score(few) == 0.0
        many = tuple(Rule(score=0.9) for _ in range(3))
        assert CostTiers(many).score(asked()) == 1.0
        assert CostTiers(many, tiers_at=(1.0,)).start(asked()) == 1

    def test_a_tier_wins_over_the_score_in_either_direction(self) -> None:
        low = CostTiers((*SCORED.rules, Rule(0, stream=True)), tiers_at=SCORED.tiers_at)
        hard = asked(input_tokens=2_000, features={"code": True})
        assert low.start(hard) == 2
        assert low.start(hard._replace(stream=True)) == 0
        assert low.start(asked(features={"tools": True})) == 2

    def test_without_numbers_at_which_tiers_begin_scores_change_nothing(self) -> None:
        assert CostTiers((CODE,)).start(asked(features={"code": True})) == 0

    def test_an_estimate_stands_for_the_score_and_where_there_is_none_the_rules_do(self) -> None:
        policy = CostTiers(SCORED.rules, tiers_at=SCORED.tiers_at, estimated=True)
        assert policy.needs == SCORED.needs | {"score"}
        hard = {"code": True, "score": 0.1}
        assert policy.start(asked(features=hard)) == 0
        assert policy.start(asked(features={"score": 0.9})) == 2
        assert policy.start(asked(features={"code": True})) == 1
        assert SCORED.start(asked(features={"score": 0.9})) == 0

    @pytest.mark.parametrize("at", [(0.0,), (0.8, 0.4), (0.4, 0.4), (1.1,), (float("nan"),)])
    def test_tiers_begin_one_after_the_other(self, at: tuple[float, ...]) -> None:
        with pytest.raises(ValueError, match="each more than the last"):
            CostTiers(tiers_at=at)

    @given(st.lists(st.floats(-1, 1).filter(bool), max_size=12), st.booleans())
    def test_a_start_is_always_a_tier_of_the_route(self, scores: list[float], stream: bool) -> None:
        rules = tuple(Rule(score=score, stream=i % 2 > 0) for i, score in enumerate(scores))
        policy = CostTiers(rules, tiers_at=(0.2, 0.5, 0.9))
        assert 0 <= policy.start(asked(stream=stream)) <= 3

    def test_why_says_it_rule_by_rule(self) -> None:
        why = SCORED.why(asked(input_tokens=2_000, features={"code": True, "last_tokens": 9}))
        assert why == (
            "starts in tier 3: its score is 0.75 of 1, and tier 3 begins at 0.75",
            "+0.40 for code",
            "+0.35 for input_tokens >1,000 (it has 2,000)",
            "no -0.50 for last_tokens <5 (it has 9)",
            "no tier 3 for tools",
        )
        (first, *_) = SCORED.why(asked())
        assert first == "starts in tier 1: its score is 0.00 of 1; tier 2 would begin at 0.4"
        only_tiers = ("starts in tier 3: a rule names it", "tier 3 for tools")
        assert SCORED.why(asked(features={"tools": True, "code": True})) == only_tiers
        (first, *_) = SMART.why(asked())
        assert first == "starts in tier 1: no rule names another"

    def test_why_says_whose_score_it_is(self) -> None:
        policy = CostTiers((CODE,), tiers_at=(0.5,), estimated=True)
        [by_estimator] = policy.why(asked(features={"score": 0.7}))
        assert "its score by the estimator is 0.70" in by_estimator
        by_rules, code = policy.why(asked())
        assert "its score by the rules alone is 0.00" in by_rules
        assert code == f"no {CODE.score:+.2f} for code"

    def test_explain_begins_with_why(self) -> None:
        world = three_tiers(policy=SCORED)
        explained = world.engine.explain(world.request(features={"code": True}), world.now)
        assert explained.start[0].startswith("starts in tier 2: its score is 0.40 of 1")
        named = world.request(only=frozenset({"fair/m"}))
        assert world.engine.explain(named, world.now).start == ()
        assert three_tiers(policy=Priority()).engine.explain(asked(), 0.0).start == ()  # type: ignore[arg-type]


def test_a_record_says_why_its_request_began_where_it_did() -> None:
    world, record = three_tiers(policy=SCORED), Record(count())
    asks = world.request(features={"code": True})
    world.engine.start(asks, world.now, record=record).close(world.now)
    assert record.start == SCORED.why(asks)
    assert told(record)[1] == SCORED.why(asks)[0]
    assert three_tiers().errors == []


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
