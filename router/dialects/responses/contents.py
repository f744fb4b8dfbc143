"""From the items of a request to the messages of the common form.

What an assistant said, thought and called in one turn is one message; so are the results of several
calls. What has no common form and is only history is left out and named; what would be missed is an
error, so that nobody answers half of a question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.dialects.common.files import inline
from router.dialects.common.outside import objects_of
from router.dialects.common.prompt import (
    File,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from router.dialects.fields import invalid
from router.dialects.responses.traces import opened

HISTORY = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "mcp_list_tools"}
)
"""Traces of hosted tools: what came of them is in the text that followed."""
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
WHERE = "input"


class Messages:
    """Collects messages, item by item. `dropped` names what was left out."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.dropped: list[str] = []
        self._results: list[Part] | None = None
        self._signed: dict[str, tuple[str, str]] = {}

    def add(self, item: Any) -> None:
        """The next item. Raises `ClientError` for what it cannot be without."""
        if not isinstance(item, dict):
            raise invalid("every item of `input` must be an object", WHERE)
        kind = item.get("type") or ("message" if "role" in item else None)
        if kind in HISTORY:
            self.dropped.append("hosted_tools")
            return
        read = ITEMS.get(kind) if isinstance(kind, str) else None
        if read is None:
            raise invalid(f"an item of type {str(kind)[:60]!r} cannot be put otherwise", WHERE)
        read(self, item)

    def message(self, item: dict[str, Any]) -> None:
        """Something said."""
        role = ROLES.get(text(item, "role"))
        if role is None:
            raise invalid(f"there is no role {text(item, 'role')[:60]!r}", WHERE)
        said = parts(item.get("content"))
        if role == "assistant":
            self._assistant(*said)
        else:
            self._results = None
            self.messages.append(Message(role, said))

    def call(self, item: dict[str, Any]) -> None:
        """The call of a function, or of a custom tool."""
        custom = item["type"] == "custom_tool_call"
        id_ = text(item, "call_id")
        maker, signature = self._signed.get(id_, ("", None))
        arguments = text(item, "input" if custom else "arguments")
        self._assistant(ToolCall(id_, text(item, "name"), arguments, custom, signature, maker))

    def result(self, item: dict[str, Any]) -> None:
        """What a call came to."""
        found: list[Text | File] = []
        for part in parts(item.get("output")):
            if not isinstance(part, Text | File):
                raise invalid("the result of a tool is text, images or files", WHERE)
            found.append(part)
        result = ToolResult(text(item, "call_id"), found)
        if self._results is None:
            self._results = []
            self.messages.append(Message("user", self._results))
        self._results.append(result)

    def reasoning(self, item: dict[str, Any]) -> None:
        """What the model thought: as a summary, in full, or readable for its maker alone."""
        listed = [*objects_of(item.get("content")), *objects_of(item.get("summary"))]
        thought = "\n\n".join(
            told for part in listed if isinstance(told := part.get("text"), str) and told
        )
        encrypted = item.get("encrypted_content")
        if not isinstance(encrypted, str) or not encrypted:
            if thought:
                self._assistant(Thinking(thought))
            return
        trace = opened(encrypted)
        if trace.call is not None:
            self._signed[trace.call] = (trace.maker, trace.signature or "")
            return
        self._assistant(Thinking(thought, trace.maker, trace.signature, trace.redacted))

    def _assistant(self, *said: Part) -> None:
        self._results = None
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "assistant":
            last.parts.extend(said)
        else:
            self.messages.append(Message("assistant", list(said)))


ITEMS: Mapping[str, Callable[[Messages, dict[str, Any]], None]] = {
    "message": Messages.message,
    "function_call": Messages.call,
    "custom_tool_call": Messages.call,
    "function_call_output": Messages.result,
    "custom_tool_call_output": Messages.result,
    "reasoning": Messages.reasoning,
}


def parts(content: Any) -> list[Part]:
    """The parts of a content: a text is one part. Raises `ClientError`."""
    if isinstance(content, str):
        return [Text(content)]
    if not isinstance(content, list):
        raise invalid("the content of an item must be a text or a list of parts", WHERE)
    return [_part(part) for part in content]


def _part(part: Any) -> Part:
    if not isinstance(part, dict):
        raise invalid("every part of a content must be an object", WHERE)
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return Text(text(part, "text"))
        case "refusal":
            return Refusal(text(part, "refusal"))
        case "input_image":
            return _image(part)
        case "input_file":
            return _document(part)
        case "input_audio" if isinstance(sound := part.get("input_audio"), dict):
            kind = text(sound, "format")
            return File("audio", f"audio/{kind}" if kind else "", text(sound, "data"))
        case kind:
            raise invalid(f"a part of type {str(kind)[:60]!r} cannot be put otherwise", WHERE)


def _image(part: dict[str, Any]) -> File:
    detail = text(part, "detail") or None
    if id_ := text(part, "file_id"):
        return File("image", id=id_, detail=detail)
    url = text(part, "image_url")
    if not url:
        raise invalid("an image has an `image_url` or a `file_id`", WHERE)
    media_type, data = inline(url)
    if data is None:
        return File("image", url=url, detail=detail)
    return File("image", media_type, data, detail=detail)


def _document(part: dict[str, Any]) -> File:
    name = text(part, "filename") or None
    if id_ := text(part, "file_id"):
        return File("document", id=id_, name=name)
    if url := text(part, "file_url"):
        return File("document", url=url, name=name)
    given = text(part, "file_data")
    if not given:
        raise invalid("a file has `file_data`, a `file_url` or a `file_id`", WHERE)
    media_type, data = inline(given)
    return File("document", media_type, given if data is None else data, name=name)


def text(table: Mapping[str, Any], name: str) -> str:
    """The text of a field, empty where there is none. Raises `ClientError` on another type."""
    value = table.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"`{name}` must be a text", WHERE)
    return value
