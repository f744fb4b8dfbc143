"""Parts of a prompt as blocks of a message to a provider, each for itself.

What Anthropic has no block for makes the target unfit; only thinking that another made is left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import Raw

from router.dialects.common.files import media_type_of, text_in
from router.dialects.common.outside import object_in
from router.dialects.common.prompt import File, Prompt, Text, Thinking, ToolCall, ToolResult
from router.dialects.contract import Unfit, Wanting

Block = dict[str, Any]

MAKER = "anthropic"
"""Whose thinking, signatures and hosted tools are understood here."""
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
PDF = "application/pdf"

_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_encode = msgspec.json.encode
EMPTY = Raw(b"{}")


def encoded(value: Any) -> bytes:
    """JSON. Half of a character, which some servers send alone, is escaped as they do it."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, default=lambda raw: json.loads(bytes(raw))).encode()


def cached(block: Block, cache: str | None) -> Block:
    """With a breakpoint of the cache, if there is to be one."""
    if cache is not None:
        marker = {"type": "ephemeral"}
        block["cache_control"] = {**marker, "ttl": "1h"} if cache == "1h" else marker
    return block


def text(part: Text) -> Block | None:
    """None for what is blank: such blocks are refused."""
    if not part.text.strip():
        return None
    return cached({"type": "text", "text": part.text}, part.cache)


def file(part: File, prompt: Prompt) -> Block:
    """An image or a document. Raises `Unfit`; `Wanting` for what is not at an https address."""
    if part.kind not in ("image", "document"):
        raise Unfit(f"{part.kind} in a message")
    if part.data is not None:
        source = _inline(part.kind, part.media_type, part.data)
    elif part.url is not None and part.url in prompt.fetched:
        source = _inline(part.kind, *prompt.fetched[part.url])
    elif part.url is not None and part.url.startswith("https://"):
        source = {"type": "url", "url": part.url}
    elif part.url is not None:
        raise Wanting((part.url,))
    else:
        raise Unfit("a file by an id that another account gave")
    block: Block = {"type": part.kind, "source": source}
    if part.kind == "document" and part.name:
        block["title"] = part.name
    return cached(block, part.cache)


def _inline(kind: str, media_type: str, data: str) -> Block:
    media_type = media_type_of(media_type, data)
    if kind == "image" and media_type == "image/jpg":
        media_type = "image/jpeg"
    if kind == "document" and media_type.startswith("text/"):
        plain = text_in(data)
        if plain is None:
            raise Unfit("a text that is not UTF-8 in base64")
        return {"type": "text", "media_type": "text/plain", "data": plain}
    if media_type not in (IMAGES if kind == "image" else {PDF}):
        raise Unfit(f"{kind} of type {media_type[:50] or 'unknown'}")
    return {"type": "base64", "media_type": media_type, "data": data}


def tool_call(part: ToolCall) -> Block:
    """Arguments that are no JSON object, or free text, are given as the text that they are."""
    return cached(
        {
            "type": "tool_use",
            "id": id_of(part.id),
            "name": part.name,
            "input": arguments(part.arguments, free=part.custom),
        },
        part.cache,
    )


def arguments(written: str, *, free: bool = False) -> Raw:
    """As an object, in its own bytes where it is one."""
    if not free and not written.strip():
        return EMPTY
    if not free and (given := object_in(written)) is not None:
        return given
    return Raw(
        _encode({"input" if free else "arguments": written.encode("utf-8", "replace").decode()})
    )


def id_of(name: str) -> str:
    """An id of a call in the letters that ids may have; the same for the call and its result."""
    return _NOT_IN_AN_ID.sub("_", name) or "_"


def result(part: ToolResult, prompt: Prompt) -> Block:
    """What a call came to."""
    content = [
        said
        for one in part.parts
        if (said := text(one) if isinstance(one, Text) else file(one, prompt)) is not None
    ]
    block: Block = {"type": "tool_result", "tool_use_id": id_of(part.id)}
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        block["content"] = content[0]["text"]
    elif content:
        block["content"] = content
    if part.failed:
        block["is_error"] = True
    return cached(block, part.cache)


def thinking(part: Thinking) -> Block | None:
    """None for what another made, or what nobody signed."""
    if part.maker != MAKER:
        return None
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if not part.signature:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}
