"""What a check says of an answer that has only begun."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cascade.checks import (
    BEGINNINGS,
    BUILT_IN,
    MOST_BLANK,
    Check,
    failed_at_once,
    of_length,
)
from router.dialects.common.prompt import Form, Prompt, Tool
from router.shadow.judged import Said

REFUSAL = "I'm sorry, but I can't help with that."
OBJECT = Form({"type": "object"})


def begins(name: str, asked: Prompt | None, said: Said) -> bool:
    return BEGINNINGS[name](asked, said)


@pytest.mark.parametrize("text", ["", "\n\n", " " * (MOST_BLANK - 1), " " * MOST_BLANK + "a"])
def test_words_may_follow_a_thought_or_a_few_blanks(text: str) -> None:
    assert begins("empty", None, Said(text))


def test_blank_after_blank_is_nothing_said() -> None:
    assert not begins("empty", None, Said("\n" * MOST_BLANK))
    assert begins("empty", None, Said("\n" * MOST_BLANK, (("go", ""),)))


def test_a_refusal_is_seen_in_its_first_words() -> None:
    assert not begins("refusal", None, Said(REFUSAL))
    assert not begins("refusal", None, Said("", refused=True))
    assert begins("refusal", None, Said("I'm"))
    assert begins("refusal", None, Said("I am unable to"))  # or together, who knows


@pytest.mark.parametrize(
    ("text", "form", "good"),
    [
        ('  {"na', OBJECT, True),
        ("", OBJECT, True),
        ("  ", OBJECT, True),
        ("[1", OBJECT, False),
        ("Sure! {", OBJECT, False),
        ("```json", Form(), False),
        ("{", Form(), True),
        ("[1", Form({"type": "array"}), True),
        ("{", Form({"type": "array"}), False),
        ("nul", Form({"type": "object", "nullable": True}), True),
        ("nul", Form({"type": ["object", "null"]}), True),
        ("-1", Form({}), True),
        ("Well", Form({}), False),
    ],
)
def test_json_is_known_by_its_first_sign(text: str, form: Form, good: bool) -> None:
    assert begins("schema", Prompt([], form=form), Said(text)) is good
    assert begins("schema", Prompt([], form=form, tools=[Tool("go")]), Said(text))
    assert begins("schema", None, Said(text))


@pytest.mark.parametrize(("name", "good"), [("go", True), ("g", True), ("gone", False)])
def test_a_tool_that_was_not_offered_is_known_by_its_name(name: str, good: bool) -> None:
    assert begins("tools", Prompt([], tools=[Tool("go")]), Said("", ((name, '{"a'),))) is good
    assert begins("tools", None, Said("", ((name, ""),)))


def test_of_other_checks_a_beginning_says_nothing() -> None:
    checks = [Check("length", of_length(20, 30)), Check("finish", BUILT_IN["finish"])]
    assert failed_at_once(checks, None, Said("short")) == ""
    free = [Check(name, holds, BEGINNINGS.get(name)) for name, holds in BUILT_IN.items()]
    assert failed_at_once(free, None, Said(REFUSAL)) == "refusal"
    assert failed_at_once(free, None, Said("That way.")) == ""


FORMS: list[dict[str, Any] | None] = [None, {}, {"type": "object"}, {"type": "array"}]
FORMS += [{"type": ["object", "null"]}, {"type": "object", "nullable": True}, {"type": "string"}]
WORDS = st.sampled_from(["I", "am", "unable", "to", "together", "can't", "help", "{", "}", '"a"'])
JSON = st.sampled_from(["[", "1", "]", ":", "null", " ", "\n", "’", "cannot", "i", "ABC"])
TEXTS = st.lists(st.one_of(WORDS, JSON, st.text(max_size=3)), max_size=40).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)


@given(TEXTS, TEXTS, st.sampled_from(FORMS), st.booleans(), st.booleans())
def test_what_a_beginning_fails_is_failed_however_it_goes_on(
    begun: str, rest: str, schema: dict[str, Any] | None, offered: bool, calls: bool
) -> None:
    asked = Prompt([], form=Form(schema), tools=[Tool("go")] if offered else [])
    called = (("go", "{}"),) if calls and offered else ()
    for name in ("refusal", "schema", "tools"):
        if not begins(name, asked, Said(begun)):
            whole = Said(begun + rest, called, "stop")
            assert not BUILT_IN[name](asked, whole), name
