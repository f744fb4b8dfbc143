"""What a provider says that speaks Responses, made by hand."""

import json
from collections.abc import Iterator
from typing import Any

from router.dialects.contract import Call
from router.dialects.responses.dialect import RESPONSES

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 12,
}
PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
CALLED = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "f",
    "arguments": '{"a":1}',
    "status": "completed",
}


def call(given: Any = "hello", **fields: Any) -> Call:
    return RESPONSES.parse(json.dumps({"model": "m", "input": given, **fields}).encode())


def event(type_: str, number: int = 0, **fields: Any) -> bytes:
    told = {"type": type_, "sequence_number": number, **fields}
    return f"event: {type_}\ndata: {json.dumps(told)}\n\n".encode()


def response(**fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "m-2026",
        "output": [MESSAGE],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        **fields,
    }


def begun(**fields: Any) -> list[bytes]:
    started = response(status="in_progress", output=[], usage=None, **fields)
    return [
        event("response.created", 0, response=started),
        event("response.in_progress", 1, response=started),
    ]


def text(*pieces: str) -> list[bytes]:
    """The events of a message."""
    item = {**MESSAGE, "status": "in_progress", "content": []}
    part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
    whole = "".join(pieces)
    done = {**part, "text": whole}
    return [
        event("response.output_item.added", 2, output_index=0, item=item),
        event("response.content_part.added", 3, **PLACE, part=part),
        *(
            event("response.output_text.delta", 4 + at, **PLACE, delta=piece, logprobs=[])
            for at, piece in enumerate(pieces)
        ),
        event("response.output_text.done", 20, **PLACE, text=whole, logprobs=[]),
        event("response.content_part.done", 21, **PLACE, part=done),
        event("response.output_item.done", 22, output_index=0, item={**MESSAGE, "content": [done]}),
    ]


def ended(type_: str = "response.completed", **fields: Any) -> bytes:
    return event(type_, 30, response=response(**fields))


def hello(**fields: Any) -> list[bytes]:
    return [*begun(), *text("Hel", "lo"), ended(**fields)]


def spoken(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream that a client was sent, which must be as the dialect has them."""
    return list(_spoken(stream))


def _spoken(stream: bytes) -> Iterator[dict[str, Any]]:
    assert stream.endswith(b"\n\n") or not stream
    for number, each in enumerate(stream.decode().split("\n\n")[:-1]):
        if each.startswith(":"):
            continue
        name, data = each.split("\n")
        told = json.loads(data.removeprefix("data: "))
        assert name == f"event: {told['type']}"
        assert told["sequence_number"] == number
        yield told
