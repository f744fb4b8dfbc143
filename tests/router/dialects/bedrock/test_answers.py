"""What Converse answers, whole or in frames, is the same events however it comes."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Scope
from router.dialects.bedrock.foreign import BEDROCK
from router.dialects.bedrock.frames import framed
from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Said,
    Stopped,
    Thought,
    Usage,
)
from router.dialects.common.events import whole as folded
from tests.router.dialects.bedrock.test_frames import pieces
from tests.router.dialects.bedrock.wire import (
    BEGUN,
    CALLING,
    CLOSED,
    COUNTED,
    HELLO,
    STOPPED,
    event,
    exception,
    said,
    whole,
)

HIDDEN = b64encode(b"hidden").decode()
THINKING = [
    BEGUN,
    event("contentBlockDelta", delta={"reasoningContent": {"text": "hm "}}, contentBlockIndex=0),
    event("contentBlockDelta", delta={"reasoningContent": {"text": "ok"}}, contentBlockIndex=0),
    event(
        "contentBlockDelta", delta={"reasoningContent": {"signature": "c2ln"}}, contentBlockIndex=0
    ),
    CLOSED,
    event(
        "contentBlockDelta",
        delta={"reasoningContent": {"redactedContent": HIDDEN}},
        contentBlockIndex=1,
    ),
    said("Yes", 2),
    STOPPED,
    COUNTED,
]
COUNT = Counted(Usage(9, 5))


def read(data: bytes, cuts: list[int] | None = None) -> tuple[list[Event], Any]:
    """The events of a stream that comes in pieces, and its reader."""
    reader = BEDROCK.reader()
    events = [one for piece in pieces(data, cuts or []) for one in reader.feed(piece)]
    return events + reader.finish(), reader


def shown(events: list[Event]) -> Any:
    answer = folded(events)
    return answer.choices, answer.usage


def test_a_text_comes_as_it_is_said() -> None:
    events, reader = read(b"".join(HELLO))
    assert events == [Began("", ""), Said("Hel"), Said("lo"), Stopped("stop"), COUNT]
    assert (reader.ended, reader.done, reader.failure) == (True, True, None)


def test_the_end_is_before_the_usage() -> None:
    reader = BEDROCK.reader()
    reader.feed(b"".join(HELLO[:-2]))
    assert not reader.ended
    reader.feed(HELLO[-2])
    assert (reader.ended, reader.done) == (True, False)
    reader.feed(HELLO[-1])
    assert reader.done


def test_a_call_comes_in_pieces() -> None:
    events, _ = read(b"".join(CALLING))
    assert events == [
        Began("", ""),
        Called(0, "tooluse_1", "f"),
        Argued(0, '{"a"'),
        Argued(0, ":1}"),
        Stopped("tool_calls"),
        COUNT,
    ]


def test_a_call_without_arguments_has_none_and_calls_are_counted() -> None:
    def begin(name: str, index: int) -> bytes:
        start = {"toolUse": {"toolUseId": f"t_{name}", "name": name}}
        return event("contentBlockStart", start=start, contentBlockIndex=index)

    events, _ = read(
        said("So", 0)
        + begin("f", 1)
        + event("contentBlockDelta", delta={"toolUse": {"input": ""}}, contentBlockIndex=1)
        + event("contentBlockStop", contentBlockIndex=1)
        + begin("g", 2)
        + event("contentBlockDelta", delta={"toolUse": {"input": "{}"}}, contentBlockIndex=2)
        + event("contentBlockStop", contentBlockIndex=2)
    )
    assert events == [
        Said("So"),
        Called(0, "t_f", "f"),
        Argued(0, "{}"),
        Called(1, "t_g", "g"),
        Argued(1, "{}"),
    ]


def test_what_was_thought_comes_with_its_signature() -> None:
    events, _ = read(b"".join(THINKING))
    assert events[1:5] == [
        Thought("hm ", maker="bedrock"),
        Thought("ok", maker="bedrock"),
        Thought(signature="c2ln", maker="bedrock"),
        Thought(redacted=HIDDEN, maker="bedrock"),
    ]


CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": {"a": 1}}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm ok", "signature": "c2ln"}}}


@pytest.mark.parametrize(
    ("stream", "answer"),
    [
        (HELLO, whole({"text": "Hel"}, {"text": "lo"})),
        (CALLING, whole(CALL, reason="tool_use")),
        (
            THINKING,
            whole(THOUGHT, {"reasoningContent": {"redactedContent": HIDDEN}}, {"text": "Yes"}),
        ),
    ],
)
def test_an_answer_in_one_piece_says_the_same(stream: list[bytes], answer: Any) -> None:
    report, events = BEDROCK.whole(json.dumps(answer).encode())
    assert (report.outcome, report.input_tokens, report.output_tokens) == (Outcome.OK, 9, 5)
    assert shown(events) == shown(read(b"".join(stream))[0])


def test_cited_text_is_text() -> None:
    cited = {"citationsContent": {"content": [{"text": "As "}, {"text": "told"}], "citations": []}}
    _, events = BEDROCK.whole(json.dumps(whole(cited)).encode())
    assert events[1:3] == [Said("As "), Said("told")]


def test_what_a_cache_took_counts_as_input() -> None:
    usage = {
        "inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 20, "totalTokens": 132,
    }  # fmt: skip
    report, events = BEDROCK.whole(json.dumps(whole({"text": "a"}, usage=usage)).encode())
    assert events[-1] == Counted(Usage(125, 7, 100, 20))
    assert (report.input_tokens, report.output_tokens) == (125, 7)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("of_tomorrow", "stop"),
    ],
)
def test_why_it_stopped(reason: str, told: Any) -> None:
    _, events = BEDROCK.whole(json.dumps(whole({"text": "a"}, reason=reason)).encode())
    assert Stopped(told) in events
    events, reader = read(BEGUN + said("a") + event("messageStop", stopReason=reason))
    assert events[-1] == Stopped(told)
    assert reader.ended


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_went_wrong_inside_is_a_failure(reason: str) -> None:
    report, events = BEDROCK.whole(json.dumps(whole({"text": "a"}, reason=reason)).encode())
    assert (report.outcome, events) == (Outcome.FAILED, [])
    _, reader = read(BEGUN + said("a") + event("messageStop", stopReason=reason))
    assert reader.failure.outcome is Outcome.FAILED
    assert not reader.ended


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"message":"m"}', b'{"output":{"message":{}}}', b"1"]
)
def test_a_success_that_is_no_answer_is_a_failure(body: bytes) -> None:
    report, events = BEDROCK.whole(body)
    assert (report.outcome, events) == (Outcome.FAILED, [])


@pytest.mark.parametrize(
    ("kind", "message", "outcome", "scope"),
    [
        ("throttlingException", "Too many tokens", Outcome.THROTTLED, Scope.TARGET),
        ("validationException", "Malformed", Outcome.REJECTED, Scope.REQUEST),
        ("validationException", "Input is too long", Outcome.UNFIT, Scope.REQUEST),
        ("internalServerException", "m", Outcome.FAILED, Scope.TARGET),
        ("modelStreamErrorException", "m", Outcome.FAILED, Scope.TARGET),
        ("serviceUnavailableException", "m", Outcome.FAILED, Scope.TARGET),
        ("exceptionOfTomorrow", "m", Outcome.FAILED, Scope.TARGET),
    ],
)
def test_an_exception_in_a_stream_means_what_its_status_would(
    kind: str, message: str, outcome: Outcome, scope: Scope
) -> None:
    events, reader = read(BEGUN + said("a") + exception(kind, message) + said("b"))
    assert events == [Began("", ""), Said("a")]
    assert (reader.failure.outcome, reader.failure.scope) == (outcome, scope)
    assert BEDROCK.told(reader.said) == message


def test_an_error_without_a_model_is_told_in_headers() -> None:
    headers = {
        ":message-type": "error",
        ":error-code": "ThrottlingException",
        ":error-message": "slow",
    }
    _, reader = read(framed(headers, b""))
    assert reader.failure.outcome is Outcome.FAILED
    assert BEDROCK.told(reader.said) == "slow"


def test_what_is_no_event_stream_fails() -> None:
    for data in (b'{"message":"m"}' * 2, b"data: {}\n\n" * 2, b"\0" * 12):
        events, reader = read(data)
        assert events == []
        assert reader.failure.outcome is Outcome.FAILED


def test_an_event_that_cannot_be_read_is_counted_or_breaks_what_it_was_part_of() -> None:
    def garbled(kind: str) -> bytes:
        return framed({":message-type": "event", ":event-type": kind}, b"[1")

    events, reader = read(BEGUN + garbled("metadata") + said("a") + STOPPED + COUNTED)
    assert events[1:] == [Said("a"), Stopped("stop"), COUNT]
    assert (reader.malformed, reader.failure) == (1, None)
    _, reader = read(BEGUN + garbled("contentBlockDelta") + STOPPED)
    assert reader.failure.outcome is Outcome.FAILED


def test_events_that_nobody_knows_are_passed_over() -> None:
    unknown = event("eventOfTomorrow", a=1)
    events, reader = read(BEGUN + unknown + said("a") + STOPPED + unknown + COUNTED + b"nonsense")
    assert events == [Began("", ""), Said("a"), Stopped("stop"), COUNT]
    assert (reader.done, reader.failure) == (True, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"m"}', "m"),
        (b'{"Message":"m"}', "m"),
        (b'{"__type":"a#B","message":"m"}', "m"),
        (b"<html>", ""),
        (b'{"output":{},"message":"m"}', ""),
        (b"[]", ""),
    ],
)
def test_the_message_of_an_error_is_read(body: bytes, message: str) -> None:
    assert BEDROCK.told(body) == message


STREAMS = st.sampled_from([HELLO, CALLING, THINKING])


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_split_gives_the_same_events(stream, cuts) -> None:
    data = b"".join(stream)
    assert read(data, cuts)[0] == read(data)[0]


@given(STREAMS, st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 10_000))
def test_a_wrong_byte_is_a_failure_and_never_raised(stream, at, flip, cut) -> None:
    data = bytearray(b"".join(stream))
    data[at % len(data)] ^= flip
    events, reader = read(bytes(data), [cut])
    good, _ = read(b"".join(stream))
    assert events == good[: len(events)]
    assert reader.failure.outcome is Outcome.FAILED


NAMES = st.sampled_from(
    ["delta", "start", "text", "toolUse", "input", "name", "toolUseId", "reasoningContent",
     "redactedContent", "signature", "contentBlockIndex", "stopReason", "usage", "inputTokens",
     "output", "message", "content", "citationsContent", "reasoningText"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(
    ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop",
     "metadata", "other"]
)  # fmt: skip


@given(st.lists(st.tuples(KINDS, st.dictionaries(NAMES, JSON, max_size=4)), max_size=8))
def test_whatever_an_event_holds_nothing_is_raised(events) -> None:
    read(b"".join(event(kind, **payload) for kind, payload in events))


@given(st.dictionaries(NAMES, JSON, max_size=4) | JSON)
def test_whatever_an_answer_holds_nothing_is_raised(answer) -> None:
    BEDROCK.whole(json.dumps(answer).encode())
    BEDROCK.whole(json.dumps(whole(answer, usage=answer)).encode())
    BEDROCK.told(json.dumps(answer).encode())
