"""Items of a response while they come: a message, a reasoning, the call of a tool.

Each says its own events: that it has begun, each piece, and at the end all of it once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Say = Callable[[str, dict[str, Any]], None]
Status = Literal["completed", "incomplete"]


class OpenItem:
    """What all items share. `item` is how it is shown, whole once it is closed."""

    __slots__ = ("_closed", "_pieces", "_place", "_say", "item")

    def __init__(self, say: Say, place: int, item: dict[str, Any]) -> None:
        self.item = item
        self._say = say
        self._place = {"item_id": item["id"], "output_index": place}
        self._pieces: list[str] = []
        self._closed = False

    def begin(self) -> None:
        """Say that it has begun."""
        index = self._place["output_index"]
        item = {**self.item}
        self._say("response.output_item.added", {"output_index": index, "item": item})

    def close(self, status: Status = "completed") -> None:
        """Say all of it, once."""
        if self._closed:
            return
        self._closed = True
        self._finish()
        self.item["status"] = status
        index = self._place["output_index"]
        self._say("response.output_item.done", {"output_index": index, "item": self.item})

    def _finish(self) -> None:
        """Say what is in it."""

    def _taken(self) -> str:
        """What came in pieces, once."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text


class OpenMessage(OpenItem):
    """Text, or a refusal, or one after the other."""

    __slots__ = ("_part",)

    def __init__(self, say: Say, id_: str, place: int) -> None:
        message = {"type": "message", "id": id_, "status": "in_progress", "role": "assistant"}
        super().__init__(say, place, {**message, "content": []})
        self._part: dict[str, Any] | None = None

    def add(self, kind: Literal["output_text", "refusal"], text: str) -> None:
        """The next piece of a part of this kind."""
        if self._part is None or self._part["type"] != kind:
            self._finish()
            self._begin_part(kind)
        self._pieces.append(text)
        fields = {**self._place, "delta": text}
        if kind == "output_text":
            fields["logprobs"] = []
        self._say(f"response.{kind}.delta", fields)

    def _begin_part(self, kind: Literal["output_text", "refusal"]) -> None:
        self._part = (
            {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            if kind == "output_text"
            else {"type": "refusal", "refusal": ""}
        )
        self._place["content_index"] = len(self.item["content"])
        self._say("response.content_part.added", {**self._place, "part": {**self._part}})

    def _finish(self) -> None:
        part = self._part
        if part is None:
            return
        text = self._taken()
        if part["type"] == "output_text":
            part["text"] = text
            said = {**self._place, "text": text, "logprobs": []}
        else:
            part["refusal"] = text
            said = {**self._place, "refusal": text}
        self._say(f"response.{part['type']}.done", said)
        self._say("response.content_part.done", {**self._place, "part": part})
        self.item["content"].append(part)
        self._part = None


class OpenReasoning(OpenItem):
    """Reasoning, shown as a summary; and what its maker alone can read of it."""

    __slots__ = ()

    def __init__(self, say: Say, id_: str, place: int) -> None:
        super().__init__(
            say, place, {"type": "reasoning", "id": id_, "status": "in_progress", "summary": []}
        )

    def add(self, text: str) -> None:
        """The next piece."""
        if not self._pieces:
            self._place["summary_index"] = 0
            part = {"type": "summary_text", "text": ""}
            self._say("response.reasoning_summary_part.added", {**self._place, "part": part})
        self._pieces.append(text)
        self._say("response.reasoning_summary_text.delta", {**self._place, "delta": text})

    def seal(self, encrypted: str) -> None:
        """What is to be sent back as it is."""
        self.item["encrypted_content"] = encrypted

    def _finish(self) -> None:
        if not self._pieces:
            return
        part = {"type": "summary_text", "text": self._taken()}
        said = {**self._place, "text": part["text"]}
        self._say("response.reasoning_summary_text.done", said)
        self._say("response.reasoning_summary_part.done", {**self._place, "part": part})
        self.item["summary"].append(part)


class OpenCall(OpenItem):
    """The call of a function, or of a custom tool."""

    __slots__ = ("_events", "_field")

    def __init__(
        self, say: Say, id_: str, place: int, call_id: str, name: str, *, custom: bool
    ) -> None:
        kind = "custom_tool_call" if custom else "function_call"
        self._field = "input" if custom else "arguments"
        self._events = f"response.{kind}_{self._field}"
        item = {"type": kind, "id": id_, "call_id": call_id, "name": name, self._field: ""}
        super().__init__(say, place, {**item, "status": "in_progress"})

    def add(self, text: str) -> None:
        """The next piece of its arguments."""
        self._pieces.append(text)
        self._say(f"{self._events}.delta", {**self._place, "delta": text})

    def _finish(self) -> None:
        if not any(self._pieces) and self._field == "arguments":
            self.add("{}")  # no arguments are written so: clients read them as JSON
        self.item[self._field] = text = self._taken()
        self._say(f"{self._events}.done", {**self._place, self._field: text})
