"""Prompts as bodies for providers that speak Anthropic's dialect, judged by the SDK's own types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.dialects.anthropic.bodies import CARRIES, body_of
from router.dialects.common.prompt import (
    SETTINGS,
    File,
    Form,
    Hosted,
    Message,
    Prompt,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.dialects.contract import Unfit, Wanting
from tests.router.dialects.anthropic.judge import judge_request

USER = Message("user", [Text("Which way?")])
OLD, NEW, UNKNOWN = "claude-sonnet-4-5-20250929", "claude-opus-5", "my-deployment"
TOOL = Tool("f", "does", {"type": "object", "properties": {"a": {"type": "integer"}}})
PNG = "iVBORw0KGgo="


def asked(prompt: Prompt, model: str = UNKNOWN, *, stream: bool = False) -> tuple[Any, list[str]]:
    """The body, as the SDK's own types take it, and what was left out."""
    body, dropped = body_of(prompt, model, stream=stream)
    told = json.loads(body)
    judge_request(told)
    return told, list(dropped)


def said(*messages: Message, model: str = UNKNOWN, **fields: Any) -> Any:
    return asked(Prompt(list(messages), **fields), model)[0]


def test_a_question_is_put_in_its_words() -> None:
    body, dropped = asked(Prompt([Message("system", [Text("Be brief.")]), USER]), stream=True)
    assert body == {
        "model": UNKNOWN,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Which way?"}]}],
        "max_tokens": 8192,
        "stream": True,
    }
    assert dropped == []


def test_system_messages_are_hoisted_where_they_cannot_stand() -> None:
    messages = [
        Message("system", [Text("A")]),
        USER,
        Message("assistant", [Text("That way.")]),
        USER,
        Message("system", [Text("B", cache="5m")]),
    ]
    kept = said(*messages, model=NEW)
    assert kept["system"] == "A"
    assert [message["role"] for message in kept["messages"]] == [
        "user",
        "assistant",
        "user",
        "system",
    ]
    hoisted = said(*messages, model="claude-sonnet-5")
    assert [block["text"] for block in hoisted["system"]] == ["A", "B"]
    assert hoisted["system"][1]["cache_control"] == {"type": "ephemeral"}
    before_another = said(*messages, USER, model=NEW)
    assert [block["text"] for block in before_another["system"]] == ["A", "B"]


def test_what_is_only_the_systems_is_asked_by_the_user_and_the_user_begins() -> None:
    only = said(Message("system", [Text("Go.")]))
    assert "system" not in only
    assert only["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Go."}]}]
    begun = said(Message("assistant", [Text("Hi.")]), USER)
    assert [message["role"] for message in begun["messages"]] == ["user", "assistant", "user"]


def test_turns_of_one_are_merged_and_results_stand_first_in_theirs() -> None:
    body = said(
        USER,
        Message("assistant", [Text("Wait."), ToolCall("call.1", "f", '{"a":1}')]),
        Message("assistant", [ToolCall("call_2", "f", "")]),
        Message("user", [Text("And?"), ToolResult("call.1", [Text("one")])]),
        Message("user", [ToolResult("call_2", [], failed=True)]),
        tools=[TOOL],
    )
    _, assistant, user = body["messages"]
    assert assistant["content"][1:] == [
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_2", "name": "f", "input": {}},
    ]
    assert user["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "one"},
        {"type": "tool_result", "tool_use_id": "call_2", "is_error": True},
        {"type": "text", "text": "And?"},
    ]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ('{"n":12345678901234567890123}', {"n": 12345678901234567890123}),
        ("", {}),
        ("[1]", {"arguments": "[1]"}),
        ('{"a":', {"arguments": '{"a":'}),
        ("\ud83d", {"arguments": "?"}),
    ],
)
def test_arguments_are_an_object_whatever_a_model_wrote(written: str, given: Any) -> None:
    body = said(USER, Message("assistant", [ToolCall("a", "f", written)]), USER, tools=[TOOL])
    assert body["messages"][1]["content"][0]["input"] == given


def test_blank_texts_are_left_out_and_a_begun_answer_does_not_end_in_a_blank() -> None:
    blank = Message("assistant", [Text(" "), Text("")])
    body = said(USER, blank, USER, Message("assistant", [Text("It is \n")]), model=OLD)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"]
    assert len(body["messages"][0]["content"]) == 2
    assert body["messages"][1]["content"][0]["text"] == "It is"
    with pytest.raises(Unfit, match="beginning of an answer"):
        said(USER, Message("assistant", [Text("It is")]), model="claude-sonnet-4-6")


def test_files_are_given_as_they_can_be() -> None:
    prompt = Prompt(
        [
            Message(
                "user",
                [
                    File("image", "image/jpg", data="AAAA"),
                    File("image", data=PNG, cache="1h"),
                    File("image", url="https://a.example/x.png"),
                    File("image", url="http://a.example/y.png"),
                    File("document", "application/pdf", data="JVBERi0=", name="Paper"),
                    File("document", "text/markdown", data="SGk="),
                ],
            )
        ],
        fetched={"http://a.example/y.png": ("image/png", PNG)},
    )
    sources = [block["source"] for block in asked(prompt)[0]["messages"][0]["content"]]
    assert sources == [
        {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "url", "url": "https://a.example/x.png"},
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        {"type": "text", "media_type": "text/plain", "data": "Hi"},
    ]


@pytest.mark.parametrize(
    "part",
    [
        File("audio", "audio/wav", data="AAAA"),
        File("video", url="https://a.example/x.mp4"),
        File("image", "image/tiff", data="AAAA"),
        File("image", data="AAAA"),
        File("document", "application/zip", data="AAAA"),
        File("document", "text/plain", data="no base64!"),
        File("image", id="file-1"),
    ],
)
def test_files_that_cannot_be_given_make_the_target_unfit(part: File) -> None:
    with pytest.raises(Unfit):
        said(Message("user", [part]))
    with pytest.raises(Unfit):
        said(USER, Message("user", [ToolResult("a", [part])]))


def test_what_is_not_at_an_https_address_is_wanted() -> None:
    with pytest.raises(Wanting) as caught:
        said(Message("user", [File("image", url="http://a.example/x.png")]))
    assert caught.value.urls == ("http://a.example/x.png",)


def test_thinking_is_kept_where_it_is_its_makers() -> None:
    message = Message(
        "assistant",
        [
            Thinking("Mine.", "anthropic", "c2ln"),
            Thinking("", "anthropic", redacted="x"),
            Thinking("Theirs.", "gemini", "c2ln"),
            Thinking("Unsigned.", "anthropic"),
            Refusal("No."),
        ],
        name="bot",
    )
    body, dropped = asked(Prompt([USER, message, USER]))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Mine.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "No."},
    ]
    assert dropped == ["message_names", "thinking"]


def test_tools_and_choices_are_put_in_its_words() -> None:
    strict = Tool("g", None, {"properties": {"b": {"type": "string", "maxLength": 3}}}, strict=True)
    tools: Any = [TOOL, strict, Tool("h", cache="1h")]
    body, dropped = asked(
        Prompt([USER], tools, ToolChoice("named", "f"), settings={"parallel_tool_calls": False})
    )
    assert body["tools"][1] == {
        "name": "g",
        "input_schema": {
            "type": "object",
            "properties": {"b": {"type": "string"}},
            "additionalProperties": False,
        },
        "strict": True,
    }
    assert body["tools"][2]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    choice = {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    assert body["tool_choice"] == choice
    assert dropped == ["schema_bounds"]
    few = said(USER, tools=tools, choice=ToolChoice("required", allowed=("h",)))
    assert [tool["name"] for tool in few["tools"]] == ["h"]
    assert few["tool_choice"] == {"type": "any"}
    off = said(USER, tools=[TOOL], settings={"parallel_tool_calls": False})
    assert off["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in said(USER, choice=ToolChoice("none"))


def test_who_has_called_tools_still_has_them() -> None:
    body = said(
        USER,
        Message("assistant", [ToolCall("a", "f", "{}")]),
        Message("user", [ToolResult("a", [Text("x")])]),
    )
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


def test_hosted_tools_are_their_makers_alone() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    server = {"type": "url", "url": "https://a.example", "name": "a"}
    body, _ = body_of(
        Prompt(
            [USER],
            [
                Hosted("web_search_20250305", search, "anthropic"),
                Hosted("mcp_server", server, "anthropic"),
            ],
        ),
        NEW,
        stream=False,
    )
    told = json.loads(body)
    assert (told["tools"], told["mcp_servers"]) == ([search], [server])
    for tool in (Hosted("web_search", {}, "openai"), Tool("c", custom=True)):
        with pytest.raises(Unfit):
            said(USER, tools=[tool])


def test_a_form_is_asked_for_where_the_model_knows_forms() -> None:
    schema = {
        "type": "object",
        "properties": {
            "minimum": {"type": "integer", "minimum": 1},
            "list": {"type": "array", "items": {"$ref": "#/$defs/x"}, "minItems": 1},
        },
        "$defs": {"x": {"type": "object", "properties": {}, "additionalProperties": True}},
    }
    with pytest.raises(Unfit, match="free keys"):
        said(USER, form=Form(schema))
    del schema["$defs"]
    body, dropped = asked(Prompt([USER], form=Form(schema)), NEW)
    made = body["output_config"]["format"]["schema"]
    assert made["properties"]["minimum"] == {"type": "integer"}
    assert made["properties"]["list"]["minItems"] == 1
    assert made["additionalProperties"] is False
    assert dropped == ["schema_bounds"]
    with pytest.raises(Unfit, match="given form"):
        said(USER, form=Form(schema), model="claude-sonnet-4-20250514")
    assert "JSON" in said(USER, form=Form())["system"]


def test_settings_have_their_names_and_all_others_are_named_as_left_out() -> None:
    settings: dict[str, Any] = {
        "max_tokens": 100,
        "temperature": 1.7,
        "top_k": 5,
        "stop": ["END", "\n"],
        "user": "u-1",
        "service_tier": "default",
        "seed": 7,
        "n": 2,
        "presence_penalty": 0.5,
        "frequency_penalty": 0,
        "logprobs": False,
        "store": None,
    }
    body, dropped = asked(Prompt([USER], settings=settings))
    assert body["temperature"] == 1
    assert body["top_k"] == 5
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "u-1"}
    assert body["service_tier"] == "standard_only"
    assert dropped == ["seed", "n", "presence_penalty", "stop"]
    assert asked(Prompt([USER], settings={"service_tier": "flex"}))[1] == ["service_tier"]


def test_every_setting_is_carried_or_named() -> None:
    values: dict[str, Any] = dict.fromkeys(SETTINGS, 1) | {
        "n": 2,
        "stop": ["x"],
        "reasoning_effort": "high",
        "user": "u",
        "service_tier": "auto",
        "logit_bias": {"1": 1.0},
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "verbosity": "low",
        "parallel_tool_calls": False,
        "thinking_budget": -1,
    }
    for name in SETTINGS:
        _, dropped = body_of(Prompt([USER], settings={name: values[name]}), NEW, stream=False)
        assert (name in dropped) == (name not in CARRIES or name in ("top_k", "show_thinking"))


def test_the_answer_is_as_long_as_the_model_may_make_it() -> None:
    assert said(USER, model="claude-haiku-4-5")["max_tokens"] == 64_000
    assert said(USER, model="claude-opus-4-8")["max_tokens"] == 128_000
    assert said(USER, model="claude-opus-4-1")["max_tokens"] == 8192
    long = {"max_tokens": 1_000_000}
    assert said(USER, model="claude-opus-4-1", settings=long)["max_tokens"] == 32_000
    assert said(USER, settings=long)["max_tokens"] == 1_000_000


def test_at_most_four_breakpoints_are_kept_and_none_for_longer_after_a_shorter_one() -> None:
    texts: Any = [Text(f"{n}", cache="1h" if n % 2 else "5m") for n in range(6)]
    body, dropped = asked(Prompt([Message("user", texts)], [Tool("f", cache="1h")]))
    assert "cache_control" not in body["tools"][0]
    marks = [block.get("cache_control") for block in body["messages"][0]["content"]]
    assert marks == [None, None, *[{"type": "ephemeral"}] * 4]
    assert dropped == ["cache_control"]
