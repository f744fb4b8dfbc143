"""Reads a streamed answer of Converse: what its frames say, where it ends, whether it failed."""

from __future__ import annotations

from typing import Any

import msgspec

from policies import Outcome, Report
from policies import Phase as Reached
from router.dialects.bedrock.answers import (
    BROKEN_OFF,
    called,
    stopped,
    usage_of,
)
from router.dialects.bedrock.blocks import MAKER
from router.dialects.bedrock.frames import Frame, Frames
from router.dialects.common.events import Argued, Began, Counted, Event, Said, Thought
from router.dialects.common.outside import decoded, object_of, text_of
from router.dialects.errors.judge import failed
from router.dialects.errors.table import Table
from router.dialects.passing import Progress

STATUSES = {
    "throttlingException": 429,
    "validationException": 400,
    "internalServerException": 500,
    "modelStreamErrorException": 424,
    "modelTimeoutException": 408,
    "serviceUnavailableException": 503,
}
"""What an exception in a stream would have been as an answer."""
ANSWER = frozenset({"contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})
"""Events without which an answer is not whole."""


class ConverseStream(Progress):
    """One streamed answer. See `EventReader`."""

    __slots__ = ("_calls", "_errors", "_frames", "_number", "_silent")

    def __init__(self, errors: Table) -> None:
        super().__init__()
        self._errors = errors
        self._frames = Frames()
        self._calls: dict[int, int] = {}
        self._silent: set[int] = set()
        self._number = 0

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._frames.feed(data):
            if self.failure is None and not self.done:
                self._read(frame, events)
        if self._frames.broken and self.failure is None and not self.done:
            self._fail(self._frames.broken)
        return events

    def finish(self) -> list[Event]:
        """See `EventReader.finish`: half a frame says nothing."""
        return []

    def _read(self, frame: Frame, events: list[Event]) -> None:
        headers = frame.headers
        match headers.get(":message-type"):
            case "event":
                told = decoded(frame.payload)
                kind = headers.get(":event-type", "")
                if isinstance(told, dict):
                    self._take(kind, told, events)
                elif kind in ANSWER:
                    self._fail("an event that is no object")
                else:
                    self.malformed += 1
            case "exception":
                told = object_of(decoded(frame.payload))
                self._err(headers.get(":exception-type", ""), told, frame.payload)
            case "error":
                told = {"message": headers.get(":error-message", "")}
                self._err(headers.get(":error-code", ""), told, msgspec.json.encode(told))

    def _take(self, kind: str, told: dict[str, Any], events: list[Event]) -> None:
        match kind:
            case "contentBlockDelta":
                self._delta(_index(told), object_of(told.get("delta")), events)
            case "messageStart":
                events.append(Began("", ""))
            case "contentBlockStart":
                call = object_of(told.get("start")).get("toolUse")
                if isinstance(call, dict):
                    index = _index(told)
                    self._calls[index] = number = self._number
                    self._number += 1
                    self._silent.add(index)
                    events.append(called(call, number))
            case "contentBlockStop":
                index = _index(told)
                if index in self._silent:
                    self._silent.discard(index)
                    events.append(Argued(self._calls[index], "{}"))
            case "messageStop":
                self._stop(text_of(told.get("stopReason")), events)
            case "metadata":
                if (usage := usage_of(told)) is not None:
                    events.append(Counted(usage))
                self.done = self.ended

    def _delta(self, index: int, delta: dict[str, Any], events: list[Event]) -> None:
        if text := text_of(delta.get("text")):
            events.append(Said(text))
        elif index in self._calls and isinstance(delta.get("toolUse"), dict):
            if given := text_of(delta["toolUse"].get("input")):
                self._silent.discard(index)
                events.append(Argued(self._calls[index], given))
        elif isinstance(reasoning := delta.get("reasoningContent"), dict):
            if redacted := text_of(reasoning.get("redactedContent")):
                events.append(Thought(redacted=redacted, maker=MAKER))
            if text := text_of(reasoning.get("text")):
                events.append(Thought(text, maker=MAKER))
            if signature := text_of(reasoning.get("signature")):
                events.append(Thought(signature=signature, maker=MAKER))

    def _stop(self, reason: str, events: list[Event]) -> None:
        if reason in BROKEN_OFF:
            self._fail(f"stopReason {reason}")
        elif not self.ended:
            self.ended = True
            events.append(stopped(reason))

    def _err(self, name: str, told: dict[str, Any], said: bytes) -> None:
        error = {"type": name, "message": text_of(told.get("message") or told.get("Message"))}
        status = STATUSES.get(name)
        inside = error if status is None else {**error, "status_code": status}
        self.failure = failed(self._errors, {"error": inside}, Reached.FIRST_TOKEN)
        self.said = said

    def _fail(self, detail: str) -> None:
        self.failure = Report(Outcome.FAILED, Reached.FIRST_TOKEN, detail=detail)


def _index(told: dict[str, Any]) -> int:
    index = told.get("contentBlockIndex")
    return index if isinstance(index, int) else 0
