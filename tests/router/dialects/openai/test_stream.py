import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Outcome, Phase
from router.dialects.common.events import Usage
from router.dialects.openai.stream import ChatStream
from tests.router.dialects.openai.test_dialect import JSON
from tests.router.scripted import DONE, ERROR, FINISH, ROLE, USAGE, delta, event, text

CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": JSON,
                    "delta": st.none() | st.dictionaries(st.sampled_from(["content", "x"]), JSON),
                    "finish_reason": JSON,
                },
            ),
            max_size=2,
        ),
        "usage": JSON,
        "error": JSON,
    },
)


def reader(choices: int = 1, *, withhold: bool = True) -> ChatStream:
    return ChatStream(choices, withhold_usage=withhold)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_make_the_reader_raise(pieces: list[bytes]) -> None:
    stream = reader()
    for piece in pieces:
        stream.feed(piece)
    stream.finish()
    stream = reader()
    for piece in pieces:
        stream.feed(b"data: " + piece + b"\n\n")
    stream.finish()


@given(st.lists(CHUNKS, max_size=4), st.integers(1, 3))
def test_no_chunk_makes_the_reader_raise(chunks: list[dict[str, Any]], choices: int) -> None:
    stream = reader(choices)
    for chunk in chunks:
        stream.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    stream.finish()
    assert stream.usage is None or isinstance(stream.usage, Usage)


@settings(deadline=None)
@given(st.data())
def test_any_split_of_an_answer_reads_the_same(data: st.DataObject) -> None:
    answer = ROLE + b": note\r\n\r\n" + text("Hel") + text("lo") + FINISH + USAGE + DONE
    end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    answer = answer.replace(b"\n", end)
    stream, passed, at = reader(), b"", 0
    while at < len(answer):
        size = data.draw(st.integers(1, 90))
        passed += stream.feed(answer[at : at + size])
        at += size
    passed += stream.finish()
    # With CRs the second half of a line end may stay with a comment that does not pass.
    assert passed.split() == (ROLE + text("Hel") + text("lo") + FINISH).split()
    assert (stream.content, stream.ended, stream.done, stream.failure) == (2, True, True, None)
    assert stream.usage == Usage(7, 3)


def test_a_role_is_no_content_and_everything_that_costs_is() -> None:
    stream = reader()
    assert stream.feed(ROLE) == ROLE
    stream.feed(event(choices=[]) + event(choices=None) + delta() + event(id="x"))
    assert stream.content == 0
    stream.feed(delta(content="x") + delta(refusal="x") + delta(tool_calls=[{"index": 0}]))
    assert stream.content == 3
    stream.feed(delta(reasoning="x") + delta(reasoning_content="x") + delta(audio={"id": "x"}))
    assert stream.content == 6


def test_unknown_fields_and_events_pass() -> None:
    stream = reader()
    tomorrow = event(choices=[{"index": 0, "delta": {"new": 1}, "logprobs": {}}], obfuscation="x")
    note = b'event: note\ndata: {"type":"note"}\n\n'
    assert stream.feed(tomorrow + note) == tomorrow + note
    assert stream.failure is None


@pytest.mark.parametrize(
    "nothing", [b": ping\n\n", b"event: ping\n\n", b"data:\n\n", b"data: \n\n"]
)
def test_an_event_without_data_is_nothing(nothing: bytes) -> None:
    stream = reader()
    assert stream.feed(nothing) == b""
    assert stream.failure is None


@pytest.mark.parametrize("done", [DONE, b"data:[DONE]\n\n", b"data: [DONE] \r\n\r\n"])
def test_the_formal_end_is_known_in_every_spelling_and_is_ours_to_send(done: bytes) -> None:
    stream = reader()
    assert stream.feed(text("a") + FINISH + done) == text("a") + FINISH
    assert (stream.ended, stream.done) == (True, True)
    assert stream.feed(text("b")) == b""
    assert stream.content == 1


@pytest.mark.parametrize(
    "stray",
    [
        b"data: {\n\n",
        b"data: [1]\n\n",
        b"data: hello\n\n",
        b'data: {"choices":[null]}\n\n',
        b'data: {"choices": [{"delta"\n\n',
        b'data: {"choices":5,"note":"text"}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":null\n\n',
        b'data: {"choices":' + b"[" * 5000 + b"\n\n",
    ],
)
def test_what_is_no_chunk_is_left_out_and_counted(stray: bytes) -> None:
    stream = reader()
    assert stream.feed(stray + text("a") + stray + text("b") + FINISH) == (
        text("a") + text("b") + FINISH
    )
    assert (stream.failure, stream.ended, stream.malformed) == (None, True, 2)


@pytest.mark.parametrize(
    "torn",
    [
        text("lost")[:-9] + b"\n\n",
        b'data: {"choices":[{"index":0,"delta":{"con\n\n',
        b'data: {"choices":[{"delta":"x"}]}\n\n',
        b'data: {"index":0,"text" : "lo\n\n',
        b'data: ex":0},"finish_reason":"stop"}]}\n\n',
        b'data: "tool_calls":[{"function":\n\n',
        b"event: error\ndata: it broke\n\n",
    ],
)
def test_a_chunk_that_is_lost_with_words_in_it_is_a_failure(torn: bytes) -> None:
    stream = reader()
    assert stream.feed(text("a") + torn + text("b")) == text("a")
    assert stream.failure is not None
    assert (stream.failure.outcome, stream.failure.phase) == (Outcome.FAILED, Phase.BODY)


def test_a_stream_of_many_such_events_is_a_failure() -> None:
    stream = reader()
    stray = b"data: hello\n\n"
    assert stream.feed(text("a") + 3 * stray + text("b")) == text("a") + text("b")
    assert stream.failure is None
    stream.feed(stray)
    assert stream.failure is not None
    assert stream.failure.detail == "4 events that are none of the dialect"


def test_an_answer_that_is_empty_but_for_such_events_is_a_failure() -> None:
    stream = reader()
    assert stream.feed(ROLE + b"data: hello\n\n" + FINISH) == ROLE
    assert (stream.ended, stream.failure is not None) == (False, True)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ERROR, Outcome.FAILED),
        (event(error="it broke"), Outcome.FAILED),
        (event(error={"code": 502}), Outcome.FAILED),
        (event(error={"type": "overloaded_error"}), Outcome.THROTTLED),
        (event(error={"code": "content_filter"}), Outcome.FILTERED),
        (event(error={"code": 1}, choices=[{"finish_reason": "error"}]), Outcome.FAILED),
        (b'event: error\ndata: {"error":{"code":"insufficient_quota"}}\n\n', Outcome.DENIED),
        (b'event:error\ndata: {"message":"x"}\n\n', Outcome.FAILED),
        (delta(finish="error"), Outcome.FAILED),
        (delta(finish="insufficient_system_resource", content="x"), Outcome.FAILED),
    ],
)
def test_an_error_in_any_form_is_a_failure_and_does_not_pass(
    error: bytes, outcome: Outcome
) -> None:
    stream = reader()
    assert stream.feed(error) == b""
    assert stream.failure is not None
    assert stream.failure.outcome is outcome
    assert not stream.ended


@pytest.mark.parametrize("nothing", [b'"error":null', b'"error":{}', b'"error":""'])
def test_an_empty_error_is_none(nothing: bytes) -> None:
    stream = reader()
    chunk = b'data: {"choices":[],' + nothing + b"}\n\n"
    assert stream.feed(chunk) == chunk
    assert stream.failure is None


def test_all_choices_must_end() -> None:
    stream = reader(choices=2)
    stream.feed(text("a", 0) + text("b", 1) + delta(1, finish="stop"))
    assert not stream.ended
    stream.feed(delta(0, finish="length"))
    assert stream.ended


def test_at_the_formal_end_only_what_was_begun_must_have_ended() -> None:
    fewer, open_one = reader(choices=2), reader(choices=2)
    fewer.feed(text("a", 0) + delta(0, finish="stop") + DONE)
    assert fewer.ended
    open_one.feed(text("a", 0) + text("b", 1) + delta(0, finish="stop") + DONE)
    assert (open_one.ended, open_one.done) == (False, True)
    nothing = reader()
    nothing.feed(DONE)
    assert not nothing.ended


def test_the_usage_chunk_is_withheld_or_passed_as_the_client_asked() -> None:
    assert reader().feed(USAGE) == b""
    assert reader(withhold=False).feed(USAGE) == USAGE
    beside = event(choices=[{"index": 0, "delta": {"content": "x"}}], usage=None)
    assert reader().feed(beside) == beside


def test_the_newest_usage_counts_and_an_empty_one_does_not() -> None:
    stream = reader()
    for usage in ({"prompt_tokens": 7, "completion_tokens": 1}, {"completion_tokens": 4}, {}, 5):
        stream.feed(event(choices=[], usage=usage))
    assert stream.usage == Usage(0, 4)


def test_a_last_event_may_lack_its_blank_line_but_not_its_end() -> None:
    whole = reader()
    whole.feed(text("a") + FINISH.rstrip())
    assert not whole.ended
    assert whole.finish() == FINISH
    assert whole.ended
    cut = reader()
    cut.feed(text("a") + FINISH[:-9])
    assert cut.finish() == b""
    assert not cut.ended


def test_an_endless_event_is_a_failure() -> None:
    stream = reader()
    assert stream.feed(b"data: " + b"x" * (17 * 1024 * 1024)) == b""
    assert stream.failure is not None
    assert "longer than" in stream.failure.detail


def test_half_a_character_passes_as_it_came() -> None:
    halves = [
        b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % half
        for half in (b"\\ud83d", b"\\ude00")
    ]
    stream = reader()
    assert b"".join(stream.feed(half) for half in halves) == b"".join(halves)
    assert stream.failure is None
    assert stream.content == 2
