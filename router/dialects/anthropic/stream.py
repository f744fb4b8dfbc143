"""Reads a streamed message: for clients who speak the same, in its original bytes, and for all
others into events.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies import Phase
from router.dialects.anthropic.blocks import MAKER
from router.dialects.anthropic.frames import Block, Delta, Frame, Framed, index_of
from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Reason,
    Refused,
    Said,
    Stopped,
    Thought,
    Usage,
)
from router.dialects.common.outside import text_of
from router.dialects.errors.quirks import EVERYBODY
from router.dialects.errors.table import Table

REASONS: Mapping[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "compaction": "length",
    "pause_turn": "length",  # a long turn of hosted tools: there is more to come
    "refusal": "content_filter",
}
EMPTY = frozenset({b"{}", b"null", b'""'})
"""Arguments of a call as it begins, which are still to come."""


class MessageStream(Framed):
    """One streamed answer, relayed as it comes. See `StreamReader`."""

    __slots__ = ("content", "usage")

    def __init__(self, errors: Table = EVERYBODY) -> None:
        super().__init__(errors)
        self.content = 0
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """See `StreamReader.feed`. Comments are not passed on: the router sends its own."""
        return b"".join([event for event in self.events(data) if self._passes(event)])

    def finish(self) -> bytes:
        rest = self.rest()
        return rest if rest and self._passes(rest) else b""

    def end(self, note: bytes) -> bytes:
        """See `StreamReader.end`: the formal end has been passed on."""
        return note

    def _passes(self, event: bytes) -> bool:
        frame = self.frame(event)
        if frame is None:
            if self.failure is not None and self.content:
                self.failure = self.failure._replace(phase=Phase.BODY)
            return False
        if _costs(frame):
            self.content += 1
        if frame.usage is not None:
            self.usage = self._tally.add(frame.usage) or self.usage
        elif frame.message is not None:
            self.usage = self._tally.add(frame.message.usage) or self.usage
        return True


def _costs(frame: Frame) -> bool:
    """Whether an event carries content: a piece of a block, or one that begins with some."""
    delta, block = frame.delta, frame.content_block
    if delta is not None:
        return bool(delta.text or delta.partial_json or delta.thinking or delta.signature)
    if block is None:
        return False
    if block.type in ("text", "thinking"):
        return bool(block.text or block.thinking)
    return block.type is not None


class MessageEvents(Framed):
    """The same in the common form. See `EventReader`."""

    __slots__ = ("_argued", "_numbers", "_stopped")

    def __init__(self, errors: Table = EVERYBODY) -> None:
        super().__init__(errors)
        self._numbers: dict[int, int] = {}
        self._argued: set[int] = set()
        self._stopped: list[Event] = []

    def feed(self, data: bytes) -> list[Event]:
        read: list[Event] = []
        for event in self.events(data):
            self._read(event, read)
        return read

    def finish(self) -> list[Event]:
        read: list[Event] = []
        if rest := self.rest():
            self._read(rest, read)
        return read

    def _read(self, event: bytes, read: list[Event]) -> None:
        frame = self.frame(event)
        if frame is None:
            return
        match frame.type:
            case "content_block_delta":
                if frame.delta is not None:
                    self._go_on(index_of(frame), frame.delta, read)
            case "content_block_start":
                if frame.content_block is not None:
                    self._begin(index_of(frame), frame.content_block, read)
            case "content_block_stop":
                self._stop(index_of(frame), read)
            case "message_start":
                self._start(frame, read)
            case "message_delta":
                self._end(frame, read)
            case "message_stop":
                read += self._stopped

    def _start(self, frame: Frame, read: list[Event]) -> None:
        if (message := frame.message) is not None:
            read.append(Began(text_of(message.id), text_of(message.model)))
            self._count(message.usage, read)

    def _begin(self, index: int, block: Block, read: list[Event]) -> None:
        events = events_of(block, len(self._numbers))
        if any(isinstance(event, Called) for event in events):
            number = self._numbers.setdefault(index, len(self._numbers))
            if len(events) > 1:
                self._argued.add(number)
        read += events

    def _go_on(self, index: int, delta: Delta, read: list[Event]) -> None:
        match delta.type:
            case "text_delta":
                if text := text_of(delta.text):
                    read.append(Said(text))
            case "input_json_delta":
                number = self._numbers.get(index)
                if number is not None and (text := text_of(delta.partial_json)):
                    self._argued.add(number)
                    read.append(Argued(number, text))
            case "thinking_delta":
                if text := text_of(delta.thinking):
                    read.append(Thought(text, maker=MAKER))
            case "signature_delta":
                if text := text_of(delta.signature):
                    read.append(Thought(signature=text, maker=MAKER))

    def _stop(self, index: int, read: list[Event]) -> None:
        number = self._numbers.get(index)
        if number is not None and number not in self._argued:
            self._argued.add(number)
            read.append(Argued(number, "{}"))

    def _end(self, frame: Frame, read: list[Event]) -> None:
        self._count(frame.usage, read)
        if frame.delta is not None and isinstance(frame.delta.stop_reason, str):
            delta = frame.delta
            # There may be several of these: the last one counts, and the end is told once.
            self._stopped = stopped(delta.stop_reason, delta.stop_sequence, delta.stop_details)

    def _count(self, usage: object, read: list[Event]) -> None:
        if (counted := self._tally.add(usage)) is not None:
            read.append(Counted(counted))


def events_of(block: Block, number: int) -> list[Event]:
    """What a block says, whole or as it begins; of one that calls, the call is the `number`th."""
    match block.type:
        case "text":
            return [Said(text)] if (text := text_of(block.text)) else []
        case "thinking":
            text, signature = text_of(block.thinking), text_of(block.signature)
            if not text and not signature:
                return []
            return [Thought(text, signature or None, maker=MAKER)]
        case "redacted_thinking":
            return [Thought(redacted=text_of(block.data), maker=MAKER)]
        case "tool_use":
            called = Called(number, text_of(block.id), text_of(block.name))
            written = bytes(block.input)
            if written in EMPTY:
                return [called]
            return [called, Argued(number, written.decode("utf-8", "replace"))]
        case _:
            return []


def stopped(reason: str, sequence: object, details: object) -> list[Event]:
    """How a message ended; with the words of a refusal, where it has some."""
    known = REASONS.get(reason, "stop")
    events: list[Event] = []
    explained = details.get("explanation") if isinstance(details, dict) else None
    if known == "content_filter" and isinstance(explained, str) and explained:
        events.append(Refused(explained))
    events.append(Stopped(known, text_of(sequence) or None))
    return events
