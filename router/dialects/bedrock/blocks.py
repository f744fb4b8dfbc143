"""Parts of a prompt as blocks of a message to Converse, each for itself.

Files go along as bytes alone, so those at a URL are fetched first. What Converse has no block for
makes the target unfit; only thinking that another made is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from router.dialects.anthropic.blocks import arguments
from router.dialects.common.files import media_type_of
from router.dialects.common.prompt import File, Thinking, ToolCall
from router.dialects.contract import Unfit, Wanting

Block = dict[str, Any]
Fetched = Mapping[str, tuple[str, str]]

MAKER = "bedrock"
"""Whose thinking is understood here."""
IMAGES: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
DOCUMENTS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
SOUNDS: Mapping[str, str] = {
    f"audio/{said}": name
    for name, sayings in {
        "mp3": "mp3 mpeg", "wav": "wav x-wav wave", "aac": "aac", "flac": "flac x-flac",
        "ogg": "ogg", "opus": "opus", "m4a": "m4a x-m4a", "mp4": "mp4", "webm": "webm",
        "pcm": "pcm L16 pcm16",
    }.items()
    for said in sayings.split()
}  # fmt: skip
FILMS: Mapping[str, str] = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/mpeg": "mpeg",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
FORMATS = {"image": IMAGES, "document": DOCUMENTS, "audio": SOUNDS, "video": FILMS}
LONGEST_ID = 64
LONGEST_NAME = 200

_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9()\[\] -]+")
_BLANKS = re.compile(r" {2,}")


def cached(cache: str | None, *, longer: bool = False) -> list[Block]:
    """The point up to which is cached, if there is to be one. `longer`: the model keeps some for an
    hour.
    """
    if cache is None:
        return []
    point = {"type": "default"}
    return [{"cachePoint": {**point, "ttl": "1h"} if cache == "1h" and longer else point}]


def file(part: File, fetched: Fetched) -> Block:
    """Raises `Unfit`; `Wanting` for what is at a URL."""
    media_type, data = part.media_type, part.data
    if data is None and part.url is not None:
        if part.url not in fetched:
            raise Wanting((part.url,))
        media_type, data = fetched[part.url]
    if data is None:
        raise Unfit("a file by an id that another account gave")
    if not data:
        raise Unfit(f"{part.kind} without content")
    block: Block = {"format": _format(part, media_type, data), "source": {"bytes": data}}
    if part.kind == "document":
        block["name"] = name_of(part.name)
    return {part.kind: block}


def _format(part: File, media_type: str, data: str) -> str:
    told = media_type_of(media_type, data)
    known = FORMATS[part.kind]
    if told in known:
        return known[told]
    ending = (part.name or "").rpartition(".")[2].lower()
    if ending in known.values():
        return ending
    raise Unfit(f"{part.kind} of type {told[:50] or 'unknown'}")


def name_of(name: str | None) -> str:
    """A document's name in the letters that one may have."""
    plain = _BLANKS.sub(" ", _NOT_IN_A_NAME.sub("-", name or "")).strip(" -")
    return plain[:LONGEST_NAME].rstrip() or "document"


def tool_call(part: ToolCall) -> Block:
    """Arguments that are no JSON object, or free text, are given as the text that they are."""
    return {
        "toolUse": {
            "toolUseId": id_of(part.id),
            "name": part.name,
            "input": arguments(part.arguments, free=part.custom),
        }
    }


def id_of(name: str) -> str:
    """An id of a call in the letters, and of the length, that ids may have; the same for the call
    and its result.
    """
    if len(name) > LONGEST_ID:
        name = sha256(name.encode("utf-8", "replace")).hexdigest()
    return _NOT_IN_AN_ID.sub("_", name) or "_"


def thinking(part: Thinking) -> Block | None:
    """None for what another made, or what nobody signed."""
    if part.maker != MAKER:
        return None
    if part.redacted is not None:
        return {"reasoningContent": {"redactedContent": part.redacted}}
    if not part.signature:
        return None
    told = {"text": part.text, "signature": part.signature}
    return {"reasoningContent": {"reasoningText": told}}
