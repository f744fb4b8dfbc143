"""Routes with tiers: where requests start, what lets them go on, how long they wait first."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Climb, CostTiers, Priority, Rule, WeightedRoundRobin
from policies import Threshold as Compared
from router import build
from router.config import StartRule, Threshold, units, words
from tests.router.config.samples import PROVIDERS, loaded, noted, places, said

TWO = "tiers: [[sim/slow], [sim/fast]]"
TOOLS = "{if: {tools: true}, tier: 2}"


def smart(rest: str = "", policy: str = "cost_tiers") -> str:
    return f"{PROVIDERS}models: {{chat: {{policy: {policy}, {TWO}{rest and ', ' + rest}}}}}\n"


def test_a_rule_is_read_with_all_its_conditions():
    rules = """[
      {if: {input_tokens: '>8k', output_tokens: "<= 1_000"}, tier: 2},
      {if: {stream: true, tools: false, schema: true, images: true}, tier: 1}]"""
    assert loaded(smart(f"start: {rules}")).models["chat"].start == (
        StartRule(
            (("input_tokens", Threshold(">", 8000)), ("output_tokens", Threshold("<=", 1000))), 2
        ),
        StartRule((("stream", True), ("tools", False), ("schema", True), ("images", True)), 1),
    )


def test_rules_that_say_the_same_are_equal_however_they_are_written():
    one = smart("start: [{if: {tools: true, input_tokens: '>8k'}, tier: 2}]")
    other = smart("start: [{tier: 2, if: {input_tokens: '> 8_000', tools: true}}]")
    assert words(loaded(one), loaded(other)) == []


def test_the_engine_s_route_says_the_same_with_tiers_from_0():
    text = smart(
        "start: [{if: {input_tokens: '>=8k', schema: true}, tier: 2}], climb: [throttled], "
        "patience: 2s, within: weighted_round_robin, retry: {hedge: 0.05}"
    )
    route = build.routes_of(loaded(text))["chat"]
    rule = Rule(1, input_tokens=Compared(">=", 8000), schema=True)
    assert route.policy == CostTiers((rule,), WeightedRoundRobin())
    assert route.climb == frozenset({Climb.THROTTLED})
    assert route.patience == 2.0
    assert route.retry.hedge == 0.05


def test_without_a_word_both_causes_climb_at_once_and_nothing_is_hedged():
    for policy, value in (("cost_tiers", CostTiers()), ("priority", Priority())):
        route = build.routes_of(loaded(smart(policy=policy)))["chat"]
        assert (route.policy, route.climb, route.patience) == (value, frozenset(Climb), 0.0)
        assert route.retry.hedge == 0.0


def test_a_climb_of_nothing_is_none_at_all():
    route = loaded(smart("climb: []", policy="priority")).models["chat"]
    assert route.climb == frozenset()


def test_hedges_of_the_defaults_are_those_of_a_route_that_says_nothing():
    text = smart() + "defaults: {retry: {hedge: 0.2}}\n"
    assert build.routes_of(loaded(text))["chat"].retry.hedge == 0.2


def test_a_tier_keeps_its_number_when_those_before_it_are_off():
    text = smart(f"start: [{TOOLS}]").replace("[sim/slow]", "[groq/m]")
    text = text.replace("models: {chat", "  groq: {preset: groq, models: [m]}\nmodels: {chat")
    (target,) = build.routes_of(loaded(text))["chat"].targets
    assert (target.name, target.tier) == ("sim/fast", 1)


def test_a_start_where_nothing_is_on_is_noted():
    text = smart(f"start: [{TOOLS}]").replace("[sim/fast]", "[groq/m]")
    text = text.replace("models: {chat", "  groq: {preset: groq, models: [m]}\nmodels: {chat")
    assert any("requests that start in tier 2 are refused" in note for note in noted(text))
    assert noted(smart(f"start: [{TOOLS}]")) == []


@given(st.sampled_from([">", ">=", "<", "<="]), st.integers(0, 10**12), st.sampled_from(["", " "]))
def test_a_comparison_that_is_shown_is_read_as_what_it_was(sign, count, space):
    threshold = Threshold(sign, count)
    assert units.threshold(units.show_threshold(threshold)) == threshold
    assert units.threshold(f"{sign}{space}{count}") == threshold


@given(st.text() | st.integers() | st.none() | st.booleans())
def test_nothing_else_is_a_comparison(value):
    with suppress(units.Unreadable):
        assert units.threshold(value).sign in (">", ">=", "<", "<=")


MISTAKES = {
    "an unknown condition": (
        smart("start: [{if: {»tool: true}, tier: 2}]"),
        'unknown key "tool"',
        'did you mean "tools"?',
    ),
    "the nearest condition has its name in the file": (
        smart("start: [{if: {»shema: true}, tier: 2}]"),
        'unknown key "shema"',
        'did you mean "schema"?',
    ),
    "an unknown key of a rule": (
        smart("start: [{if: {tools: true}, tier: 2, »then: 3}]"),
        'unknown key "then"',
        "use one of: if, tier",
    ),
    "a tier that does not exist": (
        smart("start: [{if: {tools: true}, tier: »3}]"),
        "there is no tier 3, the last one is 2",
        "name one of the tiers",
    ),
    "a tier before the first": (
        smart("start: [{if: {tools: true}, tier: »0}]"),
        "must be at least 1",
        "write 1 or more",
    ),
    "no tier": (smart("start: [»{if: {tools: true}}]"), "a rule without a tier", "tier: 2"),
    "no condition": (smart("start: [»{tier: 2}]"), "a rule without a condition", "if: {tools"),
    "empty conditions": (
        smart("start: [{if: »{}, tier: 2}]"),
        "a rule without a condition",
        "if: {tools",
    ),
    "a number without a sign": (
        smart("start: [{if: {input_tokens: »8k}, tier: 2}]"),
        'input_tokens "8k" is not a comparison',
        "write it in quotes, as '>8k'",
    ),
    "a comparison without quotes": (
        smart("start: [{if: {input_tokens: »>8k}, tier: 2}]"),
        "a character that YAML reserves",
        "quote it",
    ),
    "one on a line of its own": (
        f"{PROVIDERS}models:\n  chat:\n    start:\n    - if:\n        input_tokens: >8»k\n",
        "> begins a block of text in YAML",
        "quote it: '>8k'",
    ),
    "one with nothing": (
        f"{PROVIDERS}models:\n  chat:\n    start:\n    - if:\n        input_tokens: >»0\n",
        "> begins a block of text in YAML",
        "quote it: '>8k'",
    ),
    "a comparison of nothing": (
        smart("start: [{if: {input_tokens: »'>'}, tier: 2}]"),
        "is not a comparison",
        "'>8k'",
    ),
    "a word for a boolean": (
        smart("start: [{if: {tools: »some}, tier: 2}]"),
        'tools "some" is neither true nor false',
        "write true or false",
    ),
    "auto": (smart("start: »auto"), 'start "auto" is not a list', "write it as [a, b]"),
    "start on another policy": (
        smart(f"»start: [{TOOLS}]", policy="priority"),
        "start is for policy cost_tiers",
        "remove it, or write policy: cost_tiers",
    ),
    "an unknown climb": (
        smart("climb: [»failures]"),
        'climb "failures" is not known here',
        'did you mean "failure"?',
    ),
    "patience without a unit": (smart("patience: »5"), "patience", "write it as 250ms, 3s"),
    "climb without tiers": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »climb: [failure]}}\n",
        "climb is about leaving a tier",
        "remove it, or write tiers",
    ),
    "patience without tiers": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »patience: 3s}}\n",
        "patience is about leaving a tier",
        "remove it, or write tiers",
    ),
    "cost_tiers without tiers": (
        PROVIDERS + "models: {chat: {policy: cost_tiers, »targets: [sim/fast]}}\n",
        "policy cost_tiers takes tiers",
        "write tiers: [{…: 1}, {…: 1}]",
    ),
    "cost_tiers within a tier": (
        smart("within: »cost_tiers", policy="priority"),
        "cost_tiers is among tiers",
        "use least_latency or weighted_round_robin",
    ),
    "hedges without end": (
        smart("retry: {hedge: »0.3}"),
        "hedge",
        "write 0.2 or less: each hedge is a second send",
    ),
    "hedges in percent": (smart("retry: {hedge: »5%}"), "hedge", "write 5 % as 0.05"),
}


@pytest.mark.parametrize(("text", "what", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_once_in_its_place_and_with_its_remedy(text, what, remedy):
    text, (place,) = places(text)
    (line,) = said(text)
    said_what, _, said_remedy = line.removeprefix(place).partition("; ")
    assert line.startswith(place), line
    assert what in said_what
    assert remedy in said_remedy


def test_what_a_reload_changes_is_said_in_words():
    old = smart(f"start: [{TOOLS}]")
    rules = "[{if: {input_tokens: '>8k', tools: false}, tier: 2}, {if: {images: true}, tier: 1}]"
    new = smart(f"start: {rules}, climb: [failure], patience: 3s, retry: {{hedge: 0.05}}")
    assert words(loaded(old), loaded(new)) == [
        "chat: start tier 2 if tools → tier 2 if input_tokens >8k and no tools; tier 1 if images",
        "chat: climb failure, throttled → failure",
        "chat: patience 0s → 3s",
        "chat: retry.hedge 0 → 0.05",
    ]
    assert words(loaded(old), loaded(smart())) == ["chat: start tier 2 if tools → none"]
