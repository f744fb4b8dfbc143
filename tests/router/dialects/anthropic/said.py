"""What a provider that speaks Anthropic's dialect says, made by hand."""

from __future__ import annotations

import json
from typing import Any

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

NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


def event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def start(usage: dict[str, Any] | None = None, name: str = "msg_1") -> bytes:
    message: dict[str, Any] = {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage or {"input_tokens": 9, "output_tokens": 1},
    }
    return event("message_start", message=message)


def begin(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def text(words: str, index: int = 0) -> bytes:
    return delta(index, "text_delta", text=words)


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def end(reason: str | None, sequence: str | None = None, **usage: Any) -> bytes:
    told = {"stop_reason": reason, "stop_sequence": sequence}
    return event("message_delta", delta=told, usage=usage or {"output_tokens": 5})


PING = event("ping")
STOP = event("message_stop")
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})

HELLO = (
    start()
    + begin(0, type="text", text="")
    + PING
    + text("Hel")
    + text("lo")
    + stop(0)
    + end("end_turn")
    + STOP
)
HELLO_EVENTS: list[Event] = [
    Began("msg_1", "claude"),
    Counted(Usage(9, 1)),
    Said("Hel"),
    Said("lo"),
    Counted(Usage(9, 5)),
    Stopped("stop"),
]
TURN = (
    start({"input_tokens": 9, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2})
    + begin(0, type="thinking", thinking="", signature="")
    + delta(0, "thinking_delta", thinking="Two ")
    + delta(0, "thinking_delta", thinking="calls.")
    + delta(0, "signature_delta", signature="c2ln")
    + stop(0)
    + begin(1, type="redacted_thinking", data="ZGF0YQ==")
    + stop(1)
    + begin(2, type="text", text="")
    + text("Looking.", 2)
    + stop(2)
    + begin(3, type="tool_use", id="toolu_1", name="f", input={})
    + delta(3, "input_json_delta", partial_json="")
    + delta(3, "input_json_delta", partial_json='{"a"')
    + delta(3, "input_json_delta", partial_json=":1}")
    + stop(3)
    + begin(4, type="tool_use", id="toolu_2", name="now", input={})
    + stop(4)
    + end("tool_use", output_tokens=20, output_tokens_details={"thinking_tokens": 8})
    + STOP
)
TURN_EVENTS: list[Event] = [
    Began("msg_1", "claude"),
    Counted(Usage(15, 0, 4, 2)),
    Thought("Two ", maker="anthropic"),
    Thought("calls.", maker="anthropic"),
    Thought(signature="c2ln", maker="anthropic"),
    Thought(redacted="ZGF0YQ==", maker="anthropic"),
    Said("Looking."),
    Called(0, "toolu_1", "f"),
    Argued(0, '{"a"'),
    Argued(0, ":1}"),
    Called(1, "toolu_2", "now"),
    Argued(1, "{}"),
    Counted(Usage(15, 20, 4, 2, 8)),
    Stopped("tool_calls"),
]
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "thinking", "thinking": "Two calls.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 9,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 8},
    },
}
