"""An answer in Anthropic's words, from events: whole, or as a stream.

A stream's blocks come one after the other. So what belongs to another block than the one that is
open waits until that one is whole: a text is, as soon as something else begins; a call of a tool,
once its arguments are an object. Calls whose arguments come in turns are put in order so. Usage may
come after the reason to stop, and both are told in one event, so that waits for the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from router.dialects.anthropic.blocks import MAKER, encoded
from router.dialects.anthropic.messages import block_of, counts, message, why
from router.dialects.anthropic.traces import marked
from router.dialects.common.events import (
    CONTENT,
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Refused,
    Said,
    Stopped,
    Thought,
    Usage,
    whole,
)
from router.dialects.common.outside import object_in
from router.dialects.common.prompt import Refusal, ToolCall
from router.dialects.contract import Call

BEGINNINGS: Mapping[str, Mapping[str, str]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class _Block:
    """A block that is open, or waits until it may be. `number` is that of a call of a tool; `maker`
    whose thinking it is.
    """

    __slots__ = ("arguments", "begin", "kind", "maker", "number", "waiting")

    def __init__(
        self, kind: str, begin: dict[str, Any], number: int = -1, maker: str = MAKER
    ) -> None:
        self.kind = kind
        self.maker = maker
        self.begin = begin
        self.number = number
        self.arguments = ""
        self.waiting: list[dict[str, Any]] = []

    @property
    def whole(self) -> bool:
        """Whether nothing more can come that belongs to it, once another block has begun."""
        if self.kind != "tool_use":
            return True
        return object_in(self.arguments) is not None


class MessageWriter:
    """Writes one answer. See `Writer`."""

    __slots__ = (
        "_began", "_blocks", "_call", "_called", "_content", "_index", "_open", "_out", "_refused",
        "_stopped", "_usage",
    )  # fmt: skip

    def __init__(self, call: Call) -> None:
        self._call = call
        self._out: list[bytes] = []
        self._blocks: list[_Block] = []
        self._open = False
        self._index = 0
        self._began = False
        self._called = False
        self._refused = False
        self._content = 0
        self._stopped: Stopped | None = None
        self._usage: Usage | None = None

    def write(self, events: Iterable[Event]) -> bytes:
        """See `Writer.write`. Of several answers the first is written."""
        for event in events:
            self._take(event)
        written = b"".join(self._out)
        self._out.clear()
        return written

    def end(self, note: bytes) -> bytes:
        self._begin("", "")
        self._close_all()
        reason, sequence = why(self._stopped, called=self._called, refused=self._refused)
        usage = self._usage or Usage(self._call.input_tokens, self._content)
        self._event(
            "message_delta",
            {"delta": {"stop_reason": reason, "stop_sequence": sequence}, "usage": counts(usage)},
        )
        self._event("message_stop", {})
        return self.write(()) + note

    def whole(self, events: Iterable[Event]) -> bytes:
        answer = whole(events)
        choice = answer.choices[0] if answer.choices else None
        parts = choice.parts if choice is not None else []
        reason, sequence = why(
            choice.stopped if choice is not None else None,
            called=any(isinstance(part, ToolCall) for part in parts),
            refused=any(isinstance(part, Refusal) for part in parts),
        )
        usage = answer.usage or Usage(self._call.input_tokens, 0)
        content = [block for part in parts if (block := block_of(part)) is not None]
        return encoded(
            {
                **message(answer.id or self._call.id, answer.model),
                "content": content,
                "stop_reason": reason,
                "stop_sequence": sequence,
                "usage": counts(usage),
            }
        )

    def _take(self, event: Event) -> None:
        match event:
            case Counted(usage):
                self._usage = usage
            case Began(name, model):
                self._begin(name, model)
            case Stopped(choice=0):
                self._stopped = event
                self._close_all()
            case Said(text, choice=0) | Refused(text, choice=0):
                self._refused = self._refused or isinstance(event, Refused)
                if text:
                    self._say("text", {"type": "text_delta", "text": text})
            case Thought(choice=0):
                self._think(event)
            case Called(number, name_of_call, name, choice=0):
                self._called = True
                begin = {"type": "tool_use", "id": name_of_call, "name": name, "input": {}}
                self._add(_Block("tool_use", begin, number))
            case Argued(number, text, choice=0):
                self._argue(number, text)
        self._content += isinstance(event, CONTENT)

    def _begin(self, name: str, model: str) -> None:
        if self._began:
            return
        self._began = True
        usage = self._usage or Usage(self._call.input_tokens, 0)
        head: dict[str, Any] = {
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": counts(usage),
        }
        self._event("message_start", {"message": {**message(name or self._call.id, model), **head}})

    def _say(self, kind: str, delta: dict[str, Any], maker: str = MAKER) -> None:
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.kind != kind or (last.maker != maker and last.maker and maker):
            last = self._add(_Block(kind, dict(BEGINNINGS[kind]), maker=maker))
        last.maker = maker or last.maker  # some only say with the signature whose it is
        self._delta(last, delta)

    def _think(self, event: Thought) -> None:
        if event.redacted is not None:
            data = marked(event.maker, event.redacted)
            self._add(_Block("redacted_thinking", {"type": "redacted_thinking", "data": data}))
            return
        if event.text:
            self._say("thinking", {"type": "thinking_delta", "thinking": event.text}, event.maker)
        if event.signature is not None:
            self._say("thinking", _signed(event.maker, event.signature), event.maker)
            self._blocks[-1].kind = "thought"  # what comes after it is another block

    def _argue(self, number: int, text: str) -> None:
        for block in self._blocks:
            if block.number == number:
                block.arguments += text
                self._delta(block, {"type": "input_json_delta", "partial_json": text})

    def _add(self, block: _Block) -> _Block:
        """A block begins: at once, if the one before it is whole."""
        self._begin("", "")
        self._blocks.append(block)
        while len(self._blocks) > 1 and self._blocks[0].whole:
            self._close()
        if len(self._blocks) == 1 and not self._open:
            self._open_first()
        return block

    def _delta(self, block: _Block, delta: dict[str, Any]) -> None:
        if block is self._blocks[0]:
            self._event("content_block_delta", {"index": self._index, "delta": delta})
        else:
            block.waiting.append(delta)

    def _open_first(self) -> None:
        block = self._blocks[0]
        self._open = True
        self._event("content_block_start", {"index": self._index, "content_block": block.begin})
        for delta in block.waiting:
            self._event("content_block_delta", {"index": self._index, "delta": delta})
        block.waiting.clear()

    def _close(self) -> None:
        block = self._blocks[0]
        if block.kind == "thinking" and block.maker != MAKER:
            self._delta(block, _signed(block.maker, ""))
        self._event("content_block_stop", {"index": self._index})
        self._blocks.pop(0)
        self._index += 1
        self._open = False
        if self._blocks:
            self._open_first()

    def _close_all(self) -> None:
        while self._blocks:
            self._close()

    def _event(self, kind: str, fields: dict[str, Any]) -> None:
        data = encoded({"type": kind, **fields})
        self._out.append(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n")


def _signed(maker: str, signature: str) -> dict[str, Any]:
    """Also what nobody signed is, with its maker: Anthropic refuses what it did not."""
    return {"type": "signature_delta", "signature": marked(maker, signature)}
