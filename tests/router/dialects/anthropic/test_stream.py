"""Streams that a provider sends, read for its own clients and for all others."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Outcome, Phase
from router.dialects.anthropic.stream import MessageEvents, MessageStream
from router.dialects.common.events import (
    Argued,
    Called,
    Counted,
    Event,
    Refused,
    Said,
    Stopped,
    Usage,
    whole,
)
from tests.router.dialects.anthropic.said import (
    HELLO,
    HELLO_EVENTS,
    OVERLOADED,
    PING,
    STOP,
    TURN,
    TURN_EVENTS,
    begin,
    delta,
    end,
    event,
    start,
    stop,
    text,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
        "tomorrow",
    ]
)
KINDS = st.sampled_from(
    [
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "text_delta",
        "input_json_delta",
        "thinking_delta",
        "signature_delta",
        "citations_delta",
    ]
)
FIELDS = ["text", "partial_json", "thinking", "signature", "id", "name", "input", "data", "usage"]
INNER = st.fixed_dictionaries(
    {},
    optional={"type": KINDS | JSON, "stop_reason": JSON, "stop_details": JSON}
    | dict.fromkeys(FIELDS, JSON),
)
FRAMES = st.fixed_dictionaries(
    {"type": NAMES | JSON},
    optional={
        "index": JSON,
        "delta": INNER | JSON,
        "content_block": INNER | JSON,
        "message": INNER | JSON,
        "usage": JSON
        | st.dictionaries(st.sampled_from(["input_tokens", "output_tokens"]), JSON, max_size=2),
    },
)


def events(data: bytes) -> list[Event]:
    reader = MessageEvents()
    return reader.feed(data) + reader.finish()


def test_a_stream_is_relayed_in_its_original_bytes_but_for_comments() -> None:
    reader = MessageStream()
    odd = HELLO.replace(PING, b": note\n\n" + PING + event("tomorrow", of="course"))
    assert reader.feed(odd) == odd.replace(b": note\n\n", b"")
    assert (reader.content, reader.ended, reader.done, reader.failure) == (2, True, True, None)
    assert reader.usage == Usage(9, 5)
    assert reader.end(b": note\n\n") == b": note\n\n"


def test_what_a_stream_says_is_read_into_events() -> None:
    assert events(HELLO) == HELLO_EVENTS
    assert events(TURN) == TURN_EVENTS


@settings(deadline=None)
@given(st.data())
def test_any_split_reads_the_same(data: st.DataObject) -> None:
    answer = data.draw(st.sampled_from([HELLO, TURN]))
    newline = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    answer = answer.replace(b"\n", newline)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(answer) - 1), max_size=40)))
    relayed, read, passed, found = MessageStream(), MessageEvents(), b"", []
    for at, until in pairwise([0, *cuts, len(answer)]):
        passed += relayed.feed(answer[at:until])
        found += read.feed(answer[at:until])
    # Of the last CRLF half may come after the end.
    assert passed.rstrip() == answer.rstrip()
    assert found == (HELLO_EVENTS if b"toolu_1" not in answer else TURN_EVENTS)
    assert relayed.ended
    assert read.ended


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_make_a_reader_raise(pieces: list[bytes]) -> None:
    for reader in (MessageStream(), MessageEvents()):
        for piece in pieces:
            reader.feed(piece)
        reader.finish()
    for reader in (MessageStream(), MessageEvents()):
        for piece in pieces:
            reader.feed(b"event: x\ndata: " + piece + b"\n\n")
        reader.finish()


@given(st.lists(FRAMES, max_size=5))
def test_no_event_makes_a_reader_raise_and_events_are_sound(frames: list[dict[str, Any]]) -> None:
    data = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
    relayed, read = MessageStream(), MessageEvents()
    relayed.feed(data)
    found = read.feed(data)
    whole(found)
    for one in found:
        assert not isinstance(one, Said) or one.text
    assert (relayed.failure is None) == (read.failure is None)
    assert relayed.usage is None or isinstance(relayed.usage, Usage)


@pytest.mark.parametrize(
    ("costs", "data"),
    [
        (0, start() + PING + begin(0, type="text", text="") + stop(0)),
        (0, begin(0, type="thinking", thinking="") + delta(0, "input_json_delta", partial_json="")),
        (1, begin(0, type="text", text="Hi")),
        (1, begin(0, type="tool_use", id="a", name="f", input={})),
        (1, begin(0, type="redacted_thinking", data="x")),
        (1, begin(0, type="server_tool_use", id="a", name="web_search")),
        (3, text("a") + delta(0, "thinking_delta", thinking="a") + delta(0, "x", signature="a")),
    ],
)
def test_only_what_costs_tokens_is_content(costs: int, data: bytes) -> None:
    reader = MessageStream()
    reader.feed(data)
    assert reader.content == costs


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("tomorrow", "stop"),
    ],
)
def test_reasons_to_stop_have_a_meaning(reason: str, meaning: str) -> None:
    data = end("end_turn") + end(reason) + end(None) + STOP
    (stopped,) = [one for one in events(data) if isinstance(one, Stopped)]
    assert stopped.reason == meaning


def test_the_sequence_that_was_met_is_told_and_so_is_why_a_model_refuses() -> None:
    assert events(end("stop_sequence", "END") + STOP)[-1] == Stopped("stop", "END")
    told = {"stop_reason": "refusal", "stop_details": {"explanation": "It is too sharp."}}
    assert events(event("message_delta", delta=told) + STOP) == [
        Refused("It is too sharp."),
        Stopped("content_filter"),
    ]


def test_usage_is_cumulative_and_what_is_not_told_anew_is_kept() -> None:
    data = start({"input_tokens": 9, "cache_read_input_tokens": 100, "output_tokens": 1})
    data += end(None, output_tokens=3) + end("end_turn", output_tokens=7, input_tokens=11)
    found = [one.usage for one in events(data) if isinstance(one, Counted)]
    assert found == [Usage(109, 1, 100), Usage(109, 3, 100), Usage(111, 7, 100)]
    reader = MessageStream()
    reader.feed(data + end("end_turn", output_tokens=0, input_tokens=0))
    assert reader.usage == found[-1]


def test_arguments_that_come_with_the_call_are_not_lost() -> None:
    data = begin(0, type="tool_use", id="a", name="f", input={"n": 12345678901234567890123})
    called, argued = events(data + stop(0))
    assert called == Called(0, "a", "f")
    assert isinstance(argued, Argued)
    assert json.loads(argued.text) == {"n": 12345678901234567890123}


def test_blocks_of_hosted_tools_and_citations_say_nothing_to_others() -> None:
    data = begin(0, type="server_tool_use", id="a", name="web_search", input={})
    data += delta(0, "input_json_delta", partial_json='{"q":1}') + stop(0)
    data += begin(1, type="web_search_tool_result", tool_use_id="a", content=[]) + stop(1)
    data += delta(2, "citations_delta", citation={"type": "page_location"})
    assert events(data) == []


def test_an_end_without_its_terminator_is_no_end() -> None:
    for cut in (HELLO.removesuffix(STOP), HELLO.removesuffix(end("end_turn") + STOP)):
        relayed, read = MessageStream(), MessageEvents()
        relayed.feed(cut)
        read.feed(cut)
        relayed.finish()
        read.finish()
        assert not relayed.ended
        assert not read.ended


def test_the_end_of_another_dialect_after_it_is_ignored_and_instead_of_it_is_none() -> None:
    done = b"data: [DONE]\n\n"
    after, instead = MessageStream(), MessageStream()
    assert after.feed(HELLO + done) == HELLO
    assert after.ended
    instead.feed(HELLO.removesuffix(STOP) + done)
    assert (instead.done, instead.ended) == (True, False)


@pytest.mark.parametrize("before", [start(), start() + text("Hi")])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OVERLOADED, Outcome.THROTTLED),
        (event("error", error={"type": "api_error", "message": "x"}), Outcome.FAILED),
        (event("error", error={"type": "rate_limit_error", "message": "x"}), Outcome.THROTTLED),
        (b'{"type":"error","error":{"type":"authentication_error"}}\n\n', Outcome.DENIED),
        (b'event: error\ndata: {"message":"x"}\n\n', Outcome.FAILED),
        (b"event: content_block_delta\ndata: {\n\n", Outcome.FAILED),
        (b"event: error\ndata: {\n\n", Outcome.FAILED),
    ],
)
def test_an_error_in_a_stream_is_a_failure_and_does_not_pass(
    before: bytes, error: bytes, outcome: Outcome
) -> None:
    relayed, read = MessageStream(), MessageEvents()
    assert relayed.feed(before + error + text("more")) == before
    read.feed(before + error + text("more"))
    assert relayed.failure is not None
    assert read.failure is not None
    assert relayed.failure.outcome is read.failure.outcome is outcome
    assert relayed.failure.phase is (Phase.BODY if b"Hi" in before else Phase.FIRST_TOKEN)


def test_a_note_between_events_is_left_out_and_a_few_of_them_are_borne() -> None:
    note = b"data: [1]\n\n"
    relayed, read = MessageStream(), MessageEvents()
    assert relayed.feed(HELLO.replace(PING, note * 3)) == HELLO.replace(PING, b"")
    assert read.feed(HELLO.replace(PING, note * 3)) == HELLO_EVENTS
    assert relayed.malformed == read.malformed == 3
    many = MessageStream()
    many.feed(HELLO.replace(PING, note * 4))
    assert many.failure is not None


def test_half_a_character_is_no_failure() -> None:
    data = b'event: x\ndata: {"type":"content_block_delta","delta":%s}\n\n'
    half = data % b'{"type":"text_delta","text":"a\\ud83d"}'
    relayed = MessageStream()
    assert relayed.feed(half) == half
    assert events(half) == [Said("a\N{REPLACEMENT CHARACTER}")]
    pair = data % b'{"type":"text_delta","text":"\\ud83d\\ude00"}'
    assert events(pair) == [Said("\N{GRINNING FACE}")]


def test_a_last_event_may_lack_its_blank_line() -> None:
    relayed, read = MessageStream(), MessageEvents()
    assert relayed.feed(HELLO[:-2]) + relayed.finish() == HELLO
    assert relayed.ended
    assert read.feed(HELLO[:-2]) + read.finish() == HELLO_EVENTS


def test_an_endless_event_is_a_failure() -> None:
    reader = MessageStream()
    assert reader.feed(b"data: " + b"x" * (17 * 1024 * 1024)) == b""
    assert reader.failure is not None
