"""Rules: conditions that must all hold, and what follows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Request, Rule, Threshold
from policies.starting.rules import plain
from policies.starting.shipped import FITTED, JUDGED, SHIPPED


def asked(**fields: Any) -> Request:
    return Request("m", 60.0, **fields)


def bringing(**features: Any) -> Request:
    return asked(features={name.replace("__", ":"): value for name, value in features.items()})


def test_a_rule_gives_a_tier_or_a_score_and_not_both_or_none():
    wrongs: list[dict[str, Any]] = [{}, {"tier": 1, "score": 0.1}, {"score": 1.1}, {"score": -1.1}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="a tier, or a score"):
            Rule(**wrong, tools=True)
    assert Rule(score=-1.0) != Rule(score=1.0)


def test_numbers_of_the_last_message_are_compared_and_unknown_ones_never_hold():
    rule = Rule(1, last_tokens=Threshold(">", 60), turns=Threshold("<=", 2))
    assert rule.needs == {"last_tokens", "turns"}
    assert rule.holds(bringing(last_tokens=61, turns=2))
    assert not rule.holds(bringing(last_tokens=60, turns=2))
    assert not rule.holds(bringing(last_tokens=61, turns=3))
    assert not rule.holds(bringing(turns=2))


def test_one_of_the_words_is_enough_and_every_pair_must_be_there():
    rule = Rule(score=0.1, says=("Why", "c++?"), metadata=(("team", "a"), ("kind", "x")))
    pairs = {"metadata:team=a": True, "metadata:kind=x": True}
    assert rule.needs == {"says:why", "says:c   ", *pairs}
    assert rule.holds(asked(features={"says:why": True, "says:c   ": False, **pairs}))
    assert not rule.holds(asked(features={"says:why": False, "says:c   ": False, **pairs}))
    assert not rule.holds(asked(features={"says:why": True, **pairs, "metadata:kind=x": False}))


def test_a_tenant_is_one_of_those_named():
    rule = Rule(1, tenant=("a", "b"))
    assert rule.needs == frozenset()
    assert rule.holds(asked(tenant="b"))
    assert not rule.holds(asked(tenant="c"))
    assert not rule.holds(asked())


def test_code_is_asked_for_like_tools():
    assert Rule(1, code=True).holds(bringing(code=True))
    assert Rule(1, code=False).holds(asked())
    assert not Rule(1, code=False).holds(bringing(code=True))


def test_its_words_say_what_the_request_has():
    rule = Rule(
        score=0.1,
        input_tokens=Threshold(">", 8000),
        turns=Threshold(">=", 2),
        stream=False,
        tools=True,
        says=("a b", "c"),
        metadata=(("k", "v"),),
        tenant=("t",),
    )
    told = rule.words(asked(input_tokens=9000))
    assert told == (
        "input_tokens >8,000 (it has 9,000) and turns >=2 (not known) and no stream and tools "
        "and says 'a b' or 'c' and metadata k=v and tenant t"
    )
    assert Rule(score=0.1).words(asked()) == "every request"


@given(st.text(max_size=20))
def test_words_are_looked_for_in_one_form(text: str):
    found = plain(text)
    assert len(found) == len(text)
    assert plain(found) == found


def test_the_shipped_rules_are_few_and_each_is_worth_less_than_a_tier():
    assert (*JUDGED, *FITTED) == SHIPPED
    assert len(SHIPPED) <= 12
    assert all(rule.tier is None and abs(rule.score) <= 0.3 for rule in SHIPPED)
    assert not any(rule.tenant or rule.metadata for rule in SHIPPED)
