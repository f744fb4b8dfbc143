"""Routes with tiers: where requests start, what lets them go on, how long they wait first."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Climb, CostTiers, Priority, Rule, WeightedRoundRobin
from policies import Threshold as Compared
from policies.starting.shipped import SHIPPED
from router.building import build
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


EACH = """[
  {if: {says: 'how  many', metadata: {b: x, a: y}, tenant: [default]}, score: +.4},
  {if: {code: true, turns: '>8', last_tokens: '>=60'}, score: "-0.25"}]"""


def test_a_score_is_read_with_what_only_the_last_message_can_tell():
    route = loaded(smart(f"start: {EACH}")).models["chat"]
    says = (("says", ("how  many",)), ("metadata", (("a", "y"), ("b", "x"))))
    code = (("last_tokens", Threshold(">=", 60)), ("turns", Threshold(">", 8)), ("code", True))
    assert route.start == (
        StartRule((*says, ("tenant", ("default",))), None, 0.4),
        StartRule(code, None, -0.25),
    )
    assert route.tiers_at == (0.5,)
    rules = (
        Rule(
            score=0.4,
            says=("how  many",),
            metadata=(("a", "y"), ("b", "x")),
            tenant=("default",),
        ),
        Rule(score=-0.25, code=True, turns=Compared(">", 8), last_tokens=Compared(">=", 60)),
    )
    policy = build.routes_of(loaded(smart(f"start: {EACH}")))["chat"].policy
    assert policy == CostTiers(rules, tiers_at=(0.5,))


def test_auto_is_the_shipped_rules_also_among_ones_own():
    for start in ("auto", "[auto]"):
        policy = build.routes_of(loaded(smart(f"start: {start}")))["chat"].policy
        assert policy == CostTiers(SHIPPED, tiers_at=(0.5,))
    policy = build.routes_of(loaded(smart(f"start: [{TOOLS}, auto], tiers_at: .3")))["chat"].policy
    assert policy == CostTiers((*SHIPPED, Rule(1, tools=True)), tiers_at=(0.3,))


def test_without_a_word_tiers_begin_in_even_steps():
    three = smart("start: auto").replace("[[sim/slow], [sim/fast]]", "[[sim/slow], [sim/fast], []]")
    three = three.replace("[]", "[sim/third]").replace("slow: }", "slow: , third: }")
    assert loaded(three).models["chat"].tiers_at == (0.333, 0.667)
    assert loaded(smart(f"start: [{TOOLS}]")).models["chat"].tiers_at == ()


def test_a_score_for_which_nothing_is_on_is_noted():
    text = smart("start: auto").replace("[sim/fast]", "[groq/m]")
    text = text.replace("models: {chat", "  groq: {preset: groq, models: [m]}\nmodels: {chat")
    assert any("requests whose score is 0.5 or more are refused" in note for note in noted(text))
    assert noted(smart("start: auto")) == []


@given(st.integers(-100, 100).filter(bool))
def test_a_score_that_is_shown_is_read_as_what_it_was(hundredths):
    score = hundredths / 100
    assert units.score(units.show_score(score)) == units.score(score) == score


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_nothing_else_is_a_score(value):
    with suppress(units.Unreadable):
        assert 0 < abs(units.score(value)) <= 1


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
        "use one of: if, score, tier",
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
    "another word than auto": (
        smart("start: »autom"),
        'start "autom" is not known here',
        'did you mean "auto"?',
    ),
    "no list": (smart("start: »{if: {tools: true}, tier: 2}"), "start is not a list", "[a, b]"),
    "auto twice": (smart("start: [auto, »auto]"), "is not a mapping", "write it as"),
    "a tier and a score": (
        smart("start: [{if: {tools: true}, tier: 2, »score: 0.4}]"),
        "a rule with both a tier and a score",
        "keep one of the two",
    ),
    "a score that says nothing": (
        smart("start: [{if: {tools: true}, score: »0}]"),
        'score "0" is not a number from -1 to 1, other than 0',
        "write it as +.4 or -0.1",
    ),
    "a score that is too much": (
        smart("start: [{if: {tools: true}, score: »+1.1}]"),
        'score "+1.1" is not a number from -1 to 1',
        "write it as +.4",
    ),
    "a word that is none": (
        smart("start: [{if: {says: [a, »1]}, tier: 2}]"),
        "is not text",
        "quote it",
    ),
    "a tenant that does not exist": (
        smart("start: [{if: {tenant: [»team, default]}, tier: 2}]") + "tenants: {teams: {}}",
        'there is no tenant "team"',
        'did you mean "teams"?',
    ),
    "tiers_at without a score": (
        smart(f"start: [{TOOLS}], »tiers_at: [0.5]"),
        "tiers_at is about scores, and nothing gives one",
        "write start: auto, or a rule with score: +.4",
    ),
    "too many tiers_at": (
        smart("start: auto, tiers_at: »[.4, .8]"),
        "2 scores for 2 tiers: the first has none, each other has one",
        "write 1",
    ),
    "tiers_at that begin at 0": (
        smart("start: auto, tiers_at: »[0]"),
        "each of tiers_at must be more than the one before, and more than 0",
        "write them as [.4, .8]",
    ),
    "tiers_at beyond the last score": (
        smart("start: auto, tiers_at: »1.5"),
        'tiers_at "1.5" is not a number from 0 to 1',
        "write 20 % as 0.2",
    ),
    "tiers_at on another policy": (
        smart("»tiers_at: .5", policy="priority"),
        "tiers_at is for policy cost_tiers",
        "remove it, or write policy: cost_tiers",
    ),
    "an estimator that is no import path": (
        smart("estimator: »least_latency"),
        '"least_latency" is no import path',
        "write it as package.module:attribute",
    ),
    "an estimator of nobody's": (
        smart("estimator: »'mine:Hard'"),
        'the module of estimator "mine:Hard" is not in server.plugins',
        "add it there",
    ),
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
        "write tiers: [[a], [b]]",
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


def test_what_a_reload_changes_of_scores_is_said_in_words_too():
    plugins = "server: {plugins: [mine]}\n"
    new = smart("start: [auto, {if: {says: [a, b]}, score: -.1}], tiers_at: .3") + plugins
    assert words(loaded(smart("start: auto") + plugins), loaded(new)) == [
        'chat: start auto → auto; -0.1 if says "a" or "b"',
        "chat: tiers_at 0.5 → 0.3",
    ]
    newer = new.replace("tiers_at", "estimator: 'mine:Hard', tiers_at")
    assert words(loaded(new), loaded(newer)) == ["chat: estimator none → mine:Hard"]
