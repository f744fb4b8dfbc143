"""What generations of models refuse, and how they are asked to think."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.dialects.anthropic.bodies import body_of
from router.dialects.anthropic.models import (
    FOUR_FIVE,
    FOUR_SEVEN,
    KINDS,
    NEWEST,
    UNKNOWN,
    kind_of,
)
from router.dialects.common.prompt import (
    Message,
    Prompt,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.dialects.contract import Unfit
from tests.router.dialects.anthropic.judge import judge_request

USER = Message("user", [Text("Which way?")])
CALLED = [
    USER,
    Message("assistant", [ToolCall("a", "f", "{}")]),
    Message("user", [ToolResult("a", [Text("x")])]),
]
NAMES = {
    "claude-opus-5": "opus-5",
    "claude-opus-5-20260724": "opus-5",
    "anthropic.claude-sonnet-5": "(sonnet|haiku)-5",
    "claude-opus-5-5": r"(opus|sonnet|haiku)-5[-.][1-9](?!\d)",
    "claude-fable-5": "(fable|mythos)-5",
    "claude-mythos-preview": "mythos-preview",
    "claude-opus-4-8": r"opus-4[-.]8(?!\d)",
    "us.anthropic.claude-opus-4-7-v1:0": r"-4[-.][7-9](?!\d)",
    "claude-opus-4-6": r"opus-4[-.]6(?!\d)",
    "anthropic/claude-sonnet-4.6": r"-4[-.]6(?!\d)",
    "claude-opus-4-5-20251101": r"opus-4[-.]5(?!\d)",
    "claude-sonnet-4-5-20250929": r"(sonnet|haiku)-4[-.]5(?!\d)",
    "claude-haiku-4-5@20251001": r"(sonnet|haiku)-4[-.]5(?!\d)",
    "claude-opus-4-1-20250805": "opus-4",
    "claude-opus-4-20250514": "opus-4",
    "claude-sonnet-4-20250514": "sonnet-4",
    "claude-3-7-sonnet-latest": r"claude-3[-.]7",
    "claude-3-5-haiku-20241022": r"claude-3[-.]5",
    "claude-3-opus-20240229": "claude-(3|2|instant)",
    "claude-2.1": "claude-(3|2|instant)",
    "claude-opus-6": r"(opus|sonnet|haiku|fable|mythos)-\d",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_known_by_its_name(name: str) -> None:
    assert kind_of(name) is dict(KINDS)[NAMES[name]]


@pytest.mark.parametrize("name", ["my-deployment", "llama3.2", "gpt-5-mini", ""])
def test_a_name_that_nobody_knows_refuses_nothing(name: str) -> None:
    assert kind_of(name) is UNKNOWN


def test_every_line_is_the_kind_of_some_model() -> None:
    assert {pattern for pattern, _ in KINDS} == set(NAMES.values())
    assert FOUR_SEVEN.quiet
    assert not NEWEST.quiet
    assert FOUR_FIVE.prefill


def asked(model: str, *messages: Message, **settings: Any) -> tuple[dict[str, Any], list[str]]:
    prompt = Prompt(list(messages or (USER,)), settings=settings)
    body, dropped = body_of(prompt, model, stream=False)
    told = json.loads(body)
    judge_request(told)
    return told, list(dropped)


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("claude-opus-4-7", set()),
        ("claude-sonnet-5", set()),
        ("claude-sonnet-4-6", {"temperature", "top_k"}),
        ("claude-3-7-sonnet", {"temperature", "top_p", "top_k"}),
        ("unknown", {"temperature", "top_p", "top_k"}),
    ],
)
def test_sampling_is_left_out_where_it_is_refused(model: str, kept: set[str]) -> None:
    sampling = {"temperature": 0.5, "top_p": 0.9, "top_k": 40}
    body, dropped = asked(model, **sampling)
    assert sampling.keys() & body.keys() == kept
    assert set(dropped) == sampling.keys() - kept


def test_what_is_so_without_being_set_is_no_loss() -> None:
    body, dropped = asked("claude-opus-5", temperature=1, top_p=1)
    assert ({"temperature", "top_p"} & body.keys(), dropped) == (set(), [])


@pytest.mark.parametrize(
    ("model", "settings", "thinking", "effort", "lost"),
    [
        ("claude-opus-5", {"reasoning_effort": "minimal"}, "adaptive", "low", []),
        ("claude-opus-5", {"reasoning_effort": "xhigh"}, "adaptive", "xhigh", []),
        ("claude-opus-4-6", {"reasoning_effort": "xhigh"}, "adaptive", "high", []),
        ("claude-opus-4-6", {"reasoning_effort": "max"}, "adaptive", "max", []),
        ("claude-opus-4-6", {"thinking_budget": 4000}, 4000, None, []),
        ("claude-opus-4-5", {"reasoning_effort": "max"}, 32_768, "high", []),
        ("claude-haiku-4-5", {"reasoning_effort": "low"}, 2048, None, []),
        ("claude-haiku-4-5", {"thinking_budget": -1}, 8192, None, []),
        ("claude-haiku-4-5", {"thinking_budget": 512}, None, None, ["thinking_budget"]),
        ("claude-opus-5", {"thinking_budget": -1}, "adaptive", None, []),
        ("claude-opus-5", {"thinking_budget": 9000}, "adaptive", "medium", ["thinking_budget"]),
        ("claude-opus-5", {"reasoning_effort": "none"}, "disabled", None, []),
        (
            "claude-opus-5",
            {"thinking_budget": 0, "reasoning_effort": "max"},
            "disabled",
            "high",
            [],
        ),
        ("claude-fable-5", {"reasoning_effort": "none"}, None, "low", ["reasoning_effort"]),
        ("claude-haiku-4-5", {"reasoning_effort": "none"}, "disabled", None, []),
        ("claude-3-5-haiku", {"reasoning_effort": "none"}, None, None, []),
        ("claude-3-5-haiku", {"reasoning_effort": "high"}, None, None, ["reasoning_effort"]),
        ("claude-opus-5", {"show_thinking": True}, None, None, ["show_thinking"]),
    ],
)
def test_a_model_is_asked_to_think_in_its_generations_way(
    model: str, settings: dict[str, Any], thinking: Any, effort: str | None, lost: list[str]
) -> None:
    body, dropped = asked(model, **settings)
    told = body.get("thinking", {})
    assert told.get("budget_tokens", told.get("type")) == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert dropped == lost
    if "budget_tokens" in told:
        assert told["budget_tokens"] < body["max_tokens"]


@pytest.mark.parametrize("model", ["claude-sonnet-4-20250514", "claude-opus-4-1", "claude-3-7-x"])
@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("most", [None, 1000, 2000, 5000, 100_000])
def test_a_budget_is_always_less_than_the_answer_may_be_long(
    model: str, effort: str, most: int | None
) -> None:
    body, dropped = asked(model, reasoning_effort=effort, max_tokens=most)
    if most is not None and most <= 1000:
        assert dropped == ["reasoning_effort"]
    else:
        assert 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"]


def test_what_is_thought_may_be_shown_or_not() -> None:
    for model, kind in (("claude-opus-5", "adaptive"), ("claude-haiku-4-5", "enabled")):
        for show, display in ((True, "summarized"), (False, "omitted")):
            body, _ = asked(model, reasoning_effort="high", show_thinking=show)
            assert (body["thinking"]["type"], body["thinking"]["display"]) == (kind, display)


def test_who_thinks_has_no_temperature() -> None:
    sampling = {"temperature": 0.5, "top_p": 0.5, "top_k": 3}
    body, dropped = asked("claude-haiku-4-5", reasoning_effort="low", **sampling)
    assert sampling.keys().isdisjoint(body)
    assert set(dropped) == sampling.keys()
    body, dropped = asked("claude-haiku-4-5", reasoning_effort="low", temperature=1, top_p=0.97)
    assert (body["top_p"], dropped) == (0.97, [])


def test_a_budget_is_not_given_where_the_conversation_forbids_it() -> None:
    begun = (USER, Message("assistant", [Text("It is")]))
    for messages in (begun, CALLED):
        body, dropped = asked("claude-haiku-4-5", *messages, reasoning_effort="low")
        assert "thinking" not in body
        assert dropped == ["reasoning_effort"]
    thought = Message("assistant", [Thinking("x", "anthropic", "s"), *CALLED[1].parts])
    body, dropped = asked("claude-haiku-4-5", USER, thought, CALLED[2], reasoning_effort="low")
    assert (body["thinking"]["type"], dropped) == ("enabled", [])
    body, dropped = asked("claude-opus-4-6", *CALLED, thinking_budget=4000)
    assert (body["thinking"]["type"], dropped) == ("adaptive", ["thinking_budget"])


def test_a_call_that_the_model_must_make_goes_before_thinking_or_is_unfit() -> None:
    prompt = Prompt(
        [USER], [Tool("f")], ToolChoice("required"), settings={"reasoning_effort": "low"}
    )
    body, dropped = body_of(prompt, "claude-haiku-4-5", stream=False)
    assert "thinking" not in json.loads(body)
    assert dropped == ("reasoning_effort",)
    with pytest.raises(Unfit, match="made to do"):
        body_of(prompt, "claude-mythos-preview", stream=False)


def test_strict_is_left_out_where_it_is_not_known() -> None:
    prompt = Prompt([USER], [Tool("f", schema={"type": "object"}, strict=True)])
    body, dropped = body_of(prompt, "claude-opus-4-1", stream=False)
    assert "strict" not in json.loads(body)["tools"][0]
    assert dropped == ("strict",)
