"""Each check against good and bad answers."""

from __future__ import annotations

from typing import Any

import pytest

from router.cascade.checks import BUILT_IN, Check, first_failed, matching, of_length
from router.cascade.pattern import LONGEST, Pattern
from router.dialects.common.prompt import Form, Hosted, Prompt, Tool, ToolChoice
from router.shadow.judged import Said

WEATHER = Tool("weather", schema={"type": "object", "required": ["place"]})
TWO = [WEATHER, Tool("tides")]
PERSON = Form({"type": "object", "required": ["name"]})
CALL = (("weather", '{"place": "Bern"}'),)


def asked(**fields: Any) -> Prompt:
    return Prompt([], **fields)


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        (Said("yes"), True),
        (Said("", CALL), True),
        (Said("", refused=True), True),
        (Said(""), False),
        (Said(" \n\t"), False),
    ],
)
def test_an_answer_is_not_empty(said: Said, passes: bool) -> None:
    assert BUILT_IN["empty"](None, said) is passes


@pytest.mark.parametrize(
    ("stopped", "passes"),
    [
        ("stop", True),
        ("tool_calls", True),
        ("", True),
        ("length", False),
        ("content_filter", False),
    ],
)
def test_an_answer_is_not_cut_off(stopped: str, passes: bool) -> None:
    assert BUILT_IN["finish"](None, Said("half", stopped=stopped)) is passes


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, but I can\u2019t assist with this request.",
        "I cannot provide medical advice.",
        "Sorry, I am unable to open links.",
        "I'm not able to do that.",
        "As an AI language model, I have no opinion.",
        "I don't know.",
        "I do not have enough\ninformation to say.",
        "Unfortunately I won't write that.",
        "That's not something I can do.",
        "I must decline.",
    ],
)
def test_a_refusal_is_known_by_its_beginning(text: str) -> None:
    assert not BUILT_IN["refusal"](None, Said(text))


@pytest.mark.parametrize(
    "text",
    [
        "Paris.",
        "You can't help but like it.",
        "Sorry for the delay: the answer is 4.",
        'He said "I know", and left.',
        "The plane is unable to land.",
        "One step at a time. " * 30 + "I can't help it.",
        "",
    ],
)
def test_an_answer_that_only_sounds_like_one_is_none(text: str) -> None:
    assert BUILT_IN["refusal"](None, Said(text))


def test_what_the_model_calls_a_refusal_is_one() -> None:
    assert not BUILT_IN["refusal"](None, Said("", refused=True))


@pytest.mark.parametrize(
    ("form", "said", "passes"),
    [
        (PERSON, Said('{"name": "Ann"}'), True),
        (PERSON, Said('{"nome": "Ann"}'), False),
        (PERSON, Said("Ann"), False),
        (PERSON, Said("", CALL), True),
        (Form(), Said('{"any": 1}'), True),
        (Form(), Said("[1]"), False),
        (None, Said("Ann"), True),
    ],
)
def test_an_answer_is_of_the_form(form: Form | None, said: Said, passes: bool) -> None:
    assert BUILT_IN["schema"](asked(form=form), said) is passes
    assert BUILT_IN["schema"](None, said)


@pytest.mark.parametrize(
    ("prompt", "said", "passes"),
    [
        (asked(tools=[WEATHER]), Said("", CALL), True),
        (asked(tools=[WEATHER]), Said("sunny"), True),
        (asked(tools=[WEATHER]), Said("", (("weather", '{"plaice": 1}'),)), False),
        (asked(tools=[WEATHER]), Said("", (("weather", '{"place"'),)), False),
        (asked(tools=[WEATHER]), Said("", (("tides", "{}"),)), False),
        (asked(tools=[WEATHER], choice=ToolChoice("required")), Said("sunny"), False),
        (asked(tools=[WEATHER], choice=ToolChoice("auto")), Said("sunny"), True),
        (asked(tools=TWO, choice=ToolChoice("named", "weather")), Said("", CALL), True),
        (asked(tools=TWO, choice=ToolChoice("named", "tides")), Said("", CALL), False),
        (asked(tools=TWO, choice=ToolChoice("auto", allowed=("tides",))), Said("", CALL), False),
        (
            asked(tools=TWO, choice=ToolChoice("required", allowed=("weather",))),
            Said("", CALL),
            True,
        ),
        (asked(tools=TWO, choice=ToolChoice("required")), Said("", CALL), True),
        (asked(tools=TWO, choice=ToolChoice("none")), Said("", CALL), False),
        (asked(tools=TWO, choice=ToolChoice("none")), Said("sunny"), True),
        (asked(tools=[Hosted("search", {}, "openai")]), Said("sunny"), True),
        (asked(), Said("", CALL), False),
        (None, Said("", CALL), True),
    ],
)
def test_calls_are_of_tools_that_there_are(prompt: Prompt | None, said: Said, passes: bool) -> None:
    assert BUILT_IN["tools"](prompt, said) is passes


@pytest.mark.parametrize(
    ("least", "most", "text", "passes"),
    [
        (3, 5, "four", True),
        (3, 5, " ab ", False),
        (3, 5, "abcdef", False),
        (0, None, "", True),
        (3, None, "x" * 10_000, True),
    ],
)
def test_an_answer_is_of_some_length(least: int, most: int | None, text: str, passes: bool) -> None:
    assert of_length(least, most)(None, Said(text)) is passes
    assert of_length(least, most)(None, Said("", CALL))


def test_an_answer_matches() -> None:
    holds = matching(Pattern(r"^\d+$"))
    assert holds(None, Said(" 42\n"))
    assert holds(None, Said("", CALL))
    assert not holds(None, Said("forty-two"))
    assert not holds(None, Said("4" * (LONGEST + 1)))  # too much to tell


def test_the_first_that_fails_is_named() -> None:
    checks = [Check(name, BUILT_IN[name]) for name in ("empty", "finish", "refusal")]
    assert first_failed(checks, None, Said("yes", stopped="stop")) is None
    assert first_failed(checks, None, Said("I don't know", stopped="length")) == 1
    assert first_failed(checks, None, Said("", refused=True)) == 2
