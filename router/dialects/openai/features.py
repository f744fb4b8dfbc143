"""What a chat-completions request brings: tools, a schema, images and other files.

Only asked where a route's policy needs it, since it decodes what a request otherwise passes on
untouched. What is malformed brings nothing: its provider will say what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable

from router.dialects.common.outside import decoded
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


def images(fields: Fields) -> bool:
    """Whether a message has an image among its parts."""
    return _part(fields, "image_url")


def documents(fields: Fields) -> bool:
    """Whether a message has a file among its parts."""
    return _part(fields, "file")


def audio(fields: Fields) -> bool:
    """Whether a message has a sound among its parts."""
    return _part(fields, "input_audio")


EXTRACT: dict[str, Callable[[Fields], bool]] = {
    "tools": tools,
    "schema": schema,
    "images": images,
    "documents": documents,
    "audio": audio,
}


def _part(fields: Fields, kind: str) -> bool:
    """Whether a message has a part of this kind."""
    messages = fields.get("messages")
    if messages is None or not mentions(messages, kind.encode()):
        return False
    told = decoded(messages)
    return isinstance(told, list) and any(
        isinstance(part, dict) and part.get("type") == kind
        for message in told
        if isinstance(message, dict) and isinstance(content := message.get("content"), list)
        for part in content
    )
