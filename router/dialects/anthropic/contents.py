"""Blocks that a client wrote, as parts of a prompt: of the system's words, a message, a result."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from router.dialects.anthropic.traces import made_by
from router.dialects.common.outside import UNREADABLE
from router.dialects.common.prompt import File, Part, Text, Thinking, ToolCall, ToolResult
from router.dialects.fields import invalid


class _Source(msgspec.Struct):
    type: str = ""
    media_type: Any = None
    data: Any = None
    url: Any = None
    file_id: Any = None
    content: Raw = Raw(b"null")


class _Block(msgspec.Struct):
    type: str
    text: Any = None
    cache_control: Any = None
    source: _Source = msgspec.field(default_factory=_Source)
    title: Any = None
    context: Any = None
    citations: Any = None
    id: Any = None
    name: Any = None
    input: Raw = Raw(b"{}")
    tool_use_id: Any = None
    content: Raw = Raw(b"null")
    is_error: Any = None
    thinking: Any = None
    signature: Any = None
    data: Any = None


_blocks = msgspec.json.Decoder(list[_Block])
_text = msgspec.json.Decoder(str)


def contents(raw: Raw, where: str, lost: list[str]) -> list[Part]:
    """The parts of a content, which is a text or a list of blocks; what is left out of them is
    named in `lost`. Raises `ClientError`, with its place, for what is malformed or has no common
    form.
    """
    try:
        if memoryview(raw)[0] != ord("["):
            return [Text(_text.decode(raw))]
        blocks = _blocks.decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(f"`{where}`: {error}", where) from None
    except UNREADABLE:
        raise invalid(f"`{where}` cannot be read", where) from None
    return [
        part for at, block in enumerate(blocks) for part in _parts(block, f"{where}.{at}", lost)
    ]


def _parts(block: _Block, where: str, lost: list[str]) -> Iterator[Part]:
    cache = cache_of(block.cache_control)
    match block.type:
        case "text":
            if block.citations:
                lost.append("citations")
            yield Text(_string(block.text, f"{where}.text"), cache)
        case "image":
            yield _file("image", block, where)
        case "document":
            yield from _document(block, where, lost)
        case "tool_use":
            written = bytes(block.input).decode("utf-8", "replace")
            name, call_id = _string(block.name, f"{where}.name"), _string(block.id, f"{where}.id")
            yield ToolCall(call_id, name, written, cache=cache)
        case "tool_result":
            yield _result(block, where, lost)
        case "thinking":
            signature = _string(block.signature, f"{where}.signature")
            maker, signature = made_by(signature)
            text = _string(block.thinking, f"{where}.thinking")
            yield Thinking(text, maker, signature or None)
        case "redacted_thinking":
            maker, data = made_by(_string(block.data, f"{where}.data"))
            yield Thinking("", maker, redacted=data)
        case _:
            raise invalid(
                f"`{where}`: a block of type {block.type[:50]!r}, which only providers that speak "
                "Anthropic's dialect take",
                where,
            )


def _result(block: _Block, where: str, lost: list[str]) -> ToolResult:
    name = _string(block.tool_use_id, f"{where}.tool_use_id")
    parts: list[Text | File] = []
    if bytes(block.content) != b"null":
        for part in contents(block.content, f"{where}.content", lost):
            if not isinstance(part, Text | File):
                raise invalid(f"`{where}.content`: a result has texts and files", where)
            parts.append(part)
    cache = cache_of(block.cache_control)
    return ToolResult(name, parts, failed=block.is_error is True, cache=cache)


def _document(block: _Block, where: str, lost: list[str]) -> Iterator[Part]:
    source, title, cache = block.source, _title(block), cache_of(block.cache_control)
    if isinstance(block.citations, dict) and block.citations.get("enabled"):
        lost.append("citations")
    if isinstance(block.context, str) and block.context:
        yield Text(block.context)
    if source.type == "text":
        plain = _string(source.data, f"{where}.source.data").encode("utf-8", "replace")
        data = b64encode(plain).decode()
        yield File("document", "text/plain", data, name=title, cache=cache)
    elif source.type == "content":
        yield from contents(source.content, f"{where}.source.content", lost)
    else:
        yield _file("document", block, where)


def _file(kind: Any, block: _Block, where: str) -> File:
    source, title, cache = block.source, _title(block), cache_of(block.cache_control)
    where = f"{where}.source"
    match source.type:
        case "base64":
            media_type = _string(source.media_type, f"{where}.media_type")
            data = _string(source.data, f"{where}.data")
            return File(kind, media_type, data, name=title, cache=cache)
        case "url":
            return File(kind, url=_string(source.url, f"{where}.url"), name=title, cache=cache)
        case "file":
            name = _string(source.file_id, f"{where}.file_id")
            return File(kind, id=name, name=title, cache=cache)
        case _:
            raise invalid(f"`{where}` is none that is known", where)


def cache_of(control: Any) -> str | None:
    """How long what ends here is to be kept in the provider's cache."""
    if not isinstance(control, dict):
        return None
    return "1h" if control.get("ttl") == "1h" else "5m"


def _title(block: _Block) -> str | None:
    return block.title if isinstance(block.title, str) else None


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"`{where}` must be a string", where)
    return value
