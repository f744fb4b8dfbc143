"""What a client of chat completions asks for, in the common form."""

import json
from typing import Any

import pytest

from router.dialects.common.prompt import (
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
from router.dialects.contract import ClientError
from router.dialects.openai.dialect import OPENAI

WEATHER: dict[str, Any] = {
    "name": "weather",
    "description": "Says how the weather is.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": True,
}
PNG = "iVBORw0KGgo="


def read(**fields: Any) -> Prompt:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **fields}
    return OPENAI.prompt(OPENAI.parse(json.dumps(body).encode()))


def said(*messages: dict[str, Any]) -> list[Message]:
    return read(messages=list(messages)).messages


def refused(**fields: Any) -> str:
    with pytest.raises(ClientError) as caught:
        read(**fields)
    assert caught.value.status == 400
    return caught.value.message


def test_messages_of_every_role_are_read() -> None:
    assert said(
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hello"}], "name": "ann"},
        {"role": "assistant", "content": "hi"},
        {"role": "system", "content": "be long"},
    ) == [
        Message("system", [Text("be brief")]),
        Message("user", [Text("hello")], "ann"),
        Message("assistant", [Text("hi")]),
        Message("system", [Text("be long")]),
    ]


def test_files_are_read_by_address_by_value_and_by_id() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": "https://x.example/b.png"},
        {"type": "input_audio", "input_audio": {"data": PNG, "format": "mp3"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}"}},
        {"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}},
    ]
    assert said({"role": "user", "content": parts})[0].parts == [
        File("image", url="https://x.example/a.png", detail="low"),
        File("image", "image/png", PNG),
        File("image", url="https://x.example/b.png"),
        File("audio", "audio/mpeg", PNG),
        File("document", "application/pdf", PNG),
        File("document", id="file-1", name="a.pdf"),
    ]


def test_calls_and_results_of_tools_are_read_and_results_of_one_turn_are_one_message() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    free = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "a b"}}
    assert said(
        {"role": "assistant", "content": None, "tool_calls": [call, free]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "and?"},
    ) == [
        Message("assistant", [ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "g", "a b", True)]),
        Message("user", [ToolResult("c1", [Text("one")]), ToolResult("c2", [Text("two")])]),
        Message("user", [Text("and?")]),
    ]


def test_reasoning_that_a_client_sends_back_is_read() -> None:
    details = [
        {"type": "reasoning.text", "text": "so", "signature": "s", "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "xyz", "format": "anthropic-claude-v1"},
        {"type": "unheard of"},
        "nothing",
    ]
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }
    messages = said(
        {"role": "assistant", "content": "a", "reasoning_content": "hm"},
        {"role": "assistant", "content": "a", "reasoning": "so", "reasoning_details": details},
        {"role": "assistant", "tool_calls": [call], "refusal": "no"},
    )
    assert [message.parts for message in messages] == [
        [Thinking("hm"), Text("a")],
        [Thinking("so", "anthropic", "s"), Thinking("", "anthropic", None, "xyz"), Text("a")],
        [Refusal("no"), ToolCall("c", "f", "{}", signature="sig", maker="gemini")],
    ]


def test_tools_are_read() -> None:
    assert read(
        tools=[
            {"type": "function", "function": WEATHER},
            {"type": "function", "function": {"name": "now"}},
            {"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}},
            {"type": "code_execution", "code_execution": {}},
        ],
        web_search_options={"search_context_size": "low"},
    ).tools == [
        Tool("weather", "Says how the weather is.", WEATHER["parameters"], strict=True),
        Tool("now", schema={"type": "object", "properties": {}}),
        Tool("sql", custom=True, grammar={"type": "text"}),
        Hosted("code_execution", {"type": "code_execution", "code_execution": {}}, "chat"),
        Hosted("web_search", {"search_context_size": "low"}, "chat"),
    ]


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", "f")),
        ({"type": "custom", "custom": {"name": "g"}}, ToolChoice("named", "g")),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
            ToolChoice("required", allowed=("f",)),
        ),
    ],
)
def test_what_tool_is_to_be_called_is_read(written: Any, choice: ToolChoice) -> None:
    assert read(tool_choice=written).choice == choice


def test_the_form_of_an_answer_is_read() -> None:
    shape = {"name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
    assert read(response_format={"type": "text"}).form is None
    assert read(response_format={"type": "json_object"}).form == Form()
    assert read(response_format={"type": "json_schema", "json_schema": shape}).form == Form(
        {"type": "object"}, "n", "d", strict=True
    )


def test_settings_have_one_name_each_and_those_that_are_null_are_none() -> None:
    assert read(
        max_tokens=5, max_completion_tokens=7, user="u", safety_identifier="s", stop="x",
        temperature=None, top_p=0.5, top_k=3, seed=1, n=2, reasoning_effort="low", logprobs=True,
    ).settings == {
        "max_tokens": 7, "user": "s", "stop": ["x"],
        "top_p": 0.5, "top_k": 3, "seed": 1, "n": 2, "reasoning_effort": "low", "logprobs": True,
    }  # fmt: skip


def test_fields_of_nobody_else_are_named() -> None:
    prompt = read(stream=True, stream_options={}, prediction={"type": "content"}, x=1, y=None)
    assert prompt.unknown == ("prediction", "x")


def test_marks_for_a_cache_are_read() -> None:
    parts = [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "c", "prompt_cache_breakpoint": {"mode": "explicit"}},
    ]
    assert said({"role": "user", "content": parts})[0].parts == [
        Text("a", "5m"), Text("b", "1h"), Text("c", "5m")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"messages": [{"role": "user", "content": 5}]}, "$.messages[0].content"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "$.messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}, "content[0].type"),
        ({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, "`audio`"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "`tool_calls`"),
        ({"temperature": "hot"}, "$.temperature"),
        ({"tools": [{"type": "function"}]}, "`tools`"),
        ({"tools": [5]}, "malformed"),
        ({"tool_choice": "perhaps"}, "`tool_choice`"),
        ({"response_format": {"type": "json_schema"}}, "`response_format`"),
        ({"response_format": {"type": "xml"}}, "`response_format`"),
        ({"functions": [{"name": "f"}]}, "`functions`"),
        ({"modalities": ["text", "audio"]}, "`modalities`"),
    ],
)
def test_what_is_malformed_or_has_no_common_form_is_named(fields: Any, told: str) -> None:
    assert told in refused(**fields)
