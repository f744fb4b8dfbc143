"""Answers of servers of chat completions: chunks and whole ones into events, and back to chunks."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from policies import Outcome, Phase
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
from router.dialects.common.prompt import Text, Thinking, ToolCall
from router.dialects.contract import Call
from router.dialects.openai.chat.foreign import Chat, chat_of
from router.dialects.openai.dialect import OPENAI
from tests.router.dialects.openai.test_dialect import JSON
from tests.router.mangled import mangled, split

DONE = b"data: [DONE]\n\n"


def call(**fields: Any) -> Call:
    body = {"model": "asked", "messages": [], "stream": True, **fields}
    parsed = OPENAI.parse(json.dumps(body).encode())
    parsed.id, parsed.at = "req_1", 1_700_000_000
    return parsed


ASKED = {"stream_options": {"include_usage": True}}


def chunk(delta: Any = None, finish: Any = None, index: Any = 0, **others: Any) -> bytes:
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish}
    return event(id="c", created=3, model="m", choices=[choice], **others)


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


F = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 0},
}
TOOL_STREAM = b"".join(
    [
        chunk({"role": "assistant", "content": None}, usage=None),
        chunk({"tool_calls": [F]}, usage=None),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]}, usage=None),
        chunk(finish="tool_calls", usage=None),
        event(id="c", choices=[], usage=USAGE),
        DONE,
    ]
)


def read(*pieces: bytes) -> list[Event]:
    """What a whole stream says."""
    reader = Chat().reader()
    events = [event for piece in pieces for event in reader.feed(piece)] + reader.finish()
    assert reader.failure is None
    assert reader.ended
    return events


def read_whole(**fields: Any) -> list[Event]:
    report, events = Chat().whole(json.dumps(fields).encode())
    assert report.outcome is Outcome.OK
    return events


def written(events: Sequence[Event], **fields: Any) -> list[dict[str, Any]]:
    """The chunks for a client, each of which OpenAI's types know."""
    writer = OPENAI.writer(call(**fields))
    data = b"".join([writer.write([one]) for one in events]) + writer.end(b": note\n\n")
    told = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    assert told.pop() == b"[DONE]"
    assert data.endswith(b": note\n\ndata: [DONE]\n\n")
    for one in told:
        ChatCompletionChunk.model_validate_json(one)
    return [json.loads(one) for one in told]


def deltas(events: Sequence[Event]) -> list[Any]:
    return [one["choices"][0]["delta"] for one in written(events)]


# Read.


def test_a_call_of_a_tool_is_read_from_a_stream() -> None:
    assert read(TOOL_STREAM) == [
        Began("c", "m", 3),
        Called(0, "call_1", "f"),
        Argued(0, '{"a":1}'),
        Stopped("tool_calls"),
        Counted(Usage(9, 5)),
    ]


def test_text_refusal_and_reasoning_by_both_its_names_are_read() -> None:
    said = read(
        chunk({"role": "assistant", "content": "", "reasoning": "a"}),
        chunk({"reasoning_content": "b"}),
        chunk({"content": "c"}),
        chunk({"refusal": "d"}),
        chunk(finish="stop"),
        DONE,
    )
    assert said[1:] == [Thought("a"), Thought("b"), Said("c"), Refused("d"), Stopped("stop")]


def test_content_in_parts_is_read() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "so"},
        5,
    ]
    said = read(chunk({"content": parts}), chunk(finish="stop"), DONE)
    assert said[1:] == [Thought("hm"), Said("so"), Stopped("stop")]


def test_reasoning_with_a_signature_is_its_makers() -> None:
    detail = {"type": "reasoning.text", "text": "a", "format": "anthropic-claude-v1"}
    said = read(
        chunk({"reasoning": "a", "reasoning_details": [detail]}),
        chunk({"reasoning_details": [{**detail, "text": "", "signature": "s"}]}),
        chunk(finish="stop"),
        DONE,
    )
    assert said[1:3] == [Thought("a"), Thought("", "s", None, "anthropic")]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"),
        ("model_length", "length"), ("eos", "stop"), ("tomorrow's", "stop"),
    ],
)  # fmt: skip
def test_reasons_to_finish_are_four(told: str, reason: str) -> None:
    assert read(chunk({"content": "x"}), chunk(finish=told), DONE)[-1] == Stopped(reason)  # type: ignore[arg-type]


def calls(*told: dict[str, Any], finish: str | None = "tool_calls") -> list[Event]:
    pieces = [chunk({"tool_calls": [one]}) for one in told]
    return read(*pieces, chunk(finish=finish), DONE)[1:-1]


def function(name: str | None = None, arguments: Any = None, **others: Any) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    return {**others, "function": {key: value for key, value in given.items() if value is not None}}


@pytest.mark.parametrize(
    "pieces",
    [
        [
            function("f", "", index=0, id="a"),
            function(None, "{}", index=0),
            function("g", "", index=1, id="b"),
            function(None, "{", index=1),
            function(None, "}", index=1),
        ],
        [function("f", "{}", index=0, id="a"), function("g", "{}", index=0, id="b")],
        [function("f", "{}", id="a"), function("g", {}, id="b")],
        [
            function("f", "{", index=0, id="a"),
            function("f", "}", index=0, id="a"),
            function("g", "{}", index=7, id="b"),
        ],
        [
            function("f", "{", index=0, id="a"),
            function("g", "{", index=1, id="b"),
            function(None, "}", index=0, id=""),
            function(None, "}", index=1, id=""),
        ],
    ],
    ids=["usual", "one place", "no place", "all repeated", "in turns"],
)
def test_calls_are_told_apart_however_a_server_counts_them(pieces: list[dict[str, Any]]) -> None:
    told = whole(calls(*pieces)).choices[0].parts
    assert told == [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")]


def test_a_call_without_an_id_is_given_one_that_is_always_the_same() -> None:
    first, second = (calls(function("f", "{}"), function("g", "{}")) for _ in "ab")
    assert first == second
    ids = [event.id for event in first if isinstance(event, Called)]
    assert len(set(ids)) == 2


def test_a_call_that_was_demanded_ends_the_answer_whatever_the_reason() -> None:
    assert read(
        chunk({"tool_calls": [function("f", "{}", index=0, id="a")]}), chunk(finish="stop")
    )[-1] == Stopped("tool_calls")


def test_calls_that_end_without_a_reason_are_whole_at_the_formal_end() -> None:
    piece = chunk({"tool_calls": [function("f", "{}", index=0, id="a")]}, finish="")
    assert read(piece, DONE)[-1] == Stopped("tool_calls")
    native = OPENAI.reader(call())
    assert native.feed(piece + DONE) == piece
    assert native.ended


def test_a_signature_of_a_call_is_its_makers() -> None:
    extra = {"google": {"thought_signature": "s"}}
    (called, _) = calls(function("f", "{}", index=0, id="a", extra_content=extra))
    assert called == Called(0, "a", "f", signature="s", maker="gemini")


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "total_tokens": 14,
                "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(10, 4, 6, 2, 3),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "total_tokens": 114,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            Usage(10, 104, 0, 0, 100),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 24},
            Usage(10, 14, 0, 0, 10),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "prompt_cache_hit_tokens": 8,
                "prompt_cache_miss_tokens": 2,
            },
            Usage(10, 4, 8),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "reasoning_tokens": 2},
            Usage(10, 4, 0, 0, 2),
        ),
    ],
    ids=["OpenAI", "xAI", "Google", "DeepSeek", "Perplexity"],
)
def test_tokens_are_counted_by_every_name(usage: dict[str, Any], counted: Usage) -> None:
    ended = chunk({"content": "x"}) + chunk(finish="stop")
    assert read(ended, event(choices=[], usage=usage), DONE)[-1] == Counted(counted)
    message = {"role": "assistant", "content": "x"}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    assert read_whole(**body)[-1] == Counted(counted)
    report, _ = OPENAI.whole(call(), json.dumps(body).encode())
    assert (report.input_tokens, report.output_tokens) == counted[:2]


def test_usage_of_groqs_own_field_and_usage_that_grows_count() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    own = chunk(finish="stop", x_groq={"id": "r", "usage": usage})
    assert read(chunk({"content": "x"}), own, DONE)[-1] == Counted(Usage(1, 2))
    grown = [
        chunk({"content": "x"}, usage={"prompt_tokens": 1, "completion_tokens": n}) for n in (1, 2)
    ]
    counted = [one for one in read(*grown, chunk(finish="stop"), DONE) if isinstance(one, Counted)]
    assert counted == [Counted(Usage(1, 1)), Counted(Usage(1, 2))]


def test_a_whole_answer_is_read() -> None:
    message = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "hm",
        "refusal": None,
        "tool_calls": [function("f", '{"a":1}', id="c1", type="function")],
    }
    assert read_whole(
        id="c",
        created=5,
        model="m",
        choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}],
    ) == [
        Began("c", "m", 5),
        Thought("hm"),
        Said("a"),
        Called(0, "c1", "f"),
        Argued(0, '{"a":1}'),
        Stopped("tool_calls"),
    ]


def test_a_whole_answer_without_a_reason_has_ended_all_the_same() -> None:
    assert read_whole(choices=[{"message": {"content": "a"}}])[-1] == Stopped("stop")


def test_an_error_in_either_form_is_a_failure_with_its_words() -> None:
    body = b'{"error":{"code":502,"message":"Provider returned error"}}'
    report, events = chat_of("openrouter").whole(body)
    assert (report.outcome, events) == (Outcome.FAILED, [])
    reader = Chat().reader()
    assert reader.feed(b"data: " + body + b"\n\n") == []
    assert reader.failure is not None
    assert reader.failure.outcome is Outcome.FAILED
    assert Chat().told(reader.said) == "Provider returned error"
    assert Chat().told(b"<html>") == ""


def test_a_refusal_means_what_its_provider_means_by_it() -> None:
    body = b'{"error":{"message":"Insufficient Balance","type":"x"}}'
    assert chat_of("deepseek").refusal(402, {}, body).outcome is Outcome.DENIED
    assert chat_of().refusal(500, {}, b"").phase is Phase.HEAD


@settings(deadline=None)
@given(st.data())
def test_no_bytes_make_a_reader_raise_and_any_split_reads_the_same(data: st.DataObject) -> None:
    corpus = [TOOL_STREAM, *TOOL_STREAM.splitlines(keepends=True), chunk({"content": [1]}), DONE]
    stream = data.draw(mangled(corpus, most=4))
    cuts = data.draw(st.lists(st.integers(0, 2000), max_size=6))
    once, split_up = Chat().reader(), Chat().reader()
    events = once.feed(stream) + once.finish()
    pieces = [one for piece in split(stream, cuts) for one in split_up.feed(piece)]
    assert pieces + split_up.finish() == events
    assert (once.failure is None) is (split_up.failure is None)
    writer = OPENAI.writer(call())
    assert writer.write(events) + writer.end(b"")
    writer.whole(events)


@given(
    st.dictionaries(
        st.sampled_from(
            ["content", "reasoning", "tool_calls", "refusal", "reasoning_details", "index", "id"]
        ),
        JSON
        | st.lists(st.dictionaries(st.sampled_from(["index", "id", "function", "type"]), JSON)),
    ),
    JSON,
    JSON,
)
def test_no_chunk_makes_a_reader_raise(delta: Any, index: Any, finish: Any) -> None:
    reader = Chat().reader()
    reader.feed(chunk(delta, finish, index))
    reader.finish()
    choice = {"index": index, "message": delta, "finish_reason": finish}
    Chat().whole(json.dumps({"choices": [choice], "id": index, "usage": delta}).encode())


# Written.


def test_a_stream_begins_with_its_role_and_ends_with_its_reason() -> None:
    events: list[Event] = [
        Began("x", "m", 5),
        Said("a"),
        Said("b"),
        Stopped("stop"),
        Counted(Usage(1, 2)),
    ]
    chunks = written(events)
    assert [one["choices"][0]["delta"] for one in chunks] == [
        {"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}, {}
    ]  # fmt: skip
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert {(one["id"], one["model"], one["created"]) for one in chunks} == {("x", "m", 5)}
    assert [one["choices"][0]["finish_reason"] for one in chunks] == [None, None, None, "stop"]


def test_usage_comes_last_and_only_to_who_asked() -> None:
    events: list[Event] = [
        Began("x", "m"),
        Said("a"),
        Stopped("stop"),
        Counted(Usage(10, 4, 6, 2, 3)),
    ]
    assert all("usage" not in one for one in written(events))
    *chunks, last = written(events, **ASKED)
    assert all(one["usage"] is None for one in chunks)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }


def test_an_answer_that_nobody_named_has_the_routers_own_id_and_time() -> None:
    (first, *_) = written([Said("a"), Stopped("stop")])
    assert (first["id"], first["created"], first["model"]) == ("req_1", 1_700_000_000, "asked")


def test_calls_have_their_names_in_their_first_piece() -> None:
    events: list[Event] = [
        Called(0, "a", "f"),
        Argued(0, "{}"),
        Called(1, "b", "g", custom=True),
        Argued(1, "x"),
    ]
    first = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "b", "type": "custom", "custom": {"name": "g", "input": ""}}
    writer = OPENAI.writer(call())
    data = writer.write([*events, Stopped("tool_calls")])
    told = [json.loads(line[6:]) for line in data.split(b"\n") if line]
    assert [one["choices"][0]["delta"] for one in told] == [
        {"role": "assistant", "content": None},
        {"tool_calls": [first]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {"tool_calls": [second]},
        {"tool_calls": [{"index": 1, "custom": {"input": "x"}}]},
        {},
    ]
    assert told[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_reasoning_is_seen_and_a_signed_block_follows_whole() -> None:
    events: list[Event] = [
        Thought("a"),
        Thought("b"),
        Thought("", "s", None, "anthropic"),
        Said("c"),
    ]
    assert deltas([*events, Stopped("stop")])[1:4] == [
        {"reasoning_content": "a"},
        {"reasoning_content": "b"},
        {
            "reasoning_details": [
                {
                    "type": "reasoning.text",
                    "text": "ab",
                    "signature": "s",
                    "format": "anthropic-claude-v1",
                    "index": 0,
                }
            ]
        },
    ]


def test_a_whole_answer_is_one_that_openais_types_know() -> None:
    events: list[Event] = [
        Began("x", "m", 5),
        Thought("hm"),
        Said("a"),
        Called(0, "c1", "f", signature="s", maker="gemini"),
        Argued(0, "{}"),
        Stopped("tool_calls"),
        Counted(Usage(1, 2)),
    ]
    body = OPENAI.writer(call()).whole(events)
    answer = ChatCompletion.model_validate_json(body)
    assert (answer.id, answer.created, answer.model) == ("x", 5, "m")
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "a")
    told = json.loads(body)["choices"][0]["message"]
    assert told["reasoning_content"] == "hm"
    assert told["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    assert answer.usage is not None
    assert answer.usage.total_tokens == 3


def test_an_answer_that_says_nothing_is_whole_as_well() -> None:
    answer = ChatCompletion.model_validate_json(OPENAI.writer(call()).whole([Began("", "")]))
    assert answer.choices[0].message.content is None
    assert answer.id == "req_1"


# There and back.

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
EVENTS = st.lists(
    st.builds(Said, WORDS)
    | st.builds(Refused, WORDS)
    | st.builds(Thought, WORDS)
    | st.builds(Thought, WORDS, WORDS, maker=st.sampled_from(["anthropic", "openrouter"]))
    | st.builds(Thought, redacted=WORDS, maker=st.just("anthropic")),
    max_size=6,
)


@given(
    EVENTS,
    st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=3), st.booleans()), max_size=3),
    st.builds(
        Usage,
        st.integers(10, 99),
        st.integers(10, 99),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 9),
        st.just(0),
        st.just(""),
    ),
)
def test_nothing_that_the_dialect_has_is_lost_between_events_and_chunks(
    said: list[Event], called: list[tuple[str, list[str], bool]], usage: Usage
) -> None:
    events: list[Event] = [Began("x", "m", 5), *said]
    for number, (name, arguments, custom) in enumerate(called):
        events.append(Called(number, f"id{number}", name, custom))
        events += [Argued(number, piece) for piece in arguments]
    events += [Stopped("tool_calls" if called else "stop"), Counted(usage)]
    writer = OPENAI.writer(call(**ASKED))
    back = read(b"".join(writer.write([one]) for one in events) + writer.end(b""))
    assert folded(back) == folded(events)
    report, once = Chat().whole(OPENAI.writer(call()).whole(events))
    assert report.outcome is Outcome.OK
    assert sorted_parts(once) == sorted_parts(events)


def folded(events: Sequence[Event]) -> Any:
    """A whole answer; where a block of reasoning begins is not said in chunks."""
    answer = whole(events)
    for choice in answer.choices:
        choice.parts = [part for part in choice.parts if not isinstance(part, Thinking)]
    thought = "".join(one.text for one in events if isinstance(one, Thought))
    signed = [
        (one.signature, one.redacted, one.maker)
        for one in events
        if isinstance(one, Thought) and (one.signature or one.redacted)
    ]
    return answer, thought, signed


def sorted_parts(events: Sequence[Event]) -> Any:
    """What is said by each kind: a whole message knows no order among them."""
    answer = whole(events)
    parts = answer.choices[0].parts if answer.choices else []
    text = "".join(part.text for part in parts if isinstance(part, Text))
    tools = [part for part in parts if isinstance(part, ToolCall)]
    return text, tools, answer.choices[0].stopped, answer.usage
