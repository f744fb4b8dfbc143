"""Warmth and money are terms of a cost: they weigh, and can be outweighed."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any, ClassVar

import pytest

from policies import (
    Facts,
    LeastLatency,
    Outcome,
    Policy,
    Prefix,
    Price,
    Priority,
    PromptCache,
    Report,
    Target,
    WeighedLatency,
)
from policies.affinity.prefix import PREFIX, named
from policies.affinity.warmth import MOST_KEYS, Warmth
from tests.policies.driver import Reply, World

WARM = WeighedLatency("prefix")
CACHE = Facts(prompts=PromptCache(1_024, 300.0))
TOKENS = 4_096


def prefix(*blocks: str) -> Prefix:
    """A prompt of blocks, each key standing for all before it as well."""
    keys = [named("/".join(blocks[: end + 1])).keys[0] for end in range(len(blocks))]
    return Prefix(tuple(keys), 512)


LONG = prefix(*"abcdefgh")


def answer(cached: int = 0, tokens: int = TOKENS, first: float = 0.5) -> Reply:
    report = Report(Outcome.OK, input_tokens=tokens, output_tokens=20, cached_tokens=cached)
    return Reply(report, first + 0.4, first)


def world(*targets: str | Target, policy: Policy = WARM, facts: Any = None) -> World:
    """Targets that have answered twenty times, each a prompt that nobody asks for again."""
    names = [t if isinstance(t, str) else t.name for t in targets]
    made = World(*targets, policy=policy, facts=facts or dict.fromkeys(names, CACHE))
    for name in names:
        made.will(name, answer())
        for number in range(20):
            once = prefix(f"{name}{number}", *"bcdefgh")
            ask(made, once, only=frozenset({name}))
            made.now += 0.5
    return made


def ask(world: World, beginning: Prefix | None, tokens: int = TOKENS, **asked: Any) -> list[str]:
    features = {} if beginning is None else {PREFIX: beginning}
    return world.ask(stream=True, input_tokens=tokens, features=features, **asked).targets


def even_out(world: World) -> None:
    """Give a/m as much to do as b/m has had."""
    for number in range(30):
        ask(world, prefix(f"more {number}", *"bcdefgh"), only=frozenset({"a/m"}))


def warm(world: World) -> Warmth:
    memory: Any = world.engine._pools["m"].own[1]
    assert isinstance(memory, Warmth)
    return memory


class TestAffinity:
    def test_a_conversation_goes_on_where_it_began(self) -> None:
        two = world("a/m", "b/m")
        (first,) = ask(two, LONG)
        two.will(first, answer(cached=TOKENS, first=0.15))
        targets = []
        for _ in range(20):
            two.now += 5.0
            targets += ask(two, LONG)
        # Once in a while somebody looks how the other is.
        assert targets.count(first) >= 15
        assert two.errors == []

    def test_what_is_warm_at_the_other_is_worth_going_there(self) -> None:
        two = world("a/m", "b/m")
        assert ask(two, LONG, only=frozenset({"b/m"})) == ["b/m"]
        request = two.request(stream=True, input_tokens=TOKENS, features={PREFIX: LONG})
        assert [t.odds for t in two.engine.explain(request, two.now).targets] == [0.0, 1.0]

    def test_a_sick_target_loses_its_conversations(self) -> None:
        two = world("a/m", "b/m")
        ask(two, LONG, only=frozenset({"b/m"}))
        two.will("b/m", answer(cached=TOKENS, first=9.0))
        ask(two, LONG)
        assert ask(two, LONG) == ["a/m"]

    def test_it_ends_with_the_life_of_the_cache(self) -> None:
        two = world("a/m", "b/m")
        ask(two, LONG, only=frozenset({"b/m"}))
        request = two.request(stream=True, input_tokens=TOKENS, features={PREFIX: LONG})
        told = [target.words for target in two.engine.explain(request, two.now + 299).targets]
        assert "tokens warm here" in told[1]
        told = [target.words for target in two.engine.explain(request, two.now + 301).targets]
        assert "nothing of it is warm here" in told[1]

    def test_what_is_shorter_than_the_provider_keeps_is_not_warm(self) -> None:
        two = world("a/m", "b/m")
        short = prefix("a")
        ask(two, short, 600, only=frozenset({"b/m"}))
        request = two.request(input_tokens=600, features={PREFIX: short})
        told = two.engine.explain(request, two.now).targets
        assert all("nothing of it is warm here" in target.words for target in told)

    def test_a_target_that_reports_no_cached_tokens_soon_has_no_stickiness(self) -> None:
        two = world("a/m", "b/m")
        even_out(two)
        for _ in range(20):
            ask(two, LONG, only=frozenset({"b/m"}))
        even_out(two)
        request = two.request(input_tokens=TOKENS, features={PREFIX: LONG})
        told = two.engine.explain(request, two.now).targets
        assert all("nothing of it is warm here" in target.words for target in told)
        reported = re.search(r"where (\d+)% of what should have been was reported", told[1].words)
        assert reported is not None
        assert int(reported[1]) < 10
        two.will("b/m", answer(cached=TOKENS, first=0.15))
        for _ in range(5):
            ask(two, LONG, only=frozenset({"b/m"}))
        even_out(two)
        assert "tokens warm here" in two.engine.explain(request, two.now).targets[1].words

    def test_what_many_begin_with_is_spread_over_those_who_have_their_share(self) -> None:
        four = world("a/m", "b/m", "c/m", "d/m")
        targets = []
        for number in range(600):
            own = prefix(*"abcdefg", str(number))
            targets += ask(four, own)
            for name in "abcd":
                four.will(f"{name}/m", answer(cached=3_584, first=0.2))
            four.now += 0.1
        assert max(targets.count(name) for name in targets) <= 1.3 * 150

    def test_without_a_beginning_it_chooses_as_least_latency_does(self) -> None:
        one, other = world("a/m", "b/m"), world("a/m", "b/m", policy=LeastLatency())
        assert [ask(one, None) for _ in range(20)] == [ask(other, None) for _ in range(20)]

    def test_one_that_is_only_said_to_begin_somehow_is_chosen_for_as_without(self) -> None:
        two = world("a/m", "b/m")
        assert len(two.ask(stream=True, input_tokens=TOKENS, features={PREFIX: True}).targets) == 1
        assert two.errors == []

    def test_inside_tiers_each_tier_has_its_own(self) -> None:
        tiers = world("a/m", "b/m", Target("c/m", 1, 1), policy=Priority(WARM))
        (first,) = ask(tiers, LONG)
        tiers.will(first, answer(cached=TOKENS))
        assert ask(tiers, LONG) == [first]
        request = tiers.request(input_tokens=TOKENS, features={PREFIX: LONG})
        told = {t.target: t.words for t in tiers.engine.explain(request, tiers.now).targets}
        assert "4,096 of 4,096 tokens warm here" in told[first]
        assert tiers.errors == []

    def test_explain_says_how_much_is_warm(self) -> None:
        two = world("a/m", "b/m")
        ask(two, prefix(*"abcd"), 2_048, only=frozenset({"b/m"}))
        request = two.request(input_tokens=TOKENS, features={PREFIX: LONG})
        words = [target.words for target in two.engine.explain(request, two.now).targets]
        assert "nothing of it is warm here" in words[0]
        assert "2,048 of 4,096 tokens warm here" in words[1]
        assert "reported as cached" not in words[1]

    def test_an_open_prefix_is_as_long_as_the_last_prompt_that_had_it(self) -> None:
        two = world("a/m", "b/m")
        chat = named("chat-1")
        two.will("b/m", answer(tokens=3_000))
        ask(two, chat, 2_800, only=frozenset({"b/m"}))
        request = two.request(input_tokens=TOKENS, features={PREFIX: chat})
        assert "3,000 of 4,096" in two.engine.explain(request, two.now).targets[1].words

    def test_to_choose_leaves_no_trace_and_memory_is_bounded(self) -> None:
        two = world("a/m", "b/m")
        memory = warm(two)
        assert deepcopy(memory) is memory
        before = len(memory)
        two.engine.explain(two.request(input_tokens=TOKENS, features={PREFIX: LONG}), two.now)
        assert len(memory) == before
        for number in range(MOST_KEYS // 8 + 50):
            ask(two, prefix(str(number), *"bcdefgh"))
        assert len(memory) == MOST_KEYS


class TestPrice:
    DEAR: ClassVar[Any] = {
        "a/m": Facts(price=Price(1000, 4000)),
        "b/m": Facts(price=Price(2000, 8000)),
    }

    def chosen(self, weight: float, times: float, facts: Any = None) -> str:
        """Who is chosen where a/m takes so many times as long as b/m."""
        made = world("a/m", "b/m", policy=WeighedLatency(price=weight), facts=facts or self.DEAR)
        made.will("a/m", Reply(answer().report, 0.5 * times + 0.4, 0.5 * times))
        for _ in range(8):
            for name in ("a/m", "b/m"):
                ask(made, None, only=frozenset({name}))
            made.now += 1.0
        request = made.request(stream=True, input_tokens=TOKENS)
        told = made.engine.explain(request, made.now).targets
        return max(told, key=lambda target: target.odds).target

    def test_what_costs_twice_as_much_must_be_faster_by_a_power_of_two(self) -> None:
        assert self.chosen(1.0, 1.5) == "a/m"
        assert self.chosen(1.0, 4.0) == "b/m"
        assert self.chosen(0.3, 1.5) == "b/m"

    def test_an_unknown_price_counts_as_the_dearest(self) -> None:
        facts = {"a/m": Facts(price=Price(1000, 4000)), "b/m": Facts()}
        assert self.chosen(3.0, 1.5, facts) == self.chosen(0.0, 1.5, facts) == "b/m"
        three = world(
            "a/m", "b/m", "c/m",
            policy=WeighedLatency(price=3.0),
            facts={**self.DEAR, "c/m": Facts()},
        )  # fmt: skip
        assert {ask(three, None)[0] for _ in range(10)} == {"a/m"}

    def test_where_no_price_is_known_it_plays_no_part(self) -> None:
        one = world("a/m", "b/m", policy=WeighedLatency(price=3.0))
        told = one.engine.explain(one.request(input_tokens=100), one.now).targets
        assert [target.odds for target in told] == pytest.approx([0.5, 0.5], abs=0.05)
        assert all("no price is known" in target.words for target in told)

    def test_what_is_free_is_a_hundredth_of_the_dearest(self) -> None:
        facts = {"a/m": Facts(price=Price(0, 0)), "b/m": Facts(price=Price(1000, 4000))}
        assert self.chosen(0.3, 3.0, facts) == "a/m"
        assert self.chosen(0.3, 9.0, facts) == "b/m"

    def test_cached_tokens_cost_what_they_cost(self) -> None:
        price = Price(2000, 8000, cached=0)
        facts = {
            "a/m": Facts(price=Price(1000, 4000)),
            "b/m": Facts(price=price, prompts=PromptCache(1_024, 300.0)),
        }
        both = world("a/m", "b/m", policy=WeighedLatency("prefix", 3.0), facts=facts)
        assert ask(both, LONG) == ["a/m"]
        ask(both, LONG, only=frozenset({"b/m"}))
        request = both.request(stream=True, input_tokens=TOKENS, features={PREFIX: LONG})
        told = both.engine.explain(request, both.now).targets
        assert "4,096 of 4,096 tokens warm here; about $" in told[1].words
        assert "times the cheapest" in told[0].words

    def test_its_odds_are_told(self) -> None:
        assert WeighedLatency(price=1.0).odds is not None
        assert WARM.odds is None


def test_it_is_a_value_that_needs_no_more_than_it_uses() -> None:
    assert WeighedLatency("prefix", 0.3) == WeighedLatency("prefix", 0.3)
    assert isinstance(WARM, Policy)
    assert WARM.needs == {PREFIX}
    assert WeighedLatency(price=1.0).needs == frozenset()
    assert WeighedLatency(price=1.0).learn is None


@pytest.mark.parametrize("options", [{"affinity": "user"}, {"price": -1.0}, {"price": 11.0}])
def test_what_it_cannot_weigh_it_refuses(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        WeighedLatency(**options)
