"""Answers of a Gemini, streamed and in one piece, as events."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Scope
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
from router.dialects.gemini.events import BROKEN, REASONS
from router.dialects.gemini.foreign import GEMINI
from router.dialects.gemini.stream import GeminiStream
from router.dialects.sse import MOST_EVENT
from tests.router.dialects.gemini.judge import read_by_sdk
from tests.router.dialects.gemini.said import (
    BLOCKED,
    CALL,
    CALLING,
    ERROR,
    TEXT,
    THINKING,
    chunk,
    sse,
    usage,
)
from tests.router.mangled import mangled, split

BEGAN = Began("r1", "m-001")
STREAMS: dict[str, tuple[list[Any], list[Event]]] = {
    "text": (
        TEXT,
        [BEGAN, Said("Hel"), Counted(Usage(9, 1)), Said("lo"), Stopped("stop"),
         Counted(Usage(9, 2))],
    ),
    "thinking": (
        THINKING,
        [BEGAN, Thought("hm", maker="gemini"), Counted(Usage(0, 3, 0, 0, 3)),
         Thought("so", "c2ln", maker="gemini"), Said("Yes."),
         Thought("", "bGFzdA==", maker="gemini"), Stopped("stop"),
         Counted(Usage(15, 5, 4, 0, 3))],
    ),
    "calling": (
        CALLING,
        [BEGAN, Called(0, "call_r1_0", "f", signature="c2ln", maker="gemini"),
         Argued(0, '{"a":1}'), Stopped("tool_calls"), Counted(Usage(9, 5))],
    ),
}  # fmt: skip


def read(data: bytes, *cuts: int) -> tuple[list[Event], GeminiStream]:
    reader = GEMINI.reader()
    events: list[Event] = []
    for piece in split(data, list(cuts)):
        events += reader.feed(piece)
    return events + reader.finish(), reader


@pytest.mark.parametrize("name", STREAMS)
def test_chunks_are_events(name: str):
    chunks, events = STREAMS[name]
    for each in chunks:
        read_by_sdk(each)
    told, reader = read(sse(*chunks))
    assert told == events
    assert (reader.ended, reader.done, reader.failure) == (True, False, None)


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 2000), max_size=8))
def test_any_split_of_the_bytes_gives_the_same_events(name: str, cuts: list[int]):
    chunks, events = STREAMS[name]
    for data in (sse(*chunks), json.dumps(chunks, indent=2).encode(), sse(*chunks).rstrip()):
        told, reader = read(data, *cuts)
        assert told == events
        assert reader.ended


@pytest.mark.parametrize("chunks", [TEXT, CALLING])
def test_a_list_of_chunks_is_a_stream_as_well(chunks: list[Any]):
    assert read(json.dumps(chunks).encode())[0] == read(sse(*chunks))[0]
    assert read(b" " + json.dumps(chunks[0]).encode())[0] == read(sse(chunks[0]))[0]


def test_signs_inside_texts_of_a_list_are_texts():
    said = 'a"{[\\"}]\\\\'
    data = json.dumps([chunk({"text": said}), chunk({"text": "\\"}, finish="STOP")]).encode()
    for size in range(1, 9):
        reader = GEMINI.reader()
        events = [
            event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])
        ]
        assert events[1:] == [Said(said), Said("\\"), Stopped("stop")]


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_reasons_to_finish_have_their_meaning(reason: str):
    (*_, stopped), _ = read(sse(chunk({"text": "a"}, finish=reason)))
    assert stopped == Stopped(REASONS[reason])


def test_an_end_after_a_call_is_a_call_s_wherever_the_call_came():
    told, _ = read(sse(chunk(CALL, CALL), chunk({"text": "a"}, finish="STOP")))
    assert [event.id for event in told if isinstance(event, Called)] == ["call_r1_0", "call_r1_1"]
    assert told[-1] == Stopped("tool_calls")
    assert read(sse(chunk(CALL, finish="MAX_TOKENS")))[0][-1] == Stopped("length")


def test_an_id_that_was_given_is_kept_and_others_differ_from_answer_to_answer():
    own = {"functionCall": {"id": "x-1", "name": "f"}}
    told, _ = read(sse(chunk(own, finish="STOP")))
    assert told[1:3] == [Called(0, "x-1", "f", maker="gemini"), Argued(0, "{}")]
    ids = set()
    for data in (b"1", b"2"):
        nameless = chunk(CALL, finish="STOP", responseId=None, extra=data.decode())
        (call,) = [event for event in read(sse(nameless))[0] if isinstance(event, Called)]
        assert call.id.replace("_", "").replace("-", "").isalnum()
        assert len(call.id) <= 40
        ids.add(call.id)
    assert len(ids) == 2


@pytest.mark.parametrize("reason", sorted(BROKEN))
def test_a_model_that_breaks_off_over_itself_has_failed(reason: str):
    body = chunk({"text": "a"}, finish=reason)
    _, reader = read(sse(body))
    assert not reader.ended
    assert reader.failure is not None
    assert reader.failure.outcome is Outcome.FAILED
    assert reader.failure.detail == f"200 with finishReason {reason}"
    assert GEMINI.whole(json.dumps(body).encode())[0].outcome is Outcome.FAILED


@pytest.mark.parametrize("parts", [[], [{"text": ""}], [{"inlineData": {"data": "QQ=="}}]])
def test_an_answer_without_a_word_has_failed_unless_it_ran_out_of_tokens(parts: list[Any]):
    _, reader = read(sse(chunk(*parts, finish="STOP")))
    assert reader.failure is not None
    assert reader.failure.detail == "200 with an answer without a word"
    told, reader = read(sse(chunk(*parts, finish="MAX_TOKENS")))
    assert reader.failure is None
    assert told[-1] == Stopped("length")
    told, reader = read(sse({"candidates": [{"finishReason": "SAFETY"}]}))
    assert told[-1] == Stopped("content_filter")


def test_a_prompt_that_is_blocked_is_filtered_and_says_why():
    read_by_sdk(BLOCKED)
    _, reader = read(sse(BLOCKED))
    for report in (reader.failure, GEMINI.whole(json.dumps(BLOCKED).encode())[0]):
        assert report is not None
        assert (report.outcome, report.scope) == (Outcome.FILTERED, Scope.REQUEST)
        assert report.detail == "200 with the prompt blocked: SAFETY"
    assert GEMINI.told(reader.said) == "the prompt was blocked: SAFETY"


@pytest.mark.parametrize(
    "data",
    [sse(ERROR), sse([ERROR]), json.dumps(ERROR).encode(), json.dumps([ERROR]).encode(),
     sse(TEXT[0]) + json.dumps([ERROR]).encode() + b"\n",
     sse(TEXT[0], ERROR), json.dumps([TEXT[0], ERROR]).encode()],
)  # fmt: skip
def test_an_error_in_a_stream_is_one_in_whatever_shape(data: bytes):
    _, reader = read(data)
    assert reader.failure is not None
    assert reader.failure.outcome is Outcome.THROTTLED
    assert reader.failure.overloaded
    assert GEMINI.told(reader.said) == "The model is overloaded."
    assert not reader.ended


def test_a_stream_that_ends_early_has_not_ended():
    _, reader = read(sse(TEXT[0]))
    assert (reader.ended, reader.failure) == (False, None)


def test_an_event_that_is_no_chunk_is_left_out_and_counted_unless_words_are_lost_with_it():
    told, reader = read(b"data: {nonsense\n\n" + sse(*TEXT))
    assert (told, reader.malformed, reader.ended) == (STREAMS["text"][1], 1, True)
    for torn in (b'data: {"candidates": [{"content"\n\n', b"data: {nonsense\n\n" * 9):
        _, reader = read(torn + sse(*TEXT))
        assert reader.failure is not None
        assert "none of the dialect" in reader.failure.detail


def test_an_event_that_never_ends_is_a_failure():
    for start in (b'data: {"', b'{"a": "'):
        reader = GEMINI.reader()
        reader.feed(start)
        for _ in range(17):
            reader.feed(b"x" * (MOST_EVENT // 16))
        assert reader.failure is not None
        assert "longer than" in reader.failure.detail


def test_what_others_append_as_a_formal_end_is_one():
    _, reader = read(sse(*TEXT) + b"data: [DONE]\n\n")
    assert reader.done
    assert reader.ended


def test_an_answer_in_one_piece_is_the_same_events():
    body = chunk({"text": "Hello"}, CALL, finish="STOP", **usage())
    report, events = GEMINI.whole(json.dumps(body).encode())
    assert (report.outcome, report.input_tokens, report.output_tokens) == (Outcome.OK, 9, 5)
    assert events[1] == Said("Hello")
    assert events[-2:] == [Stopped("tool_calls"), Counted(Usage(9, 5))]


def test_several_answers_are_apart():
    both = chunk({"text": "a"}, finish="STOP")
    both["candidates"].append({**both["candidates"][0], "index": 1})
    assert GEMINI.whole(json.dumps(both).encode())[1][1:] == [
        Said("a"), Stopped("stop"), Said("a", 1), Stopped("stop", choice=1),
    ]  # fmt: skip
    one_is_missing = [chunk({"text": "a"}, finish="STOP"), chunk({"text": "a"}, index=1)]
    assert not read(sse(*one_is_missing))[1].ended


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"<html>", "200 with a body that is not an answer"),
        (b"{}", "200 with a body that is not an answer"),
        (json.dumps(TEXT[0]).encode(), "200 with a body that is not an answer"),
        (json.dumps(ERROR).encode(), "200 with a 503 unavailable"),
        (json.dumps([ERROR]).encode(), "200 with a 503 unavailable"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(body: bytes, detail: str):
    report, events = GEMINI.whole(body)
    assert not report.outcome.good
    assert report.detail == detail
    assert events == []


def test_wrong_types_are_not_there():
    odd = {
        "candidates": [
            {"index": "x", "content": {"parts": [
                {"text": 5, "thought": "yes", "thoughtSignature": {}},
                {"functionCall": {"name": 7}},
                {"functionCall": {"name": "f", "id": [], "args": [1]}},
            ]}, "finishReason": "STOP"},
        ],
        "usageMetadata": {"promptTokenCount": -1, "candidatesTokenCount": "9"},
        "modelVersion": 3, "responseId": ["r"], "promptFeedback": "no",
    }  # fmt: skip
    told, reader = read(sse(odd))
    (_, called, argued, stopped) = told
    assert isinstance(called, Called)
    assert (called.number, argued) == (0, Argued(0, "{}"))
    assert stopped == Stopped("tool_calls")
    assert reader.failure is None


SEEDS = [sse(*TEXT), sse(*THINKING), sse(*CALLING), json.dumps(TEXT).encode(), sse(ERROR)]


@given(mangled(SEEDS), st.lists(st.integers(0, 2000), max_size=4))
def test_no_bytes_raise_out_of_it(data: bytes, cuts: Sequence[int]):
    read(data, *cuts)
    GEMINI.whole(data)
    GEMINI.told(data)
    GEMINI.refusal(429, {}, data, 0.0)
