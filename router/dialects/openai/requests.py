"""What a client asks for in OpenAI's words: a body to a `Call`, for each operation.

A body is taken apart at its top level; of what is in its fields only as much is decoded as routing
needs. What is wrong is named as the client wrote it; what only a provider can know is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from router.dialects.common.outside import MOST_TOKENS, UNREADABLE
from router.dialects.contract import Call, ClientError, Operation
from router.dialects.estimate import estimated_tokens

Fields = Mapping[str, Raw]

LIST = ord("[")
"""How a list begins."""

_top_level = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])
_anything = msgspec.json.Decoder()


def parsed(body: bytes, operation: Operation = "chat") -> Call:
    """See `ClientDialect.parse`."""
    model, fields = taken_apart(body)
    return READ[operation](model, fields, body)


def taken_apart(body: bytes) -> tuple[str, Fields]:
    """The model that is asked for, and the body's top level. Raises `ClientError`."""
    try:
        if not body.isascii():
            body.decode()
        fields = _top_level.decode(body)
    except msgspec.ValidationError:
        raise invalid("the request's body must be a JSON object", None) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"the request's body is not valid JSON: {error}", None) from None
    except RecursionError:
        raise invalid("the request's body is nested too deeply", None) from None
    model = field_of(fields, "model", str, "a string: the name of a model")
    if not model:
        raise invalid("`model` is missing: name one of those that GET /v1/models lists", "model")
    return model, fields


def chat(model: str, fields: Fields, body: bytes) -> Call:
    """An answer to messages."""
    messages = fields.get("messages")
    if messages is None:
        raise invalid("`messages` is missing: a list with at least one message", "messages")
    if memoryview(messages)[0] != LIST:
        raise invalid("`messages` must be a list", "messages")
    most = whole_number(fields, "max_completion_tokens") or whole_number(fields, "max_tokens")
    stream, usage_asked = _streaming(fields)
    return Call(
        operation="chat",
        model=model,
        stream=stream,
        fields=fields,
        input_tokens=estimated_tokens(body),
        output_tokens=None if most is None else bounded(most),
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
        output_tokens=None if most is None else bounded(most),
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


READ: Mapping[Operation, Callable[[str, Fields, bytes], Call]] = {
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


def bounded(most: int) -> int:
    """A count of tokens as it may be reserved."""
    # It is reserved of limits: below nothing it would free them for others.
    return min(max(0, most), MOST_TOKENS)


def _number(fields: Fields) -> int:
    return max(1, whole_number(fields, "n") or 1)


def whole_number(fields: Fields, name: str) -> int | None:
    """The number in a field, None where it is missing or null. Raises `ClientError`."""
    if name not in fields:
        return None
    number: int | None = field_of(fields, name, int, "a whole number")
    return number


def field_of(fields: Fields, name: str, kind: type[Any], wanted: str) -> Any:
    """A field's value, None where it is missing or null. Raises `ClientError` on another type."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        value = _anything.decode(raw)
    except UNREADABLE:
        value = raw
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid(f"`{name}` must be {wanted}", name)
    return value


def invalid(message: str, param: str | None) -> ClientError:
    """What a client is told whose body is not what it should be; `param` names the field."""
    return ClientError(
        400, "invalid_request_error", "invalid_request", message, param, hopeless=True
    )
