"""What a client asks for in Anthropic's words: a body to a `Call`, and what it brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from router.dialects.contract import Call, Operation
from router.dialects.estimate import estimated_tokens
from router.dialects.fields import (
    Fields,
    bounded,
    check_messages,
    field_of,
    filled,
    mentions,
    taken_apart,
    value_of,
    whole_number,
)

DONE_BY_CLIENTS = ("bash_", "text_editor_", "computer_", "memory_", "browser_")
"""How the types of tools begin that Anthropic names, and whoever asks runs."""


def parsed(body: bytes, operation: Operation = "messages") -> Call:
    """See `ClientDialect.parse`."""
    model, fields = taken_apart(body)
    check_messages(fields)
    counting = operation == "count_tokens"
    most = None if counting else whole_number(fields, "max_tokens")
    return Call(
        operation=operation,
        model=model,
        stream=not counting and bool(field_of(fields, "stream", bool, "true or false")),
        fields=fields,
        input_tokens=estimated_tokens(body, nested=True),
        output_tokens=0 if counting else bounded(most),
        choices=1,
        usage_asked=True,
        body=body,
    )


def _tools(fields: Fields) -> bool:
    """Whether the model may call something."""
    return filled(fields.get("tools"))


def acts(fields: Fields) -> bool:
    """Whether it brings a tool that its provider runs: any but those which the client does."""
    if value_of(fields.get("mcp_servers")):
        return True
    told = value_of(fields.get("tools"))
    return isinstance(told, list) and any(
        isinstance(tool, dict)
        and tool.get("type") not in (None, "custom")
        and not str(tool["type"]).startswith(DONE_BY_CLIENTS)
        for tool in told
    )


def user_of(fields: Fields) -> str:
    """Whom the caller names as the user for whom it asks; empty where it names none."""
    metadata = value_of(fields.get("metadata"))
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) else ""


def _schema(fields: Fields) -> bool:
    """Whether the answer must have a given form. `output_format` is what older clients say."""
    config = value_of(fields.get("output_config"))
    asked = config.get("format") if isinstance(config, dict) else None
    asked = asked or value_of(fields.get("output_format"))
    return isinstance(asked, dict) and asked.get("type") == "json_schema"


def _holds(kind: str, fields: Fields) -> bool:
    """Whether a message, or the result of a tool in one, has such a block."""
    messages = fields.get("messages")
    if messages is None or not mentions(messages, f'"{kind}"'.encode()):
        return False
    told = value_of(messages)
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
    "images": partial(_holds, "image"),
    "documents": partial(_holds, "document"),
}
