"""What a chat-completions request brings: tools, a schema, images and other files.

Only asked where a route's policy needs it, since it decodes what a request otherwise passes on
untouched. What is malformed brings nothing: its provider will say what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Raw

from router.dialects.common.outside import decoded, objects_of
from router.dialects.fields import Fields, filled, mentions


def tools(fields: Fields) -> bool:
    """Whether the model may call something; `functions` is what older clients say."""
    return filled(fields.get("tools")) or filled(fields.get("functions"))


def acts(fields: Fields) -> bool:
    """Whether it brings a tool that its provider runs: any but those which the client does."""
    if "web_search_options" in fields and bytes(fields["web_search_options"]) != b"null":
        return True
    if "tools" not in fields:
        return False
    told = decoded(fields["tools"])
    return isinstance(told, list) and any(
        isinstance(tool, dict) and tool.get("type") not in ("function", "custom") for tool in told
    )


def schema(fields: Fields) -> bool:
    """Whether the answer must have a given form. `json_object` only asks for some JSON."""
    wanted = decoded(fields.get("response_format"))
    return isinstance(wanted, dict) and wanted.get("type") == "json_schema"


def has_part(kind: str, listed: Raw | None, *names: str) -> bool:
    """Whether an item of a list has a part of this kind, in a field of one of these names."""
    if listed is None or not mentions(listed, kind.encode()):
        return False
    return any(
        part.get("type") == kind
        for item in objects_of(decoded(listed))
        for name in names
        for part in objects_of(item.get(name))
    )


def _shows(kind: str, fields: Fields) -> bool:
    return has_part(kind, fields.get("messages"), "content")


EXTRACT: dict[str, Callable[[Fields], bool]] = {
    "tools": tools,
    "schema": schema,
    "images": partial(_shows, "image_url"),
    "documents": partial(_shows, "file"),
    "audio": partial(_shows, "input_audio"),
}
