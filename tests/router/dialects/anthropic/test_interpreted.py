"""Whatever one dialect's provider sends, the other's client gets events that can be read."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.anthropic.foreign import FOREIGN_ANTHROPIC
from router.dialects.interpreter import Interpreter
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI

BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
HALF = "\ud83d"
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10) | st.text(max_size=4) | st.just(HALF),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["content", "tool_calls", "index", "id", "function", "name", "type"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
DELTAS = st.dictionaries(
    st.sampled_from(["content", "tool_calls", "reasoning", "reasoning_content", "refusal"]),
    JSON,
    max_size=3,
)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(0, 1) | JSON,
        "delta": DELTAS,
        "finish_reason": st.sampled_from([None, "stop", "length", "tool_calls"]) | JSON,
    },
)
CHUNKS = st.fixed_dictionaries(
    {"choices": st.lists(CHOICES, max_size=2)},
    optional={"usage": JSON, "id": JSON, "model": JSON},
)
BLOCKS = st.dictionaries(
    st.sampled_from(["type", "text", "id", "name", "input", "data"]),
    st.sampled_from(["text", "tool_use", "thinking", "redacted_thinking"]) | JSON,
    max_size=4,
)
PIECES = st.dictionaries(
    st.sampled_from(["type", "text", "partial_json", "thinking", "signature", "stop_reason"]),
    st.sampled_from(["text_delta", "input_json_delta", "thinking_delta", "end_turn", HALF]) | JSON,
    max_size=3,
)
FRAMES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ]
        )
    },
    optional={
        "index": st.integers(0, 3),
        "delta": PIECES,
        "content_block": BLOCKS,
        "message": JSON,
        "usage": JSON,
    },
)


def passed(interpreter: Interpreter, call: Any, sent: list[Any]) -> list[Any]:
    """The data of the events that a client gets."""
    reader = interpreter.reader(call)
    given = [reader.feed(b"data: " + json.dumps(one).encode() + b"\n\n") for one in sent]
    told = b"".join([*given, reader.finish(), reader.end(b": note\n\n")])
    datas = [one.partition(b"data: ")[2] for one in told.split(b"\n\n") if b"data: " in one]
    return [json.loads(data) for data in datas if data != b"[DONE]"]


@settings(deadline=None)
@given(st.lists(CHUNKS, max_size=5))
def test_any_chat_is_a_message(chunks: list[Any]) -> None:
    interpreter = Interpreter(ANTHROPIC, chat_of("", ask_usage=True))
    told = passed(interpreter, ANTHROPIC.parse(BODY), chunks)
    assert told[-1] == {"type": "message_stop"}


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=6))
def test_any_message_is_a_chat(frames: list[Any]) -> None:
    interpreter = Interpreter(OPENAI, FOREIGN_ANTHROPIC)
    for chunk in passed(interpreter, OPENAI.parse(BODY), frames):
        assert chunk["object"] == "chat.completion.chunk"
