"""What a client asks for in Anthropic's words: a body to a `Call`, and what it brings.

A body is taken apart at its top level; of what is in its fields only as much is decoded as routing
needs. What is wrong is named as the client wrote it; what only a provider can know is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from router.dialects.common.outside import MOST_TOKENS, UNREADABLE
from router.dialects.contract import Call, ClientError, Operation
from router.dialects.estimate import estimated_tokens

Fields = Mapping[str, Raw]

DONE_BY_CLIENTS = ("bash_", "text_editor_", "computer_", "memory_", "browser_")
"""How the types of tools begin that Anthropic names, and whoever asks runs."""

_top_level = msgspec.json.Decoder(dict[str, Raw])
_anything = msgspec.json.Decoder()


def parsed(body: bytes, operation: Operation = "messages") -> Call:
    """See `ClientDialect.parse`."""
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
    model = field(fields, "model", str, "a string: the name of a model")
    if not model:
        raise invalid("`model` is missing: name one of those that GET /v1/models lists", "model")
    messages = fields.get("messages")
    if messages is None:
        raise invalid("`messages` is missing: a list with at least one message", "messages")
    if memoryview(messages)[0] != ord("["):
        raise invalid("`messages` must be a list", "messages")
    counting = operation == "count_tokens"
    most = None if counting else field(fields, "max_tokens", int, "a whole number")
    return Call(
        operation=operation,
        model=model,
        stream=not counting and bool(field(fields, "stream", bool, "true or false")),
        fields=fields,
        input_tokens=estimated_tokens(body),
        # It is reserved of limits: below nothing it would free them for others.
        output_tokens=0 if counting else most and min(max(0, most), MOST_TOKENS),
        choices=1,
        usage_asked=True,
        body=body,
    )


def field(fields: Fields, name: str, kind: type[Any], wanted: str) -> Any:
    """A field's value, None where it is missing or null. Raises `ClientError` on another type."""
    value = decoded(fields.get(name))
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid(f"`{name}` must be {wanted}", name)
    return value


def decoded(raw: Raw | None) -> Any:
    """What a field says; the field itself where that cannot be read."""
    if raw is None:
        return None
    try:
        return _anything.decode(raw)
    except UNREADABLE:
        return raw


def invalid(message: str, param: str | None) -> ClientError:
    """The error of a request that is wrong everywhere."""
    return ClientError(
        400, "invalid_request_error", "invalid_request", message, param, hopeless=True
    )


def _tools(fields: Fields) -> bool:
    """Whether the model may call something."""
    told = decoded(fields.get("tools"))
    return isinstance(told, list) and bool(told)


def acts(fields: Fields) -> bool:
    """Whether it brings a tool that its provider runs: any but those which the client does."""
    if decoded(fields.get("mcp_servers")):
        return True
    told = decoded(fields.get("tools"))
    return isinstance(told, list) and any(
        isinstance(tool, dict)
        and tool.get("type") not in (None, "custom")
        and not str(tool["type"]).startswith(DONE_BY_CLIENTS)
        for tool in told
    )


def _schema(fields: Fields) -> bool:
    """Whether the answer must have a given form. `output_format` is what older clients say."""
    config = decoded(fields.get("output_config"))
    asked = config.get("format") if isinstance(config, dict) else None
    asked = asked or decoded(fields.get("output_format"))
    return isinstance(asked, dict) and asked.get("type") == "json_schema"


def _images(fields: Fields) -> bool:
    """Whether a message, or the result of a tool in one, has an image among its blocks."""
    return _holds(fields, "image")


def _documents(fields: Fields) -> bool:
    """The same of documents."""
    return _holds(fields, "document")


def _holds(fields: Fields, kind: str) -> bool:
    messages = fields.get("messages")
    if messages is None:
        return False
    # Without the word, as it is or with a letter escaped, nothing need be decoded.
    written = bytes(messages)
    if f'"{kind}"'.encode() not in written and b"\\u" not in written:
        return False
    told = decoded(messages)
    return isinstance(told, list) and any(
        isinstance(message, dict) and _shows(message.get("content"), kind) for message in told
    )


def _shows(content: Any, kind: str) -> bool:
    """Whether there is such a block in this content."""
    return isinstance(content, list) and any(
        isinstance(block, dict)
        and (
            block.get("type") == kind
            or (block.get("type") == "tool_result" and _shows(block.get("content"), kind))
        )
        for block in content
    )


EXTRACT: Mapping[str, Callable[[Fields], bool]] = {
    "tools": _tools,
    "schema": _schema,
    "images": _images,
    "documents": _documents,
}
