"""An answer from elsewhere, written as a response."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Reason,
    Refused,
    Said,
    Stopped,
    Thought,
    Usage,
)
from router.dialects.common.events import whole as folded
from router.dialects.common.prompt import Refusal, Text, Thinking, ToolCall
from router.dialects.responses.contents import Messages
from router.dialects.responses.dialect import RESPONSES
from tests.router.dialects.responses.said import call, spoken

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
BEGAN = Began("chatcmpl-1", "m-2026", 7)
USED = Counted(Usage(9, 3, 4, 1, 2))
HELLO: list[Event] = [BEGAN, Said("Hel"), Said("lo"), Stopped("stop"), USED]
CALLS: list[Event] = [
    BEGAN,
    Thought("Let me", maker="x"),
    Thought(" see.", maker="x"),
    Thought(signature="sig", maker="x"),
    Said("I call."),
    Called(0, "call_1", "f"),
    Called(1, "call_2", "g", custom=True),
    Argued(0, '{"a"'),
    Argued(1, "free"),
    Argued(0, ":1}"),
    Stopped("tool_calls"),
    USED,
]


def streamed(events: Sequence[Event], **fields: Any) -> list[dict[str, Any]]:
    """The events of a stream, a piece of the answer at a time, checked by the SDK's types."""
    writer = RESPONSES.writer(call(stream=True, **fields))
    stream = b"".join(writer.write([event]) for event in events)
    told = spoken(stream + writer.end(b": note\n\n"))
    for one in told:
        EVENT.validate_python(one)
    return told


def whole(events: Sequence[Event], **fields: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(RESPONSES.writer(call(**fields)).whole(events))
    Response.model_validate(told)
    return told


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("response.") for one in told]


def test_a_text_is_a_message_with_every_event_that_sdks_expect() -> None:
    told = streamed(HELLO)
    assert kinds(told) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [one["delta"] for one in told if "delta" in one] == ["Hel", "lo"]
    (item,) = told[-1]["response"]["output"]
    places = [one for one in told if "item_id" in one]
    assert all((one["item_id"], one["output_index"]) == (item["id"], 0) for one in places)
    assert all(one["content_index"] == 0 for one in places)
    assert told[6]["text"] == "Hello"
    assert told[7]["part"] == item["content"][0]
    assert told[8]["item"] == item
    assert told[0]["response"]["status"] == "in_progress"
    assert told[0]["response"]["usage"] is None


def test_the_response_says_what_was_asked_and_what_it_cost() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    told = whole(HELLO, instructions="Be brief.", temperature=0.5, tools=[tool], store=True)
    assert told["object"] == "response"
    assert (told["model"], told["created_at"], told["status"]) == ("m-2026", 7, "completed")
    assert (told["instructions"], told["temperature"]) == ("Be brief.", 0.5)
    assert told["tools"] == [{**tool, "strict": False, "description": None}]
    assert told["store"] is False  # whatever was asked: nobody keeps it
    assert told["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }
    assert told["output"][0]["content"][0]["text"] == "Hello"
    for name in ("id", *(item["id"] for item in told["output"])):
        assert len(told.get(name, name)) <= 64  # what OpenAI takes back


def test_the_last_event_waits_for_the_usage_and_the_note_follows_it() -> None:
    writer = RESPONSES.writer(call(stream=True))
    before = writer.write(HELLO[:-1])
    assert b"response.output_item.done" in before
    assert b"response.completed" not in before
    assert writer.write([USED]) == b""
    after = writer.end(b": note\n\n")
    assert after.startswith(b"event: response.completed\n")
    assert after.endswith(b"\n\n: note\n\n")
    assert b'"total_tokens":12' in after


@pytest.mark.parametrize(
    ("reason", "status", "details", "of_the_item"),
    [
        ("stop", "completed", None, "completed"),
        ("tool_calls", "completed", None, "completed"),
        ("length", "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        ("content_filter", "incomplete", {"reason": "content_filter"}, "incomplete"),
    ],
)
def test_why_the_model_stopped_is_the_status(
    reason: Reason, status: str, details: dict[str, str] | None, of_the_item: str
) -> None:
    events: list[Event] = [BEGAN, Thought("x"), Said("Hel"), Stopped(reason), USED]
    told = streamed(events)
    last = told[-1]
    assert last["type"] == f"response.{status}"
    assert last["response"]["status"] == status
    assert last["response"]["incomplete_details"] == details
    assert [item["status"] for item in last["response"]["output"]] == ["completed", of_the_item]


def test_thoughts_texts_and_calls_are_items_each_with_its_place() -> None:
    told = streamed(CALLS)
    output = told[-1]["response"]["output"]
    assert [item["type"] for item in output] == [
        "reasoning", "message", "function_call", "custom_tool_call",
    ]  # fmt: skip
    assert output[0]["summary"] == [{"type": "summary_text", "text": "Let me see."}]
    assert (output[2]["call_id"], output[2]["name"]) == ("call_1", "f")
    assert output[2]["arguments"] == '{"a":1}'
    assert output[3]["input"] == "free"
    done = {one["output_index"]: one["item"] for one in told if one["type"].endswith("item.done")}
    assert [done[place] for place in range(4)] == output
    arguments = [one for one in told if "arguments.delta" in one["type"]]
    assert [one["delta"] for one in arguments] == ['{"a"', ":1}"]
    assert {one["output_index"] for one in arguments} == {2}
    assert "reasoning_summary_text.done" in kinds(told)
    assert "custom_tool_call_input.done" in kinds(told)


def test_a_call_without_arguments_has_none_rather_than_no_json() -> None:
    told = streamed([BEGAN, Called(0, "c", "f"), Stopped("tool_calls")])
    assert told[-1]["response"]["output"][0]["arguments"] == "{}"
    assert [one["delta"] for one in told if "delta" in one] == ["{}"]


def test_a_refusal_is_a_part_of_its_own() -> None:
    told = streamed([BEGAN, Said("Well,"), Refused("I will"), Refused(" not."), Stopped("stop")])
    (item,) = told[-1]["response"]["output"]
    assert [part["type"] for part in item["content"]] == ["output_text", "refusal"]
    assert item["content"][1]["refusal"] == "I will not."
    assert {one["content_index"] for one in told if "refusal" in one["type"]} == {1}


def test_an_answer_that_says_nothing_is_a_response_all_the_same() -> None:
    silent: list[list[Event]] = [[], [Stopped("stop")], [BEGAN, Said(""), Stopped("stop")]]
    for events in silent:
        told = streamed(events)
        assert kinds(told) == ["created", "in_progress", "completed"]
        assert told[-1]["response"]["output"] == []
        assert told[-1]["response"]["usage"] is None


def test_only_the_first_of_several_answers_is_told() -> None:
    events: list[Event] = [
        BEGAN,
        Said("a"),
        Said("b", choice=1),
        Stopped("stop", choice=1),
        Said("c"),
    ]
    assert whole(events)["output"][0]["content"][0]["text"] == "ac"


def test_what_is_written_whole_is_what_a_stream_comes_to() -> None:
    for events in (HELLO, CALLS):
        assert streamed(events)[-1]["response"] == whole(events)


def test_a_client_that_sends_it_back_gives_each_maker_what_it_signed() -> None:
    events: list[Event] = [
        BEGAN,
        Thought("Let me see.", maker="anthropic"),
        Thought(signature="s1", maker="anthropic"),
        Thought(redacted="hidden", maker="anthropic"),
        Called(0, "call_1", "f", signature="s2", maker="gemini"),
        Argued(0, "{}"),
        Stopped("tool_calls"),
    ]
    messages = Messages()
    for item in whole(events)["output"]:
        messages.add(item)
    (message,) = messages.messages
    assert message.parts == [
        Thinking("Let me see.", "anthropic", "s1"),
        Thinking("", "anthropic", None, "hidden"),
        ToolCall("call_1", "f", "{}", signature="s2", maker="gemini"),
    ]


# Whatever is said.

WORDS = st.text(min_size=1, max_size=9)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """An answer, as providers may put it."""
    events: list[Event] = [Began(draw(WORDS), draw(WORDS))]
    calls = 0
    for _ in range(draw(st.integers(0, 8))):
        match draw(st.sampled_from(["text", "refusal", "thought", "sealed", "call", "argued"])):
            case "text":
                events.append(Said(draw(WORDS)))
            case "refusal":
                events.append(Refused(draw(WORDS)))
            case "thought":
                events.append(Thought(draw(WORDS), maker="x"))
            case "sealed":
                events.append(Thought(signature=draw(WORDS), maker="x"))
            case "call":
                events.append(Called(calls, f"call_{calls}", draw(WORDS), draw(st.booleans())))
                events.append(Argued(calls, draw(WORDS)))
                calls += 1
            case _ if calls:
                events.append(Argued(draw(st.integers(0, calls - 1)), draw(WORDS)))
    return [*events, Stopped("stop"), USED]


@given(answers())
def test_any_answer_is_told_in_a_stream_and_read_back_as_it_was(events: list[Event]) -> None:
    told = streamed(events)
    response = told[-1]["response"]
    # The pieces come to what is said whole.
    for at, item in enumerate(response["output"]):
        said = "".join(one["delta"] for one in told if "delta" in one and one["output_index"] == at)
        kept = [*item.get("content", ()), *item.get("summary", ())]
        shown = "".join(part.get("text", "") + part.get("refusal", "") for part in kept)
        assert said == shown + item.get("arguments", "") + item.get("input", "")
    messages = Messages()
    for item in response["output"]:
        messages.add(item)
    back = messages.messages[0].parts if messages.messages else []
    (choice,) = folded(events).choices
    assert _plain(back) == _plain(choice.parts)


def _plain(parts: Sequence[Any]) -> list[Any]:
    """Without what only tells where one piece ended and the next began."""
    told: list[Any] = []
    for part in parts:
        match part:
            case Text(text) | Refusal(text):
                told.append((type(part), text))
            case ToolCall():
                told.append((part.id, part.name, part.arguments, part.custom))
            case Thinking():
                told.append((part.text, part.signature))
    return told
