"""What a client asks for in OpenAI's words: a body to a `Call`, for each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from router.dialects.contract import Call, Operation
from router.dialects.estimate import estimated_tokens
from router.dialects.fields import (
    Fields,
    bounded,
    check_messages,
    field_of,
    invalid,
    taken_apart,
    whole_number,
)

_items: Final = msgspec.json.Decoder(list[Raw])


def parsed(body: bytes, operation: Operation = "chat") -> Call:
    """See `ClientDialect.parse`."""
    model, fields = taken_apart(body)
    return READ[operation](model, fields, body)


def chat(model: str, fields: Fields, body: bytes) -> Call:
    """An answer to messages."""
    check_messages(fields)
    most = whole_number(fields, "max_completion_tokens") or whole_number(fields, "max_tokens")
    stream, usage_asked = _streaming(fields)
    return Call(
        operation="chat",
        model=model,
        stream=stream,
        fields=fields,
        input_tokens=estimated_tokens(body, nested=True),
        output_tokens=bounded(most),
        choices=_number(fields),
        usage_asked=usage_asked,
        body=body,
    )


def completion(model: str, fields: Fields, body: bytes) -> Call:
    """The rest of a text, or of each of several."""
    prompts = _inputs(fields, "prompt")
    most = whole_number(fields, "max_tokens")
    stream, usage_asked = _streaming(fields)
    return Call(
        operation="completions",
        model=model,
        stream=stream,
        fields=fields,
        input_tokens=estimated_tokens(body) if prompts.tokens is None else prompts.tokens,
        output_tokens=bounded(most),
        choices=prompts.number * _number(fields),
        usage_asked=usage_asked,
        body=body,
    )


def embedding(model: str, fields: Fields, body: bytes) -> Call:
    """A vector for each input. Nothing is written, and nothing streamed."""
    inputs = _inputs(fields, "input")
    return Call(
        operation="embeddings",
        model=model,
        stream=False,
        fields=fields,
        input_tokens=estimated_tokens(body) if inputs.tokens is None else inputs.tokens,
        output_tokens=0,
        choices=inputs.number,
        usage_asked=False,
        body=body,
    )


READ: Final[Mapping[Operation, Callable[[str, Fields, bytes], Call]]] = {
    "chat": chat,
    "completions": completion,
    "embeddings": embedding,
}


class Inputs(NamedTuple):
    """How many, and their tokens where they came as such (None: as text)."""

    number: int
    tokens: int | None


def _inputs(fields: Fields, name: str) -> Inputs:
    """A text, its tokens, or a list of either. Raises `ClientError` where there is nothing."""
    raw = fields.get(name)
    if raw is None:
        wanted = "a text, its tokens, or a list of either"
        raise invalid(f"`{name}` is missing: {wanted}", name)
    if _first(raw) != b"[":
        return Inputs(1, None)
    try:
        items = _items.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise invalid(f"`{name}` is nested too deeply", name) from None
    if not items:
        raise invalid(f"`{name}` must not be an empty list", name)
    kinds = {_first(item) for item in items}
    if not kinds <= {b'"', b"[", b"{", b"n", b"t", b"f"}:
        return Inputs(1, len(items))
    if kinds == {b"["}:
        # Commas within the lists and between them: one less than there are tokens.
        return Inputs(len(items), bytes(raw).count(b",") + 1)
    return Inputs(len(items), None)


def _first(raw: Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def _streaming(fields: Fields) -> tuple[bool, bool]:
    """Whether the answer is streamed, and whether the client wants its usage chunk."""
    if "stream" not in fields or not field_of(fields, "stream", bool, "true or false"):
        return False, False
    options = field_of(fields, "stream_options", dict, "an object")
    return True, bool(options and options.get("include_usage"))


def _number(fields: Fields) -> int:
    return max(1, whole_number(fields, "n") or 1)
