"""The messages of a prompt as items of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from router.dialects.common.files import data_url
from router.dialects.common.prompt import (
    File,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from router.dialects.contract import Unfit
from router.dialects.responses.traces import MAKER

Written = dict[str, Any]


class Content:
    """Writes items. `dropped` names what was left out so far."""

    def __init__(self) -> None:
        self.dropped: dict[str, None] = {}
        self._custom: set[str] = set()

    def items(self, messages: Sequence[Message]) -> list[Written]:
        """All of them. Raises `Unfit`."""
        if messages and messages[-1].role == "assistant":
            raise Unfit("an answer cannot be begun for it (prefill)")
        items: list[Written] = []
        for message in messages:
            if message.name is not None:
                self.dropped["message_names"] = None
            if message.role == "assistant":
                items += self._answer(message.parts)
            else:
                items += self._question(message)
        return items

    def _question(self, message: Message) -> Iterator[Written]:
        said: list[Written] = []
        for part in message.parts:
            self._note_cache(part)
            if isinstance(part, ToolResult):
                yield self._result(part)
            elif isinstance(part, Text | File):
                said.append(_part(part))
        if said:
            yield {"type": "message", "role": message.role, "content": said}

    def _result(self, result: ToolResult) -> Written:
        custom = result.id in self._custom
        kind = "custom_tool_call_output" if custom else "function_call_output"
        texts = [part.text for part in result.parts if isinstance(part, Text)]
        output: Any = "\n\n".join(texts)
        if len(texts) < len(result.parts):
            output = [_part(part) for part in result.parts]
        return {"type": kind, "call_id": result.id, "output": output}

    def _answer(self, parts: Iterable[Part]) -> Iterator[Written]:
        for part in parts:
            self._note_cache(part)
            match part:
                case Text(text) if text:
                    yield {"type": "message", "role": "assistant", "content": text}
                case Refusal(text):
                    yield {"type": "message", "role": "assistant", "content": text}
                case ToolCall():
                    yield self._call(part)
                case Thinking():
                    yield from self._thought(part)

    def _call(self, call: ToolCall) -> Written:
        told = {"call_id": call.id, "name": call.name}
        if call.custom:
            self._custom.add(call.id)
            return {"type": "custom_tool_call", **told, "input": call.arguments}
        return {"type": "function_call", **told, "arguments": call.arguments}

    def _thought(self, thought: Thinking) -> Iterator[Written]:
        sealed = thought.signature or thought.redacted
        if thought.maker != MAKER or not sealed:
            self.dropped["thinking"] = None
            return
        id_, _, encrypted = sealed.rpartition(" ")
        summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
        # An item must have an id: where it is lost, one that is always the same for the same.
        id_ = id_ or f"rs_{blake2b(encrypted.encode(), digest_size=16).hexdigest()}"
        told = {"type": "reasoning", "id": id_, "summary": summary}
        yield {**told, "encrypted_content": encrypted}

    def _note_cache(self, part: Part) -> None:
        if getattr(part, "cache", None) is not None:
            self.dropped["cache_control"] = None


def _part(part: Text | File) -> Written:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if part.kind == "image":
        return {"type": "input_image", **_image(part), "detail": part.detail or "auto"}
    if part.kind == "document":
        return {"type": "input_file", **_document(part)}
    raise Unfit(f"it takes no {part.kind}")


def _image(file: File) -> Written:
    if file.id is not None:
        return {"file_id": file.id}
    return {"image_url": file.url if file.data is None else _inline(file)}


def _document(file: File) -> Written:
    if file.id is not None:
        return {"file_id": file.id}
    if file.data is None:
        return {"file_url": file.url}
    return {"file_data": _inline(file), "filename": file.name or "document"}


def _inline(file: File) -> str:
    return data_url(file.media_type or "application/octet-stream", file.data or "")
