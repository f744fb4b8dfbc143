"""Bodies of Anthropic's clients as prompts, and what becomes of them on the way round."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.anthropic.bodies import body_of
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.common.prompt import (
    File,
    Form,
    Hosted,
    Message,
    Prompt,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.dialects.contract import ClientError
from tests.router.dialects.anthropic.judge import judge_request

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u-1"},
    "service_tier": "standard_only",
    "stream": True,
    "system": [
        {"type": "text", "text": "Be brief."},
        {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
    ],
    "tools": [
        {
            "name": "f",
            "description": "does",
            "input_schema": SCHEMA,
            "strict": True,
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
        {"type": "web_search_20250305", "name": "web_search"},
    ],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
                {"type": "document", "source": PDF, "title": "Paper"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "1"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": True,
                    "content": [
                        {"type": "text", "text": "See"},
                        {
                            "type": "image",
                            "source": {
                                "type": "base64",
                                "media_type": "image/png",
                                "data": "iVBORw0KGgo=",
                            },
                        },
                    ],
                },
                {"type": "text", "text": "And?", "cache_control": {"type": "ephemeral"}},
            ],
        },
    ],
}


def prompt(**fields: Any) -> Prompt:
    body = {"model": "m", "messages": [], **fields}
    return ANTHROPIC.prompt(ANTHROPIC.parse(json.dumps(body).encode()))


def test_a_body_says_all_of_this() -> None:
    judge_request(BODY)
    told = ANTHROPIC.prompt(ANTHROPIC.parse(json.dumps(BODY).encode()))
    assert told == Prompt(
        [
            Message("system", [Text("Be brief."), Text("Be kind.", "5m")]),
            Message(
                "user",
                [
                    Text("See"),
                    File("image", url="https://a.example/x.png"),
                    File("document", "application/pdf", "JVBERi0=", name="Paper"),
                ],
            ),
            Message(
                "assistant",
                [
                    Thinking("Hm.", "anthropic", "c2ln"),
                    Thinking("", "anthropic", redacted="x"),
                    Text("Looking."),
                    ToolCall("toolu_1", "f", '{"a": "1"}'),
                ],
            ),
            Message(
                "user",
                [
                    ToolResult(
                        "toolu_1",
                        [Text("See"), File("image", "image/png", "iVBORw0KGgo=")],
                        failed=True,
                    ),
                    Text("And?", "5m"),
                ],
            ),
        ],
        [
            Tool("f", "does", SCHEMA, strict=True, cache="1h"),
            Hosted("web_search_20250305", BODY["tools"][1], "anthropic"),
        ],
        ToolChoice("named", "f"),
        Form(SCHEMA, strict=True),
        {
            "max_tokens": 100,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 5,
            "stop": ["END"],
            "service_tier": "standard_only",
            "user": "u-1",
            "parallel_tool_calls": False,
        },
    )


def test_a_body_comes_round_as_it_was() -> None:
    told = ANTHROPIC.prompt(ANTHROPIC.parse(json.dumps(BODY).encode()))
    body, dropped = body_of(told, "m", stream=True)
    assert json.loads(body) == BODY
    assert dropped == ()


@pytest.mark.parametrize(
    ("thinking", "effort", "settings"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, None, {"thinking_budget": 2000}),
        ({"type": "adaptive"}, "max", {"thinking_budget": -1, "reasoning_effort": "max"}),
        (
            {"type": "adaptive", "display": "summarized"},
            None,
            {"thinking_budget": -1, "show_thinking": True},
        ),
        ({"type": "disabled"}, None, {"thinking_budget": 0}),
    ],
)
def test_thinking_is_asked_for_in_common_terms_and_comes_round(
    thinking: dict[str, Any], effort: str | None, settings: dict[str, Any]
) -> None:
    config = {"output_config": {"effort": effort}} if effort else {}
    told = prompt(messages=[{"role": "user", "content": "x"}], thinking=thinking, **config)
    assert told.settings == settings
    body, dropped = body_of(told, "claude-opus-4-6", stream=False)
    assert json.loads(body)["thinking"] == thinking
    assert json.loads(body).get("output_config", {}) == config.get("output_config", {})
    assert dropped == ()


def test_what_has_no_common_form_is_named() -> None:
    cited = {"type": "char_location", "cited_text": "x"}
    told = prompt(
        messages=[
            {"role": "assistant", "content": [{"type": "text", "text": "x", "citations": [cited]}]}
        ],
        thinking={"type": "between_tools"},
        container="c",
        tomorrow={"a": 1},
        context_management=None,
    )
    assert told.unknown == ("container", "tomorrow", "citations", "thinking")


def test_documents_are_unfolded_as_far_as_they_can_be() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "Hi é"}
    parts = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    content = [
        {"type": "document", "source": plain, "context": "A note.", "citations": {"enabled": True}},
        {"type": "document", "source": {"type": "content", "content": parts}},
        {"type": "document", "source": {"type": "content", "content": "C"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
    ]
    told = prompt(messages=[{"role": "user", "content": content}])
    data = b64encode("Hi é".encode()).decode()
    assert told.messages[0].parts == [
        Text("A note."),
        File("document", "text/plain", data),
        Text("A"),
        Text("B"),
        Text("C"),
        File("image", id="file_1"),
    ]
    assert told.unknown == ("citations",)


def test_servers_of_tools_are_hosted_and_forms_are_strict_where_they_may_be() -> None:
    server = {"type": "url", "url": "https://a.example", "name": "a"}
    told = prompt(mcp_servers=[server], output_format={"type": "json_schema", "schema": SCHEMA})
    assert told.tools == [Hosted("mcp_server", server, "anthropic")]
    assert told.form == Form(SCHEMA, strict=True)
    for loose in ({**SCHEMA, "required": []}, {**SCHEMA, "additionalProperties": True}):
        form = {"type": "json_schema", "schema": {"type": "array", "items": loose}}
        assert prompt(output_config={"format": form}).form == Form(form["schema"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [1]}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"type": "tomorrow"}]}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0"),
        ({"system": 1}, "system"),
        ({"tools": {"a": 1}}, "tools"),
        ({"tools": [{"name": "f"}]}, "tools"),
        ({"tools": [1]}, "tools"),
        ({"tool_choice": {"type": "x"}}, "tool_choice"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"max_tokens": 1, "temperature": "x"}, "temperature"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config"),
    ],
)
def test_what_is_malformed_is_named_with_its_place(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ClientError) as caught:
        prompt(**fields)
    assert (caught.value.status, caught.value.hopeless) == (400, True)
    assert str(caught.value.param).startswith(param)
    assert param.partition(".")[0] in caught.value.message


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
BLOCK_TYPES = st.sampled_from(
    [
        "text",
        "image",
        "document",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
    ]
)
BLOCKS = st.fixed_dictionaries(
    {"type": BLOCK_TYPES | ANYTHING},
    optional=dict.fromkeys(
        ("text", "source", "id", "name", "input", "content", "tool_use_id", "thinking"), ANYTHING
    ),
)
BODIES = st.fixed_dictionaries(
    {
        "model": st.just("m"),
        "messages": st.lists(
            st.fixed_dictionaries(
                {
                    "role": st.sampled_from(["user", "assistant", "system"]) | ANYTHING,
                    "content": st.lists(BLOCKS, max_size=3) | ANYTHING,
                }
            )
            | ANYTHING,
            max_size=3,
        ),
    },
    optional={
        name: ANYTHING | st.dictionaries(st.sampled_from(["type", "name", "format"]), ANYTHING)
        for name in (
            "system",
            "tools",
            "tool_choice",
            "thinking",
            "output_config",
            "metadata",
            "stop_sequences",
            "mcp_servers",
        )
    },
)


@given(BODIES)
def test_any_body_is_a_prompt_or_a_clients_error(body: dict[str, Any]) -> None:
    with suppress(ClientError):
        ANTHROPIC.prompt(ANTHROPIC.parse(json.dumps(body).encode()))
    for needs in ({"tools"}, {"schema"}, {"images", "documents"}):
        call = ANTHROPIC.parse(json.dumps({**body, "messages": []}).encode())
        assert ANTHROPIC.features(call, frozenset(needs)).keys() == needs


WORDS = st.text(min_size=1, max_size=5).filter(str.strip)
PARTS = {
    "user": st.builds(Text, WORDS, st.sampled_from([None, "5m"]))
    | st.builds(File, st.just("image"), st.just("image/png"), st.just("AAAA")),
    "assistant": st.builds(Text, WORDS)
    | st.builds(ToolCall, st.just("toolu_1"), st.just("f"), st.sampled_from(["{}", '{"a":[1]}']))
    | st.builds(Thinking, WORDS, st.just("anthropic"), st.just("c2ln")),
}
TURNS = st.lists(
    st.tuples(
        st.lists(PARTS["user"], min_size=1, max_size=3),
        st.lists(PARTS["assistant"], min_size=1, max_size=3),
    ),
    max_size=2,
)
SOME = st.fixed_dictionaries(
    {"max_tokens": st.integers(1, 9000)},
    optional={
        "temperature": st.floats(0, 1),
        "stop": st.lists(WORDS, min_size=1, max_size=2),
        "user": WORDS,
        "service_tier": st.sampled_from(["auto", "standard_only"]),
    },
)


@given(TURNS, SOME, st.booleans(), st.booleans())
def test_a_prompt_comes_round_as_it_was(turns: Any, some: Any, tool: bool, system: bool) -> None:
    messages = [Message("system", [Text("Be brief.")])] if system else []
    for user, assistant in turns:
        messages += [Message("user", user), Message("assistant", assistant)]
    messages.append(Message("user", [Text("And now?")]))
    calls = [p for m in messages for p in m.parts if isinstance(p, ToolCall)]
    tools: Any = [Tool("f", "does", {"type": "object"}, strict=None)] if tool or calls else []
    asked = Prompt(messages, tools, settings=some)
    body, dropped = body_of(asked, "m", stream=False)
    judge_request(json.loads(body))
    assert set(dropped) <= {"cache_control"}
    again = ANTHROPIC.prompt(ANTHROPIC.parse(body))
    if not dropped:
        assert again == asked
