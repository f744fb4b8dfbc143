"""Providers that are asked through Responses for clients of other dialects."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from policies import Outcome
from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Refused,
    Said,
    Stopped,
    Thought,
    Usage,
)
from router.dialects.common.events import whole as folded
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
from router.dialects.contract import EventReader, Unfit
from router.dialects.responses.dialect import RESPONSES
from router.dialects.responses.foreign import ForeignResponses, responses_of
from tests.router.dialects.responses.said import (
    CALLED,
    begun,
    call,
    ended,
    event,
    hello,
    response,
    text,
)
from tests.router.dialects.responses.test_writer import answers
from tests.router.mangled import mangled, split

ASKED: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)
OPENAI = responses_of("openai")
OTHERS = ForeignResponses()
HELLO = [Message("user", [Text("hello")])]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def asked(
    prompt: Prompt, model: str = "gpt-5-mini", dialect: ForeignResponses = OPENAI
) -> tuple[dict[str, Any], set[str]]:
    """The body, which is what the SDK's types say, and what it leaves out."""
    path, body, dropped = dialect.ask(prompt, model, stream=False)
    assert path == "/responses"
    told: dict[str, Any] = json.loads(body)
    ASKED.validate_python(told)
    return told, set(dropped)


def test_a_question_is_asked_and_nothing_is_kept() -> None:
    told, dropped = asked(Prompt([Message("system", [Text("Be brief.")]), *HELLO]))
    assert told == {
        "model": "gpt-5-mini",
        "input": [
            {
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "Be brief."}],
            },
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "hello"}],
            },
        ],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert not dropped
    assert json.loads(OPENAI.ask(Prompt(HELLO), "m", stream=True)[1])["stream"] is True


def test_a_turn_with_tools_thoughts_and_files_is_a_list_of_items() -> None:
    image = File("image", "image/png", "QUJD", detail="low")
    told, dropped = asked(
        Prompt(
            [
                Message("user", [Text("x"), image, File("document", url="https://x/y.pdf")]),
                Message(
                    "assistant",
                    [
                        Thinking("Hm", "responses", "rs_1 gAAA"),
                        Thinking("Hm", "anthropic", "sig"),
                        Thinking("", "responses", redacted="gBBB"),
                        Text("I call."),
                        ToolCall("c1", "f", '{"a":1}'),
                        ToolCall("c2", "g", "free", custom=True),
                    ],
                ),
                Message("user", [ToolResult("c1", [Text("1")]), ToolResult("c2", [image])]),
                Message("user", [File("document", "application/pdf", "QUJD", name="a.pdf")], "joe"),
            ]
        )
    )
    picture = {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"}
    data = "data:application/pdf;base64,QUJD"
    document = {"type": "input_file", "file_data": data, "filename": "a.pdf"}
    assert told["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "x"},
                picture,
                {"type": "input_file", "file_url": "https://x/y.pdf"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "gAAA",
        },
        {
            "type": "reasoning",
            "id": told["input"][2]["id"],
            "summary": [],
            "encrypted_content": "gBBB",
        },
        {"type": "message", "role": "assistant", "content": "I call."},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [picture]},
        {"type": "message", "role": "user", "content": [document]},
    ]
    assert dropped == {"thinking", "message_names"}


def test_tools_a_choice_and_a_form_are_written_flat() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}}
    tools: list[Tool | Hosted] = [
        Tool("f", "d", SCHEMA),
        Tool("g", custom=True, grammar=grammar),
        Hosted("web_search", {"type": "web_search"}, "responses"),
    ]
    told, _ = asked(Prompt(HELLO, tools, ToolChoice("named", "g"), Form(SCHEMA, "n", strict=True)))
    assert told["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA,
         "strict": False},
        {"type": "custom", "name": "g",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"}},
        {"type": "web_search"},
    ]  # fmt: skip
    assert told["tool_choice"] == {"type": "custom", "name": "g"}
    assert told["text"] == {
        "format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    }
    told, _ = asked(Prompt(HELLO, tools, ToolChoice("required", allowed=("f",)), Form()))
    assert told["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}],
    }
    assert told["text"] == {"format": {"type": "json_object"}}


ALL: dict[str, Any] = {
    "max_tokens": 5, "temperature": 0.5, "top_p": 0.5, "top_k": 4, "stop": ["x"], "seed": 1,
    "n": 2, "presence_penalty": 0.5, "frequency_penalty": 0.5, "logit_bias": {"1": 1.0},
    "logprobs": True, "top_logprobs": 2, "parallel_tool_calls": False, "reasoning_effort": "low",
    "thinking_budget": 4000, "show_thinking": True, "verbosity": "low", "user": "u",
    "metadata": {"a": "b"}, "service_tier": "flex", "store": True, "prompt_cache_key": "k",
    "max_tool_calls": 3,
}  # fmt: skip
NEVER = {
    "top_k", "stop", "seed", "n", "presence_penalty", "frequency_penalty", "logit_bias",
    "logprobs", "top_logprobs", "store",
}  # fmt: skip


def test_every_setting_is_said_or_named() -> None:
    assert ALL.keys() == SETTINGS.keys()
    tools: list[Tool | Hosted] = [Tool("f", schema=SCHEMA)]
    told, dropped = asked(Prompt(HELLO, tools, settings=ALL))
    assert dropped == NEVER | {"temperature", "top_p"}
    assert told["max_output_tokens"] == 16  # the fewest that may be asked for
    assert told["reasoning"] == {"effort": "low", "summary": "auto"}
    assert told["text"] == {"verbosity": "low"}
    assert (told["user"], told["service_tier"], told["store"]) == ("u", "flex", False)
    told, dropped = asked(Prompt(HELLO, tools, settings=ALL), "gpt-4o")
    thinking = {"reasoning_effort", "thinking_budget", "show_thinking", "verbosity"}
    assert dropped == NEVER | thinking
    assert told["temperature"] == 0.5
    assert "include" not in told
    told, dropped = asked(Prompt(HELLO, tools, settings=ALL), "some/model", OTHERS)
    assert dropped == NEVER
    nothing = dict.fromkeys(SETTINGS)
    assert asked(Prompt(HELLO, settings=nothing))[1] == set()


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(0, "none"), (1024, "minimal"), (5000, "low"), (20_000, "high"), (90_000, "high")],
)
def test_a_budget_is_the_effort_that_it_pays_for(budget: int, effort: str) -> None:
    told, _ = asked(Prompt(HELLO, settings={"thinking_budget": budget}))
    assert told["reasoning"] == {"effort": effort}


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt([*HELLO, Message("assistant", [Text("I")])]),
        Prompt([Message("user", [File("audio", "audio/wav", "QUJD")])]),
        Prompt(HELLO, [Hosted("web_search", {}, "anthropic")]),
    ],
)
def test_what_cannot_be_said_and_must_not_be_left_out_is_unfit(prompt: Prompt) -> None:
    with pytest.raises(Unfit):
        OPENAI.ask(prompt, "m", stream=False)


def test_a_prompt_of_this_dialect_is_written_as_it_was_read() -> None:
    given = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "1"},
    ]
    prompt = RESPONSES.prompt(call(given))
    assert asked(prompt)[0]["input"] == given


# What comes back.


def read(*pieces: bytes) -> tuple[EventReader, list[Event]]:
    reader = OPENAI.reader()
    events = [one for piece in pieces for one in reader.feed(piece)]
    return reader, events + reader.finish()


THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm"}, {"type": "summary_text", "text": "So"}],
    "encrypted_content": "gAAA",
}
COUNTED = Counted(Usage(9, 3, 4, 1, 2))


def test_a_stream_is_read_into_events() -> None:
    reader, events = read(*hello())
    assert events == [
        Began("resp_1", "m-2026", 7), Said("Hel"), Said("lo"), COUNTED, Stopped("stop"),
    ]  # fmt: skip
    assert reader.ended
    assert reader.done


def thoughtful() -> list[bytes]:
    delta = "response.reasoning_summary_text.delta"
    added = "response.reasoning_summary_part.added"
    return [
        *begun(),
        event("response.output_item.added", output_index=0, item={**THOUGHT, "summary": []}),
        event(added, output_index=0, summary_index=0, part={}),
        event(delta, output_index=0, summary_index=0, delta="Hm"),
        event(added, output_index=0, summary_index=1, part={}),
        event(delta, output_index=0, summary_index=1, delta="So"),
        event("response.output_item.done", output_index=0, item=THOUGHT),
        event("response.output_item.added", output_index=1, item={**CALLED, "arguments": ""}),
        event("response.function_call_arguments.delta", output_index=1, delta='{"a"'),
        event("response.function_call_arguments.delta", output_index=1, delta=":1}"),
        event("response.function_call_arguments.done", output_index=1, arguments='{"a":1}'),
        event("response.output_item.done", output_index=1, item=CALLED),
        ended(output=[THOUGHT, CALLED]),
    ]


def test_thoughts_and_calls_are_read_as_they_come_and_whole_alike() -> None:
    _, events = read(*thoughtful())
    assert events == [
        Began("resp_1", "m-2026", 7),
        Thought("Hm", maker="responses"),
        Thought("\n\n", maker="responses"),
        Thought("So", maker="responses"),
        Thought(signature="rs_1 gAAA", maker="responses"),
        Called(0, "call_1", "f"),
        Argued(0, '{"a"'),
        Argued(0, ":1}"),
        COUNTED,
        Stopped("tool_calls"),
    ]
    report, at_once = OPENAI.whole(json.dumps(response(output=[THOUGHT, CALLED])).encode())
    assert report.outcome is Outcome.OK
    assert folded(at_once) == folded(events)


def test_what_comes_only_when_it_is_done_is_read_then() -> None:
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    done = [
        event("response.output_item.done", output_index=at, item=item)
        for at, item in enumerate([THOUGHT, CALLED, refusal])
    ]
    _, events = read(*begun(), *done, ended())
    assert Thought("Hm\n\nSo", maker="responses") in events
    assert Argued(0, '{"a":1}') in events
    assert Refused("No.") in events


@pytest.mark.parametrize(
    ("reason", "means"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")],
)
def test_why_it_is_incomplete_is_told(reason: str | None, means: Any) -> None:
    fields = {"status": "incomplete", "incomplete_details": reason and {"reason": reason}}
    _, events = read(*begun(), *text("x"), ended("response.incomplete", **fields))
    assert events[-1] == Stopped(means)


def test_a_failure_is_one_and_says_nothing_else() -> None:
    failed = response(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"})
    reader, _ = read(*begun(), event("response.failed", response=failed))
    assert reader.failure is not None
    assert reader.failure.outcome is Outcome.THROTTLED
    assert OPENAI.told(reader.said) == "slow"
    report, events = OPENAI.whole(json.dumps(failed).encode())
    assert (report.outcome, events) == (Outcome.THROTTLED, [])
    body = json.dumps({"error": {"message": "m", "code": "model_not_found"}}).encode()
    assert OPENAI.refusal(404, {}, body).outcome is Outcome.DENIED
    assert OPENAI.told(b"<html>") == ""


def test_a_refusal_of_earlier_is_what_was_said() -> None:
    told, _ = asked(Prompt([*HELLO, Message("assistant", [Refusal("No.")]), *HELLO]))
    assert told["input"][1]["content"] == "No."


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    data = b"".join([*thoughtful()])
    assert read(*split(data, cuts))[1] == read(data)[1]


@given(mangled([*thoughtful(), *text("Hel"), b'"output_index":[', b"null", b"1e999"], most=9))
def test_whatever_comes_is_read_without_a_fault(data: bytes) -> None:
    reader, events = read(data)
    folded(events)
    assert not (reader.failure and reader.ended)


@given(mangled([json.dumps(response(output=[THOUGHT, CALLED])).encode(), b"null", b"[5]"]))
def test_whatever_comes_in_one_piece_is_read_without_a_fault(body: bytes) -> None:
    folded(OPENAI.whole(body)[1])


def test_what_is_read_and_written_again_says_the_same() -> None:
    told = json.loads(RESPONSES.writer(call()).whole(read(*thoughtful())[1]))
    assert [item["type"] for item in told["output"]] == ["reasoning", "function_call"]
    assert told["output"][0]["summary"][0]["text"] == "Hm\n\nSo"
    assert told["output"][1]["arguments"] == '{"a":1}'


@given(answers(), st.lists(st.integers(0, 10_000), max_size=9))
def test_what_is_written_as_a_stream_is_read_as_what_it_was(
    events: list[Event], cuts: list[int]
) -> None:
    writer = RESPONSES.writer(call(stream=True))
    stream = writer.write(events) + writer.end(b": note\n\n")
    reader, read_back = read(*split(stream, cuts))
    assert reader.ended
    assert reader.failure is None
    was, now = folded(events), folded(read_back)
    assert now.usage is not None
    assert now.usage._replace(service_tier="") == was.usage
    assert _said(now.choices[0].parts) == _said(was.choices[0].parts)


def _said(parts: Sequence[Any]) -> list[Any]:
    """Without seals, which have an envelope now, and where one piece of a text ended."""
    told: list[Any] = []
    for part in parts:
        if isinstance(part, ToolCall):
            told.append((part.id, part.name, part.arguments, part.custom))
        elif part.text:
            told.append((type(part), part.text))
    return told
