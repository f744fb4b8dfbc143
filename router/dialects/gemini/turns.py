"""Messages as turns of a user and a model.

Neighbours of one role are one turn. A result of a tool names the tool, so calls are remembered
until they are answered. What is at a URL has to come along as bytes, but for files that are
Google's already. A third-generation model refuses calls without the signature of the thought
behind them; calls that another made have the mark that is documented for this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.dialects.common.outside import object_in
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
from router.dialects.gemini.reasoning import LEVELS, Version

MAKER = "gemini"
UNSIGNED = "skip_thought_signature_validator"
"""Stands for the signature of a call that somebody else made."""
KNOWN_BY_URL = (
    "https://generativelanguage.googleapis.com/",
    "gs://",
    "https://www.youtube.com/",
    "https://youtube.com/",
    "https://youtu.be/",
)
"""What Google fetches itself: files of its own, and films."""
USUAL_TYPES = {"document": "application/pdf"}
"""Where nobody said what it is."""

Told = dict[str, Any]


class Turns:
    """Takes messages in their order. `contents` are the turns, `system` the parts of what the
    system said, wherever; `dropped` what had to be left out, `wanted` the URLs of files that have
    to be fetched first.
    """

    def __init__(self, version: Version, fetched: Mapping[str, tuple[str, str]]) -> None:
        self.system: list[Told] = []
        self.contents: list[Told] = []
        self.dropped: set[str] = set()
        self.wanted: list[str] = []
        self._version = version
        self._fetched = fetched
        self._names: dict[str, str] = {}
        self._unanswered: list[str] = []

    def add(self, message: Message) -> None:
        """The next message. Raises `Unfit`."""
        if message.name is not None:
            self.dropped.add("message_names")
        parts: list[Told] = []
        for part in message.parts:
            if getattr(part, "cache", None) is not None:
                self.dropped.add("cache_control")
            if message.role == "system" and not isinstance(part, Text):
                raise Unfit("only a text can be said by the system")
            self._put(parts, part)
        if message.role == "system":
            self.system += parts
        elif parts:
            role = "model" if message.role == "assistant" else "user"
            if self.contents and self.contents[-1]["role"] == role:
                self.contents[-1]["parts"] += parts
            else:
                self.contents.append({"role": role, "parts": parts})

    def sign(self) -> None:
        """Mark the first call of each turn that has no signature, for models that insist on it."""
        if self._version < LEVELS:
            return
        for turn in self.contents:
            first = next((part for part in turn["parts"] if "functionCall" in part), None)
            if first is not None:
                first.setdefault("thoughtSignature", UNSIGNED)

    def _put(self, parts: list[Told], part: Part) -> None:
        match part:
            case Text(text) | Refusal(text):
                if text:
                    parts.append({"text": text})
            case File():
                parts.append(self._file(part))
            case ToolCall():
                parts.append(self._call(part))
            case ToolResult():
                parts += self._result(part)
            case Thinking():
                self._think(parts, part)

    def _think(self, parts: list[Told], thought: Thinking) -> None:
        if thought.maker != MAKER or thought.signature is None:
            self.dropped.add("thinking")
            return
        last = parts[-1] if parts else {}
        if not thought.text and last.keys() == {"text"}:
            last["thoughtSignature"] = thought.signature  # it came at the end of that text
        elif thought.text:
            parts.append(
                {"text": thought.text, "thought": True, "thoughtSignature": thought.signature}
            )
        else:
            parts.append({"text": "", "thoughtSignature": thought.signature})

    def _call(self, call: ToolCall) -> Told:
        self._names[call.id] = call.name
        self._unanswered.append(call.id)
        args: Any = {"input": call.arguments} if call.custom else arguments(call.arguments)
        told: Told = {"functionCall": {"id": call.id, "name": call.name, "args": args}}
        if call.maker == MAKER and call.signature is not None:
            told["thoughtSignature"] = call.signature
        return told

    def _result(self, result: ToolResult) -> list[Told]:
        """By its id, else by its name, else of the call that waits longest."""
        ident = result.id
        if ident not in self._names and result.name is None:
            if not self._unanswered:
                raise Unfit(f"a tool's result ({ident!r}) answers no call")
            ident = self._unanswered[0]
        name = self._names.get(ident) or result.name
        if ident in self._unanswered:
            self._unanswered.remove(ident)
        files = [self._file(part) for part in result.parts if isinstance(part, File)]
        text = "".join(part.text for part in result.parts if isinstance(part, Text))
        said: Told = {"id": ident, "name": name, "response": response(text, failed=result.failed)}
        if files and self._version >= LEVELS:
            said["parts"] = files
            files = []
        return [{"functionResponse": said}, *files]

    def _file(self, file: File) -> Told:
        if file.url is not None and file.data is None:
            return self._at(file, file.url)
        if file.data is None:
            raise Unfit(f"the {file.kind} {file.id!r} is another account's")
        return self._inline(file, file.media_type, file.data)

    def _at(self, file: File, url: str) -> Told:
        if url.startswith(KNOWN_BY_URL):
            known = {"mimeType": file.media_type} if file.media_type else {}
            return {"fileData": {**known, "fileUri": url}}
        if url in self._fetched:
            return self._inline(file, *self._fetched[url])
        if not url.startswith(("http://", "https://")):
            raise Unfit(f"the URL of the {file.kind} is none that can be fetched")
        self.wanted.append(url)
        return {}

    @staticmethod
    def _inline(file: File, media_type: str, data: str) -> Told:
        kind = media_type or USUAL_TYPES.get(file.kind)
        if kind is None:
            raise Unfit(f"nobody says of what type the {file.kind} is")
        return {"inlineData": {"mimeType": kind, "data": data}}


def arguments(text: str) -> Any:
    """A call's arguments as an object, in their own bytes; what is none is put into one."""
    if not text.strip():
        return {}
    given = object_in(text)
    return {"arguments": text} if given is None else given


def response(text: str, *, failed: bool) -> Any:
    """What a tool said as an object, by Google's names for its output and its error."""
    if failed:
        return {"error": text}
    said = object_in(text)
    return {"output": text} if said is None else said
