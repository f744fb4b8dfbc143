"""What a prompt is in Converse's words: botocore takes every one of them for a request."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.bedrock.foreign import BEDROCK
from router.dialects.common.prompt import (
    EFFORTS,
    SETTINGS,
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
from tests.router.dialects.bedrock.wire import judged

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS = "global.anthropic.claude-opus-4-7-v1"
OLD = "anthropic.claude-3-5-sonnet-20240620-v1:0"
NOVA = "amazon.nova-pro-v1:0"
LLAMA = "meta.llama3-3-70b-instruct-v1:0"
PNG = b64encode(b"\x89PNG\r\n\x1a\n").decode()
PDF = b64encode(b"%PDF-1.7").decode()
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
WEATHER = Tool("weather", "Tells it", SCHEMA)


def user(*parts: str | Part) -> Message:
    return Message("user", [Text(part) if isinstance(part, str) else part for part in parts])


def assistant(*parts: str | Part) -> Message:
    return Message("assistant", [Text(part) if isinstance(part, str) else part for part in parts])


def system(text: str) -> Message:
    return Message("system", [Text(text)])


def asked(
    *messages: Message, model: str = CLAUDE, **fields: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body for a prompt, which botocore has judged, and what is left out of it."""
    path, body, dropped = BEDROCK.ask(Prompt(list(messages), **fields), model, stream=False)
    return judged(path, body), dropped


def said(*messages: Message, **fields: Any) -> dict[str, Any]:
    """The same where nothing is left out."""
    body, dropped = asked(*messages, **fields)
    assert dropped == ()
    return body


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (CLAUDE, "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"),
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0",
            (
                "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2F"
                "eu.amazon.nova-pro-v1%3A0/converse"
            ),
        ),
    ],
)
def test_a_model_s_name_is_one_step_of_the_path(model: str, path: str) -> None:
    told, body, _ = BEDROCK.ask(Prompt([user("Hi")]), model, stream=False)
    assert told == path
    streamed, same, _ = BEDROCK.ask(Prompt([user("Hi")]), model, stream=True)
    assert (streamed, same) == (f"{path}-stream", body)
    assert judged(streamed, body) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_the_system_s_words_come_first_and_neighbours_are_one_turn() -> None:
    body = said(
        system("Be brief."),
        user("Hi"),
        user("there"),
        assistant("Yes?"),
        system("Be kind."),
        user("Go", " "),
        assistant(" "),
        user("on"),
    )
    assert body["system"] == [{"text": "Be brief."}, {"text": "Be kind."}]
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "Hi"}, {"text": "there"}]},
        {"role": "assistant", "content": [{"text": "Yes?"}]},
        {"role": "user", "content": [{"text": "Go"}, {"text": "on"}]},
    ]


def test_a_conversation_begins_with_the_user_whoever_spoke_first() -> None:
    assert said(system("Only this."))["messages"] == [
        {"role": "user", "content": [{"text": "Only this."}]}
    ]
    body = said(assistant("Welcome."), user("Hi"))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert said()["messages"] == [{"role": "user", "content": [{"text": "."}]}]


def test_a_turn_of_tools_keeps_its_order_and_its_results_stand_first() -> None:
    body = said(
        user("What is it like?"),
        assistant("Let me see.", ToolCall("call_1", "weather", '{"a":12345678901234567890}')),
        user("And hurry"),
        user(
            ToolResult("call_1", [Text("sunny"), File("image", "image/png", PNG)], failed=True),
            ToolResult("call_2", []),
        ),
        tools=[WEATHER],
    )
    call, results = body["messages"][1]["content"], body["messages"][2]["content"]
    assert call == [
        {"text": "Let me see."},
        {
            "toolUse": {
                "toolUseId": "call_1",
                "name": "weather",
                "input": {"a": 12345678901234567890},
            }
        },
    ]
    picture = {"image": {"format": "png", "source": {"bytes": PNG}}}
    assert results == [
        {
            "toolResult": {
                "toolUseId": "call_1",
                "content": [{"text": "sunny"}, picture],
                "status": "error",
            }
        },
        {"toolResult": {"toolUseId": "call_2", "content": []}},
        {"text": "And hurry"},
    ]
    assert body["toolConfig"] == {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "Tells it",
                    "inputSchema": {"json": SCHEMA},
                }
            }
        ]
    }


def test_an_id_fits_whoever_made_it_and_a_result_finds_its_call() -> None:
    for name in ("call/1|fc*2", "x" * 100, "", "é"):
        body = said(
            user("Go"),
            assistant(ToolCall(name, "f", "")),
            user(ToolResult(name, [Text("done")])),
            tools=[Tool("f")],
        )
        call = body["messages"][1]["content"][0]["toolUse"]
        assert body["messages"][2]["content"][0]["toolResult"]["toolUseId"] == call["toolUseId"]
        assert call["input"] == {}


def test_arguments_that_are_no_object_are_told_as_text() -> None:
    for arguments in ("[1]", "not json", '{"a":', "NaN"):
        body = said(user("Go"), assistant(ToolCall("c", "f", arguments)), tools=[Tool("f")])
        call = body["messages"][1]["content"][0]["toolUse"]
        assert call["input"] == {"arguments": arguments}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (None, None),
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("named", "weather"), {"tool": {"name": "weather"}}),
    ],
)
def test_a_choice_of_tools_is_kept(choice: ToolChoice | None, told: Any) -> None:
    assert said(user("Hi"), tools=[WEATHER], choice=choice)["toolConfig"].get("toolChoice") == told


def test_only_allowed_tools_are_offered() -> None:
    choice = ToolChoice("required", allowed=("f",))
    body = said(user("Hi"), tools=[WEATHER, Tool("f")], choice=choice)
    [tool] = body["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "f"


def test_no_tool_is_offered_where_none_may_be_called_unless_some_were() -> None:
    none = ToolChoice("none")
    assert "toolConfig" not in said(user("Hi"), tools=[WEATHER], choice=none)
    history = (user("Hi"), assistant(ToolCall("c", "weather", "{}")), user(ToolResult("c", [])))
    body, dropped = asked(*history, tools=[WEATHER, Tool("f")], choice=none)
    assert dropped == ("tool_choice",)
    [tool] = body["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"] == {"json": SCHEMA}
    body = said(*history)
    [tool] = body["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "weather"


def test_a_strict_tool_is_so_where_the_model_knows_it() -> None:
    tool = Tool("f", None, SCHEMA, strict=True)
    body = said(user("Hi"), tools=[tool])
    spec = body["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["strict"] is True
    assert spec["inputSchema"]["json"]["additionalProperties"] is False
    body, dropped = asked(user("Hi"), tools=[tool], model=LLAMA)
    assert dropped == ("strict",)
    assert body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"] == SCHEMA


@pytest.mark.parametrize(
    ("file", "block"),
    [
        (File("image", "image/jpeg", PNG), {"image": {"format": "jpeg"}}),
        (File("image", "", PNG), {"image": {"format": "png"}}),
        (File("image", url="https://x/y"), {"image": {"format": "webp"}}),
        (File("document", "application/pdf", PDF), {"document": {"format": "pdf"}}),
        (File("document", "text/markdown; charset=utf-8", PDF), {"document": {"format": "md"}}),
        (File("document", "", PDF, name="a.csv"), {"document": {"format": "pdf"}}),
        (File("document", "x/y", PNG, name="a.csv"), {"document": {"format": "csv"}}),
        (File("audio", "audio/mpeg", PNG), {"audio": {"format": "mp3"}}),
        (File("audio", "audio/wav", PNG), {"audio": {"format": "wav"}}),
        (File("video", "video/mp4", PNG), {"video": {"format": "mp4"}}),
    ],
)
def test_a_file_goes_along_as_bytes(file: File, block: dict[str, dict[str, Any]]) -> None:
    fetched = {"https://x/y": ("image/webp", PNG)}
    body = said(user("See", file), fetched=fetched)
    [(kind, told)] = body["messages"][0]["content"][1].items()
    assert told["source"] == {"bytes": file.data or PNG}
    assert {kind: {"format": told["format"]}} == block


def test_files_at_urls_are_wanted_all_at_once() -> None:
    there = File("image", url="https://x/1")
    result = ToolResult("c", [File("image", url="https://x/2"), there])
    with pytest.raises(Wanting) as wanting:
        asked(user(there, File("document", url="http://x/3")), user(result))
    assert wanting.value.urls == ("https://x/1", "http://x/3", "https://x/2")


def test_documents_have_names_of_their_own_in_plain_letters_and_a_text_beside_them() -> None:
    names = ("re/port_v2.pdf", "re/port_v2.pdf", None, "  ", "x" * 300, "x" * 300)
    body = said(user(*(File("document", "application/pdf", PDF, name=name) for name in names)))
    *documents, text = body["messages"][0]["content"]
    told = [block["document"]["name"] for block in documents]
    assert told[:4] == ["re-port-v2-pdf", "re-port-v2-pdf 2", "document", "document 2"]
    assert len(set(told)) == len(told)
    assert text == {"text": ", ".join(told)}


@pytest.mark.parametrize(
    "parts",
    [
        [File("image", "image/tiff", PNG)],
        [File("image", "image/png", "")],
        [File("image", id="file_1")],
        [File("document", "application/zip", PNG)],
        [File("audio", "text/plain", PNG)],
    ],
)
def test_a_file_that_cannot_be_told_makes_the_target_unfit(parts: list[Part]) -> None:
    with pytest.raises(Unfit):
        asked(user(*parts))


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [Tool("f", custom=True)]},
        {"tools": [Hosted("web_search", {}, "openai")]},
        {"tools": [Tool("x" * 65)]},
        {"tools": [Tool("a.b")]},
        {"form": Form(SCHEMA), "model": OLD},
    ],
)
def test_what_must_not_be_left_out_makes_the_target_unfit(fields: dict[str, Any]) -> None:
    with pytest.raises(Unfit):
        asked(user("Hi"), **fields)


def test_a_picture_of_the_system_s_and_an_answer_that_is_begun_make_some_unfit() -> None:
    with pytest.raises(Unfit):
        asked(Message("system", [File("image", "image/png", PNG)]), user("Hi"))
    with pytest.raises(Unfit):
        asked(user("Hi"), assistant("Well"), model=OPUS)
    assert said(user("Hi"), assistant("Well, "))["messages"][1]["content"] == [{"text": "Well,"}]


def test_settings_have_their_places() -> None:
    settings = {
        "max_tokens": 100,
        "temperature": 1.7,
        "top_k": 40,
        "stop": ["END", " "],
        "metadata": {"team": "a"},
        "service_tier": "flex",
    }
    body, dropped = asked(user("Hi"), settings=settings)
    assert dropped == ("stop",)
    del body["messages"]
    assert body == {
        "inferenceConfig": {"maxTokens": 100, "temperature": 1, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 40},
        "requestMetadata": {"team": "a"},
        "serviceTier": {"type": "flex"},
    }


@pytest.mark.parametrize(
    ("model", "settings", "lost"),
    [
        (CLAUDE, {"temperature": 0.5, "top_p": 0.5}, ("top_p",)),
        (OPUS, {"temperature": 0.5, "top_p": 0.5, "top_k": 5}, ("temperature", "top_p", "top_k")),
        (OPUS, {"temperature": 1, "top_p": 1}, ()),
        (LLAMA, {"top_k": 5, "temperature": 0.5, "top_p": 0.5}, ("top_k",)),
        (CLAUDE, {"seed": 7, "n": 2, "user": "u"}, ("seed", "n", "user")),
        (CLAUDE, {"metadata": {"a": "*"}, "service_tier": "turbo"}, ("service_tier", "metadata")),
        (CLAUDE, {"service_tier": "auto", "temperature": None, "seed": None}, ()),
        (LLAMA, {"reasoning_effort": "high"}, ("reasoning_effort",)),
    ],
)
def test_what_cannot_be_set_is_left_out_and_named(
    model: str, settings: dict[str, Any], lost: tuple[str, ...]
) -> None:
    body, dropped = asked(user("Hi"), model=model, settings=settings)
    assert dropped == lost
    text = json.dumps(body)
    assert not any(name in text for name in ("top_k", "turbo", "seed") if name in lost)


def test_a_model_is_told_how_much_to_think_as_it_takes_it() -> None:
    body = said(user("Hi"), settings={"thinking_budget": 4000, "max_tokens": 9000})
    assert body["additionalModelRequestFields"] == {
        "thinking": {"type": "enabled", "budget_tokens": 4000}
    }
    assert body["inferenceConfig"] == {"maxTokens": 9000}
    body = said(user("Hi"), settings={"reasoning_effort": "low"})
    budget = body["additionalModelRequestFields"]["thinking"]["budget_tokens"]
    assert body["inferenceConfig"]["maxTokens"] > budget
    body = said(user("Hi"), model=OPUS, settings={"reasoning_effort": "high"})
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert body["outputConfig"] == {"effort": "high"}


def test_an_answer_in_a_form_is_asked_for() -> None:
    body = said(user("Hi"), form=Form(SCHEMA, "it", "What it is"))
    told = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert json.loads(told["schema"]) == {**SCHEMA, "additionalProperties": False}
    assert (told["name"], told["description"]) == ("it", "What it is")
    body = said(user("Hi"), form=Form())
    assert "JSON" in body["system"][0]["text"]


def test_a_cache_has_its_points_where_the_model_knows_them() -> None:
    messages = (
        Message("system", [Text("Long", cache="1h")]),
        user(Text("Hi", cache="5m"), File("image", "image/png", PNG, cache="5m")),
    )
    tools: list[Tool | Hosted] = [Tool("f", cache="5m")]
    point = {"cachePoint": {"type": "default"}}
    body = said(*messages, tools=tools)
    assert body["system"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["messages"][0]["content"][1] == body["messages"][0]["content"][3] == point
    assert body["toolConfig"]["tools"][1] == point
    body, dropped = asked(*messages, tools=tools, model=NOVA)
    assert (body["system"][1], dropped) == (point, ("cache_control",))
    body, dropped = asked(*messages, tools=tools, model=LLAMA)
    assert ("cachePoint" in json.dumps(body), dropped) == (False, ("cache_control",))


def test_thinking_is_kept_for_who_made_it() -> None:
    ours = Thinking("hm", "bedrock", "c2ln")
    hidden = Thinking("", "bedrock", redacted=PNG)
    body = said(user("Hi"), assistant(ours, hidden, "Yes"))
    assert body["messages"][1]["content"][:2] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": PNG}},
    ]


@pytest.mark.parametrize(
    ("thought", "model"),
    [
        (Thinking("hm", "anthropic", "s"), CLAUDE),
        (Thinking("hm", "bedrock"), CLAUDE),
        (Thinking("hm", "bedrock", "s"), LLAMA),
    ],
)
def test_thinking_that_is_another_s_or_unsigned_is_left_out(thought: Thinking, model: str) -> None:
    body, dropped = asked(user("Hi"), assistant(thought, "Yes"), user("?"), model=model)
    assert dropped == ("thinking",)
    assert body["messages"][1]["content"] == [{"text": "Yes"}]


def test_who_called_tools_without_a_thought_that_is_kept_cannot_think_from_there() -> None:
    history = (user("Hi"), assistant(ToolCall("c", "f", "{}")), user(ToolResult("c", [])))
    body, dropped = asked(*history, tools=[Tool("f")], settings={"thinking_budget": 2000})
    assert dropped == ("thinking_budget",)
    assert "additionalModelRequestFields" not in body


def test_names_are_left_out_and_refusals_are_text() -> None:
    named = Message("user", [Text("Hi")], name="ann")
    body, dropped = asked(named, Message("assistant", [Refusal("No.")]), user("?"))
    assert dropped == ("message_names",)
    assert body["messages"][1]["content"] == [{"text": "No."}]


TEXTS = st.text(max_size=12)
CACHE = st.sampled_from([None, None, "5m", "1h"])
FILES = st.builds(
    File,
    st.sampled_from(["image", "document"]),
    st.sampled_from(["image/png", "application/pdf", "", "text/plain"]),
    data=st.sampled_from([PNG, PDF]),
    name=st.one_of(st.none(), st.text(max_size=250)),
    cache=CACHE,
)
PARTS = st.one_of(
    st.builds(Text, TEXTS, CACHE),
    FILES,
    st.builds(
        ToolCall, TEXTS, st.sampled_from(["f", "g"]), st.sampled_from(["", "{}", "[", '{"a":1}'])
    ),
    st.builds(
        ToolResult,
        TEXTS,
        st.lists(st.builds(Text, TEXTS) | FILES, max_size=2),
        failed=st.booleans(),
        cache=CACHE,
    ),
    st.builds(Thinking, TEXTS, st.sampled_from(["bedrock", "anthropic"]), st.just("s")),
    st.builds(Refusal, TEXTS),
)
MESSAGES = st.one_of(
    st.builds(Message, st.sampled_from(["user", "assistant"]), st.lists(PARTS, max_size=4)),
    st.builds(Message, st.just("system"), st.lists(st.builds(Text, TEXTS, CACHE), max_size=2)),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 10**6),
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "top_k": st.integers(1, 100),
        "stop": st.lists(TEXTS, max_size=3),
        "reasoning_effort": st.sampled_from(list(EFFORTS)),
        "thinking_budget": st.integers(-1, 100_000),
        "show_thinking": st.booleans(),
        "metadata": st.dictionaries(TEXTS, TEXTS, max_size=20),
        "service_tier": TEXTS | st.sampled_from(["auto", "default"]),
        "seed": st.integers(),
    },
)
TOOLS = st.lists(
    st.builds(Tool, st.sampled_from(["f", "g", "h"]), TEXTS, st.none() | st.just(SCHEMA)),
    max_size=2,
)


@given(
    st.lists(MESSAGES, max_size=6),
    OPTIONS,
    TOOLS,
    st.sampled_from([None, ToolChoice("auto"), ToolChoice("required"), ToolChoice("none")]),
    st.sampled_from([CLAUDE, OPUS, OLD, NOVA, LLAMA]),
)
def test_whatever_is_asked_botocore_takes_it_for_a_request(
    messages, settings, tools, choice, model
) -> None:
    prompt = Prompt(messages, tools, choice, None, settings)
    try:
        path, body, dropped = BEDROCK.ask(prompt, model, stream=True)
    except Unfit:
        return
    told = judged(path, body)
    roles = [turn["role"] for turn in told["messages"]]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    assert all(turn["content"] for turn in told["messages"])
    assert len(set(dropped)) == len(dropped)
    assert set(dropped) <= {
        *SETTINGS, "thinking", "cache_control", "tool_choice", "strict", "schema_bounds"
    }  # fmt: skip
