"""Events in the words of Anthropic's clients, streamed and whole, as the SDK reads them."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.anthropic.stream import MessageEvents
from router.dialects.anthropic.writer import MessageWriter
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
    whole,
)
from router.dialects.common.prompt import Thinking
from tests.router.dialects.anthropic.judge import judge_event, judge_message
from tests.router.dialects.anthropic.said import HELLO_EVENTS, MESSAGE, TURN_EVENTS

CALL = ANTHROPIC.parse(b'{"model":"m","messages":[{"role":"user","content":"Which way?"}]}')
NOTE = b": note\n\n"


def streamed(events: list[Event]) -> bytes:
    writer = MessageWriter(CALL)
    return b"".join(writer.write([event]) for event in events) + writer.end(NOTE)


def told(written: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each as strict as the SDK's types are."""
    found = []
    for one in written.split(b"\n\n"):
        if one.startswith(b"event: "):
            name, data = one.split(b"\n")
            event = json.loads(data.removeprefix(b"data: "))
            assert name == f"event: {event['type']}".encode()
            judge_event(event)
            found.append(event)
    return found


def kinds(written: bytes) -> list[str]:
    """`start 0 text`, `delta 0`, `stop 0`, in their order."""
    return [
        " ".join(
            str(part)
            for part in (
                event["type"].removeprefix("content_block_"),
                event.get("index"),
                event.get("content_block", {}).get("type"),
            )
            if part is not None
        )
        for event in told(written)
    ]


def read_by_sdk(written: bytes) -> Message:
    """What the SDK makes of a stream."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        kind = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=kind, content=written)

    transport = httpx2.Client(transport=httpx2.MockTransport(reply))
    with (
        anthropic.Anthropic(api_key="k", max_retries=0, http_client=transport) as sdk,
        sdk.messages.stream(model="m", max_tokens=9, messages=[]) as stream,
    ):
        return stream.get_final_message()


def test_a_stream_has_its_events_in_order_and_the_note_after_its_end() -> None:
    written = streamed(HELLO_EVENTS)
    assert kinds(written) == [
        "message_start",
        "start 0 text",
        "delta 0",
        "delta 0",
        "stop 0",
        "message_delta",
        "message_stop",
    ]
    assert written.endswith(b'{"type":"message_stop"}\n\n' + NOTE)
    message = read_by_sdk(written)
    assert (message.id, message.model, message.stop_reason) == ("msg_1", "claude", "end_turn")
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Hello"}]


def test_thinking_text_and_calls_come_back_as_they_were_whole_and_streamed() -> None:
    message = judge_message(json.loads(MessageWriter(CALL).whole(TURN_EVENTS)))
    expected = MESSAGE["content"]
    assert [block.to_dict() for block in message.content] == expected
    assert [block.to_dict() for block in read_by_sdk(streamed(TURN_EVENTS)).content] == expected
    for one in (message, read_by_sdk(streamed(TURN_EVENTS))):
        assert one.stop_reason == "tool_use"
        assert (one.usage.input_tokens, one.usage.output_tokens) == (9, 20)
        assert one.usage.cache_read_input_tokens == 4
        assert one.usage.cache_creation_input_tokens == 2


def test_what_was_written_is_read_again_as_the_same() -> None:
    reader = MessageEvents()
    assert whole(reader.feed(streamed(TURN_EVENTS))) == whole(TURN_EVENTS)
    assert reader.ended


def test_calls_whose_arguments_come_in_turns_are_put_in_order() -> None:
    events: list[Event] = [
        Began("i", "m"),
        Called(0, "a", "f"),
        Called(1, "b", "g"),
        Argued(1, '{"y"'),
        Argued(0, '{"x":'),
        Argued(1, ":2}"),
        Argued(0, "1}"),
        Said("Done."),
        Stopped("stop"),
    ]
    message = read_by_sdk(streamed(events))
    first, second, said = (block.to_dict() for block in message.content)
    assert (first["id"], first["input"]) == ("a", {"x": 1})
    assert (second["id"], second["input"]) == ("b", {"y": 2})
    assert said["text"] == "Done."
    assert message.stop_reason == "tool_use"  # some say only that they stopped


def test_a_call_goes_out_as_soon_as_the_one_before_it_is_whole() -> None:
    writer = MessageWriter(CALL)
    writer.write([Began("i", "m"), Called(0, "a", "f"), Argued(0, "{}")])
    assert kinds(writer.write([Called(1, "b", "g")])) == ["stop 0", "start 1 tool_use"]
    assert kinds(writer.write([Argued(1, "{")])) == ["delta 1"]


PIECES = st.lists(
    st.one_of(
        st.builds(Said, st.text(min_size=1, max_size=3)),
        st.builds(Thought, st.text(min_size=1, max_size=3), maker=st.sampled_from(["a", "b"])),
        st.builds(Called, st.integers(0, 3), st.just("id"), st.just("f")),
        st.builds(Argued, st.integers(0, 3), st.sampled_from(["{", "}", '"a":1', ""])),
        st.builds(Refused, st.text(max_size=3)),
        st.builds(Thought, signature=st.just("s"), maker=st.just("anthropic")),
        st.builds(Thought, redacted=st.just("r"), maker=st.just("x")),
        st.builds(Counted, st.just(Usage(5, 5, 2, 2))),
        st.builds(Began, st.just("i"), st.just("m")),
        st.builds(Said, st.just("other"), choice=st.just(1)),
    ),
    max_size=12,
)


@given(PIECES, st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
def test_blocks_are_opened_and_closed_one_after_the_other(events: Any, reason: Any) -> None:
    written = kinds(streamed([*events, Stopped(reason)]))
    assert written[0] == "message_start"
    assert written[-2:] == ["message_delta", "message_stop"]
    index, is_open = 0, False
    for kind in written[1:-2]:
        name, number = kind.split()[:2]
        assert int(number) == index
        assert is_open == (name != "start")
        is_open = name != "stop"
        index += name == "stop"
    assert not is_open


@given(PIECES)
def test_a_whole_message_is_one_for_the_sdk(events: Any) -> None:
    judge_message(json.loads(MessageWriter(CALL).whole([*events, Stopped("stop")])))


@pytest.mark.parametrize(
    ("events", "reason", "sequence"),
    [
        ([Said("x"), Stopped("stop", "END")], "stop_sequence", "END"),
        ([Said("x"), Stopped("length")], "max_tokens", None),
        ([Said("x"), Stopped("content_filter")], "refusal", None),
        ([Refused("No."), Stopped("stop")], "refusal", None),
    ],
)
def test_reasons_to_stop(events: list[Event], reason: str, sequence: str | None) -> None:
    for message in (
        read_by_sdk(streamed(events)),
        judge_message(json.loads(MessageWriter(CALL).whole(events))),
    ):
        assert (message.stop_reason, message.stop_sequence) == (reason, sequence)


def test_usage_may_come_before_or_after_the_end_or_not_at_all() -> None:
    usage = Counted(Usage(10, 4, 3))
    orders: list[list[Event]] = [
        [usage, Said("x"), Stopped("stop")],
        [Said("x"), Stopped("stop"), usage],
    ]
    for events in orders:
        message = read_by_sdk(streamed(events))
        assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 4)
    unknown = read_by_sdk(streamed([Said("x"), Said("y"), Stopped("stop")]))
    assert (unknown.usage.input_tokens, unknown.usage.output_tokens) == (CALL.input_tokens, 2)
    assert CALL.input_tokens > 0


def test_half_a_character_is_no_fault_of_ours() -> None:
    halves: list[Event] = [
        Said("\ud83d"),
        Said("\ude00"),
        Called(0, "a", "f"),
        Argued(0, '{"x":"\ud83d"}'),
    ]
    assert b"\\ud83d" in streamed(halves)
    whole_one = json.loads(MessageWriter(CALL).whole(halves))
    assert whole_one["content"][0]["text"] == "\N{GRINNING FACE}"
    assert whole_one["content"][1]["input"] == {"x": "?"}


def test_who_made_it_may_be_said_only_with_the_signature() -> None:
    said: list[Event] = [
        Thought("Hm."),
        Thought(signature="s", maker="anthropic"),
        Said("x"),
        Stopped("stop"),
    ]
    for message in (
        read_by_sdk(streamed(said)),
        judge_message(json.loads(MessageWriter(CALL).whole(said))),
    ):
        thought, _ = (block.to_dict() for block in message.content)
        assert thought == {"type": "thinking", "thinking": "Hm.", "signature": "s"}


def test_thinking_of_others_is_marked_and_known_again_by_its_mark() -> None:
    events: list[Event] = [
        Thought("Un", maker="deepseek"),
        Thought("signed.", maker="deepseek"),
        Said("And"),
        Thought("Signed.", "sig", maker="gemini"),
        Thought(redacted="data", maker="bedrock"),
        Said("x"),
        Stopped("stop"),
    ]
    for message in (
        read_by_sdk(streamed(events)),
        judge_message(json.loads(MessageWriter(CALL).whole(events))),
    ):
        content = [block.to_dict() for block in message.content]
        assert content[0]["signature"] == "pointsman.deepseek."
        assert content[2]["signature"] == "pointsman.gemini.sig"
        assert content[3]["data"] == "pointsman.bedrock.data"
        body = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
        parts: Any = ANTHROPIC.prompt(ANTHROPIC.parse(json.dumps(body).encode())).messages[0].parts
        parts = [part for part in parts if isinstance(part, Thinking)]
        assert [part.maker for part in parts] == ["deepseek", "gemini", "bedrock"]
        assert [part.signature for part in parts] == [None, "sig", None]
        assert parts[2].redacted == "data"
