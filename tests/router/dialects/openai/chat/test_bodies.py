"""A prompt as it is sent to servers of chat completions: what each takes, and what it does not."""

import json
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter

from router.dialects.common.prompt import (
    File,
    Form,
    Hosted,
    Message,
    Part,
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
from router.dialects.openai.chat.foreign import Chat, chat_of
from router.dialects.openai.chat.quirks import CARRIES, QUIRKS

PARAMS: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsNonStreaming)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL = Tool("f", "does", SCHEMA)
PNG = "iVBORw0KGgo="
HELLO = Message("user", [Text("hello")])


def asked(
    company: str, *parts: Part, model: str = "m", **others: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    messages = [Message("user", list(parts))] if parts else [HELLO]
    prompt = Prompt(**{"messages": messages, **others})
    path, body, dropped = chat_of(company).ask(prompt, model, stream=False)
    assert path == "/chat/completions"
    return json.loads(body), dropped


def sent(company: str, *messages: Message) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = asked(company, messages=list(messages))[0]["messages"]
    return told


def settings(company: str, model: str = "m", **told: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, dropped = asked(company, model=model, settings=told)
    del body["messages"], body["model"]
    return body, dropped


def test_a_body_is_what_openais_own_types_know() -> None:
    body, dropped = asked(
        "openai",
        model="gpt-4o",
        messages=[
            Message("system", [Text("be brief"), Text("be kind")]),
            Message("user", [Text("look"), File("image", "image/png", PNG)], "ann"),
            Message("assistant", [ToolCall("c1", "f", "{}"), Text("wait")]),
            Message("user", [ToolResult("c1", [Text("one")]), Text("and?")]),
            Message("assistant", [Refusal("no")]),
            Message("user", [File("audio", "audio/mpeg", PNG), File("document", data=PNG)]),
        ],
        tools=[TOOL, Tool("g", custom=True)],
        choice=ToolChoice("required", allowed=("f", "g")),
        form=Form(SCHEMA, strict=True),
        settings={"max_tokens": 5, "temperature": 1.0, "stop": ["x"], "metadata": {"a": "b"}},
    )
    PARAMS.validate_python(body, strict=True)
    assert dropped == ()
    assert body["max_completion_tokens"] == 5
    assert [message["role"] for message in body["messages"]] == [
        "system", "user", "assistant", "tool", "user", "assistant", "user"
    ]  # fmt: skip


def test_every_preset_is_sent_what_openais_types_know_but_for_its_own_words() -> None:
    for company in ("", *QUIRKS):
        body, _ = asked(company, settings={"max_tokens": 5, "temperature": 0.5})
        PARAMS.validate_python(body, strict=True)


def test_results_come_first_and_files_among_them_follow_in_a_users_message() -> None:
    result = ToolResult("c1", [Text("seen"), File("image", url="https://x.example/a.png")])
    bare = ToolResult("c2", [File("image", "image/png", PNG)])
    assert sent("", Message("user", [Text("and?"), result, bare])) == [
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        {"role": "tool", "tool_call_id": "c2", "content": "(a file, which follows)"},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                {"type": "text", "text": "and?"},
            ],
        },
    ]


def test_a_call_that_failed_says_so_in_words() -> None:
    (told,) = sent("", Message("user", [ToolResult("c", [Text("no such city")], failed=True)]))
    assert told == {"role": "tool", "tool_call_id": "c", "content": "Error: no such city"}


def test_texts_of_one_message_are_one_where_several_are_not_sure_to_be_taken() -> None:
    two = Message("system", [Text("a"), Text("b")])
    assert sent("deepseek", two)[0]["content"] == "a\n\nb"
    assert len(sent("openai", two)[0]["content"]) == 2


def test_a_text_document_is_text_and_one_at_an_address_is_wanted_as_bytes() -> None:
    note = File("document", "text/plain", "aGVsbG8=")
    assert asked("groq", note)[0]["messages"][0]["content"] == [{"type": "text", "text": "hello"}]
    there = File("document", "application/pdf", url="https://x.example/a.pdf")
    with pytest.raises(Wanting) as wanting:
        asked("openai", there)
    assert wanting.value.urls == ("https://x.example/a.pdf",)
    fetched = {"https://x.example/a.pdf": ("application/pdf", PNG)}
    (part,) = asked("openai", there, fetched=fetched)[0]["messages"][0]["content"]
    assert part["file"]["file_data"] == f"data:application/pdf;base64,{PNG}"


def test_a_server_that_takes_images_as_bytes_alone_gets_them_so() -> None:
    there = File("image", url="https://x.example/a.png")
    with pytest.raises(Wanting):
        asked("ollama", there)
    fetched = {"https://x.example/a.png": ("image/gif", PNG)}
    (part,) = asked("ollama", there, fetched=fetched)[0]["messages"][0]["content"]
    assert part["image_url"] == {"url": f"data:image/gif;base64,{PNG}"}


@pytest.mark.parametrize(
    ("company", "parts", "others"),
    [
        ("deepseek", [File("image", "image/png", PNG)], {}),
        ("groq", [File("document", "application/pdf", PNG)], {}),
        ("groq", [File("audio", "audio/mpeg", PNG)], {}),
        ("openai", [File("video", "video/mp4", PNG)], {}),
        ("openai", [File("image", id="file-1")], {}),
        ("openai", [File("audio", "", PNG)], {}),
        ("perplexity", [], {"tools": [TOOL]}),
        ("deepseek", [], {"form": Form(SCHEMA)}),
        ("groq", [], {"tools": [Tool("g", custom=True)]}),
        ("openai", [], {"tools": [Hosted("web_search_20250305", {}, "anthropic")]}),
        ("ollama", [], {"tools": [TOOL], "choice": ToolChoice("required")}),
        ("cohere", [], {"tools": [TOOL], "choice": ToolChoice("named", "f")}),
    ],
)
def test_what_must_not_be_left_out_makes_a_server_unfit(
    company: str, parts: list[Part], others: dict[str, Any]
) -> None:
    with pytest.raises(Unfit):
        asked(company, *parts, **others)


def test_what_only_tunes_is_left_out_and_named() -> None:
    told: dict[str, Any] = {
        "top_k": 3,
        "seed": 1,
        "max_tool_calls": 2,
        "temperature": 0.5,
        "show_thinking": True,
    }
    assert settings("deepseek", **told) == (
        {"temperature": 0.5},
        ("top_k", "seed", "max_tool_calls", "show_thinking"),
    )
    assert settings("vllm", **told)[0] == {"top_k": 3, "seed": 1, "temperature": 0.5}


def test_nothing_is_left_out_in_silence_but_what_says_nothing_without_tools() -> None:
    values: dict[str, Any] = {
        "stop": ["x"], "logit_bias": {"1": 1.0}, "metadata": {"a": "b"}, "reasoning_effort": "low",
    }  # fmt: skip
    for company in ("", *QUIRKS):
        for name in CARRIES:
            body, dropped = settings(company, **{name: values.get(name, 2)})
            assert bool(body) is (name not in dropped) or name == "parallel_tool_calls"


def test_a_model_that_thinks_is_not_told_how_to_sample_and_others_not_how_to_think() -> None:
    told: dict[str, Any] = {
        "temperature": 0.5,
        "reasoning_effort": "high",
        "verbosity": "low",
        "max_tokens": 5,
    }
    assert settings("openai", "gpt-5-mini", **told) == (
        {"reasoning_effort": "high", "verbosity": "low", "max_completion_tokens": 5},
        ("temperature",),
    )
    assert settings("openai", "gpt-4o", **told) == (
        {"temperature": 0.5, "max_completion_tokens": 5},
        ("reasoning_effort", "verbosity"),
    )
    assert settings("openai", "gpt-5-chat-latest", **told)[1] == ("reasoning_effort", "verbosity")


@pytest.mark.parametrize(
    ("company", "told", "body"),
    [
        ("openai", {"thinking_budget": 1024}, {"reasoning_effort": "low"}),
        ("openai", {"thinking_budget": 5000}, {"reasoning_effort": "medium"}),
        ("openai", {"thinking_budget": 99_999}, {"reasoning_effort": "high"}),
        ("openai", {"thinking_budget": 0}, {"reasoning_effort": "none"}),
        ("openai", {"thinking_budget": -1}, {}),
        ("groq", {"thinking_budget": 1024}, {}),
        ("groq", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}),
        ("mistral", {"reasoning_effort": "low"}, {"reasoning_effort": "none"}),
        ("deepseek", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("deepseek", {"thinking_budget": 2000}, {"thinking": {"type": "enabled"}}),
        ("openrouter", {"thinking_budget": 2000}, {"reasoning": {"effort": "low"}}),
    ],
)
def test_how_much_to_think_is_said_as_the_server_knows_it(
    company: str, told: dict[str, Any], body: dict[str, Any]
) -> None:
    said, dropped = settings(company, "gpt-5", **told)
    assert said == body
    assert dropped == (
        ("thinking_budget",) if company == "groq" and "thinking_budget" in told else ()
    )


def test_mistral_has_words_of_its_own() -> None:
    body, _ = asked(
        "mistral",
        messages=[
            HELLO,
            Message(
                "assistant", [ToolCall("toolu_01A", "f", "{}"), ToolCall("abcdEF123", "f", "{}")]
            ),
            Message("user", [ToolResult("toolu_01A", [Text("x")])]),
            Message("assistant", [Text("So ")]),
        ],
        tools=[TOOL],
        choice=ToolChoice("required"),
        settings={"seed": 7},
    )
    first, second = body["messages"][1]["tool_calls"]
    assert second["id"] == "abcdEF123"
    assert len(first["id"]) == 9
    assert first["id"].isalnum()
    assert body["messages"][2]["tool_call_id"] == first["id"]
    assert body["messages"][3] == {"role": "assistant", "content": "So ", "prefix": True}
    assert (body["random_seed"], body["tool_choice"]) == (7, "any")


def test_an_id_that_is_too_long_is_the_same_short_one_for_the_call_and_its_result() -> None:
    written = sent(
        "",
        Message("assistant", [ToolCall("x" * 41, "f", "{}"), ToolCall("y" * 40, "f", "{}")]),
        Message("user", [ToolResult("x" * 41, [Text("r")])]),
    )
    short, kept = (call["id"] for call in written[0]["tool_calls"])
    assert written[1]["tool_call_id"] == short != "x" * 41
    assert kept == "y" * 40


def test_reasoning_is_echoed_to_those_who_want_it_and_else_left_out_and_named() -> None:
    thought = Message("assistant", [Thinking("hm"), ToolCall("c", "f", "{}")])
    gone = Message("assistant", [ToolCall("c", "f", "{}")])
    assert [one["reasoning_content"] for one in sent("deepseek", thought, gone)] == ["hm", " "]
    body, dropped = asked("openai", messages=[thought])
    assert "reasoning_content" not in body["messages"][0]
    assert dropped == ("thinking",)
    signed = Message("assistant", [Thinking("hm", "anthropic", "sig"), Text("a")])
    assert sent("openrouter", signed)[0]["reasoning_details"] == [
        {
            "type": "reasoning.text",
            "text": "hm",
            "signature": "sig",
            "format": "anthropic-claude-v1",
            "index": 0,
        }
    ]


def test_marks_for_a_cache_are_kept_where_they_are_known_and_else_named() -> None:
    marked = Text("long", cache="1h")
    (part,) = asked("openrouter", marked)[0]["messages"][0]["content"]
    assert part["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    body, dropped = asked("openai", marked)
    assert body["messages"][0]["content"] == "long"
    assert dropped == ("cache_control",)


def test_who_cannot_be_told_which_tools_are_allowed_is_offered_only_those() -> None:
    allowed = ToolChoice("required", allowed=("f",))
    body, _ = asked("groq", tools=[TOOL, Tool("g", schema={})], choice=allowed)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == "required"
    body, _ = asked("ollama", tools=[TOOL], choice=ToolChoice("none"))
    assert "tools" not in body


def test_a_refusal_is_text_to_those_who_know_none() -> None:
    (told,) = sent("groq", Message("assistant", [Refusal("no")]))
    assert told == {"role": "assistant", "content": "no"}


def test_usage_is_asked_for_unless_it_comes_unasked() -> None:
    prompt = Prompt([HELLO])
    body = json.loads(Chat().ask(prompt, "m", stream=True)[1])
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    unasked = json.loads(chat_of("mistral", ask_usage=False).ask(prompt, "m", stream=True)[1])
    assert "stream_options" not in unasked
