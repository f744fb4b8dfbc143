"""What an answer says: chunks to events. An answer in one piece is one chunk.

Chunks come from outside: what is not of the expected kind is not there. A function call comes
whole; its id is made up where there is none. A model that stops without a word, or over its own
malformed call, has failed: another try may do better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Raw

from policies import Outcome, Report, Scope
from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Reason,
    Said,
    Stopped,
    Thought,
    Usage,
)
from router.dialects.common.outside import count
from router.dialects.gemini.turns import MAKER

FILTERED: Reason = "content_filter"
REASONS: Mapping[str, Reason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": FILTERED,
    "RECITATION": FILTERED,
    "LANGUAGE": FILTERED,
    "BLOCKLIST": FILTERED,
    "PROHIBITED_CONTENT": FILTERED,
    "SPII": FILTERED,
    "MODEL_ARMOR": FILTERED,
    "IMAGE_SAFETY": FILTERED,
    "IMAGE_PROHIBITED_CONTENT": FILTERED,
    "IMAGE_RECITATION": FILTERED,
    "IMAGE_OTHER": FILTERED,
}
"""Reasons to finish; one that is not known is an ordinary end."""
BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "NO_IMAGE",
        "OTHER",
    }
)
"""Reasons that name a failure of the model."""
UNSAID = "FINISH_REASON_UNSPECIFIED"
MOST_ANSWERS = 8
LONGEST_ID = 24

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")


class _Call(msgspec.Struct):
    id: Any = None
    name: Any = None
    args: Raw = Raw(b"{}")


class _Part(msgspec.Struct):
    text: Any = None
    thought: Any = None
    signature: Any = msgspec.field(default=None, name="thoughtSignature")
    call: _Call | None = msgspec.field(default=None, name="functionCall")


class _Content(msgspec.Struct):
    parts: Sequence[_Part] | None = None


class _Candidate(msgspec.Struct):
    index: Any = 0
    content: _Content | None = None
    reason: Any = msgspec.field(default=None, name="finishReason")


class Chunk(msgspec.Struct):
    """As much of a chunk as is read."""

    candidates: Sequence[_Candidate] | None = None
    feedback: Any = msgspec.field(default=None, name="promptFeedback")
    usage: Any = msgspec.field(default=None, name="usageMetadata")
    model: Any = msgspec.field(default=None, name="modelVersion")
    id: Any = msgspec.field(default=None, name="responseId")
    error: Any = None


chunks = msgspec.json.Decoder(Chunk)


class Telling:
    """Reads the chunks of one answer. `failure`: it is none, or broke off by its own account."""

    __slots__ = ("_begun", "_calls", "_ends", "_id", "_said", "failure", "usage")

    def __init__(self) -> None:
        self.failure: Report | None = None
        self.usage: Usage | None = None
        self._id = ""
        self._begun: set[int] = set()
        self._ends: set[int] = set()
        self._said: set[int] = set()
        self._calls: dict[int, int] = {}

    @property
    def ended(self) -> bool:
        """Whatever was begun has come to its end."""
        return bool(self._ends) and self._begun <= self._ends

    def read(self, chunk: Chunk, data: bytes) -> list[Event]:
        """The events of a chunk; `data` is how it was written."""
        events: list[Event] = []
        if not self._id:
            self._begin(chunk, data, events)
        for candidate in chunk.candidates or ():
            self._read(candidate, events)
        if not self._begun and (why := blocked(chunk.feedback)):
            detail = f"200 with the prompt blocked: {why}"
            self.failure = Report(Outcome.FILTERED, scope=Scope.REQUEST, detail=detail)
        if (usage := usage_of(chunk.usage)) is not None and usage != self.usage:
            self.usage = usage
            events.append(Counted(usage))
        return events

    def _begin(self, chunk: Chunk, data: bytes, events: list[Event]) -> None:
        told = chunk.id if isinstance(chunk.id, str) else ""
        own = _NOT_IN_IDS.sub("", told)[-LONGEST_ID:]
        self._id = own or sha256(data).hexdigest()[:LONGEST_ID]
        model = chunk.model if isinstance(chunk.model, str) else ""
        events.append(Began(own or self._id, model))

    def _read(self, candidate: _Candidate, events: list[Event]) -> None:
        index = candidate.index
        if type(index) is not int or not 0 <= index < MOST_ANSWERS:
            index = 0
        self._begun.add(index)
        content = candidate.content
        if content is not None and content.parts:
            before = len(events)
            for part in content.parts:
                self._tell(part, index, events)
            if len(events) > before:
                self._said.add(index)
        reason = candidate.reason
        if isinstance(reason, str) and reason and reason != UNSAID:
            self._stop(reason, index, events)

    def _tell(self, part: _Part, index: int, events: list[Event]) -> None:
        signature = part.signature if isinstance(part.signature, str) and part.signature else None
        if part.call is not None:
            self._call(part.call, signature, index, events)
            return
        text = part.text if isinstance(part.text, str) else ""
        if part.thought is True:
            if text or signature:
                events.append(Thought(text, signature, maker=MAKER, choice=index))
            return
        if text:
            events.append(Said(text, index))
        if signature:
            events.append(Thought("", signature, maker=MAKER, choice=index))

    def _call(self, call: _Call, signature: str | None, index: int, events: list[Event]) -> None:
        if not isinstance(call.name, str) or not call.name:
            return
        number = self._calls.get(index, 0)
        self._calls[index] = number + 1
        ident = call.id if isinstance(call.id, str) and call.id else ""
        if not ident:
            ident = f"call_{self._id}_{index}_{number}" if index else f"call_{self._id}_{number}"
        events.append(
            Called(number, ident, call.name, signature=signature, maker=MAKER, choice=index)
        )
        events.append(Argued(number, arguments(bytes(call.args)), index))

    def _stop(self, reason: str, index: int, events: list[Event]) -> None:
        said = REASONS.get(reason, "stop")
        if reason in BROKEN:
            self._fail(f"200 with finishReason {reason}")
        elif said == "stop" and index not in self._said:
            self._fail("200 with an answer without a word")
        else:
            self._ends.add(index)
            called = said == "stop" and index in self._calls
            events.append(Stopped("tool_calls" if called else said, choice=index))

    def _fail(self, detail: str) -> None:
        self.failure = self.failure or Report(Outcome.FAILED, detail=detail)


def arguments(args: bytes) -> str:
    """A call's arguments on one line, which an answer in one piece has on several."""
    if not args.startswith(b"{"):
        return "{}"
    try:
        return msgspec.json.format(args, indent=-1).decode(errors="replace")
    except msgspec.DecodeError:
        return args.decode(errors="replace")


def blocked(feedback: Any) -> str:
    """Why the prompt was not let through; empty if it was."""
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return reason[:LONGEST_ID] if isinstance(reason, str) and reason.isprintable() else ""


def usage_of(told: Any) -> Usage | None:
    """Tokens, as far as they are told: what tools brought is input, and thoughts are output."""
    if not isinstance(told, dict):
        return None
    thoughts = count(told.get("thoughtsTokenCount"))
    given = count(told.get("promptTokenCount")) + count(told.get("toolUsePromptTokenCount"))
    written = count(told.get("candidatesTokenCount")) + thoughts
    cached = min(count(told.get("cachedContentTokenCount")), given)
    return Usage(given, written, cached, 0, thoughts) if given or written else None
