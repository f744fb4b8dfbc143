"""Reads a stream whose events pass as they are: a transcript, speech or an image in pieces."""

from __future__ import annotations

from typing import Any

import msgspec

from policies import Outcome, Phase, Report
from router.dialects.common.events import Usage
from router.dialects.common.outside import UNREADABLE, count, decoded
from router.dialects.errors.judge import failed
from router.dialects.errors.table import Table
from router.dialects.sse import Oversized, Splitter, data_of

LAST = (".done", ".completed")
"""How the type of an event ends that ends what was asked for: `transcript.text.done`,
`speech.audio.done`, `image_generation.completed`."""


class _Event(msgspec.Struct):
    type: Any = None
    error: Any = None
    usage: Any = None


_event = msgspec.json.Decoder(_Event)


class RelayedStream:
    """See `StreamReader`. It ends with the `wanted`th event that ends something."""

    malformed = 0

    __slots__ = (
        "_errors", "_left", "_splitter", "content", "done", "ended", "failure", "said", "usage",
    )  # fmt: skip

    def __init__(self, wanted: int, errors: Table) -> None:
        self._errors = errors
        self._left = wanted
        self._splitter = Splitter()
        self.content = 0
        self.ended = self.done = False
        self.failure: Report | None = None
        self.said = b""
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """See `StreamReader.feed`."""
        try:
            events = self._splitter.feed(data)
        except Oversized as error:
            self._fail(str(error))
            return b""
        return b"".join([event for event in events if self._takes(event)])

    def finish(self) -> bytes:
        """See `StreamReader.finish`."""
        rest = self._splitter.rest()
        return rest.rstrip(b"\r\n") + b"\n\n" if rest.strip() and self._takes(rest) else b""

    def end(self, note: bytes) -> bytes:
        """See `StreamReader.end`."""
        return note

    def _takes(self, event: bytes) -> bool:
        data = data_of(event)
        if not data or self.failure is not None or self.done:
            return False
        if data.startswith(b"[DONE]"):
            self.ended = self.done = True
            return False
        try:
            told = _event.decode(data)
        except UNREADABLE:
            self._fail("an event that is not JSON")
            return False
        if told.error or told.type == "error":
            self.failure = failed(self._errors, decoded(data), self._phase())
            self.said = data
            return False
        self.content += 1
        self.usage = usage_of(told.usage) or self.usage
        if isinstance(told.type, str) and told.type.endswith(LAST):
            self._left -= 1
            self.ended = self._left <= 0
        return True

    def _fail(self, detail: str) -> None:
        self.failure = Report(Outcome.FAILED, self._phase(), detail=detail)

    def _phase(self) -> Phase:
        return Phase.BODY if self.content else Phase.FIRST_TOKEN


def usage_of(usage: Any) -> Usage | None:
    """Tokens of a usage object of these calls, as far as it is one."""
    if not isinstance(usage, dict):
        return None
    given = count(usage.get("input_tokens")) or count(usage.get("prompt_tokens"))
    written = count(usage.get("output_tokens")) or count(usage.get("completion_tokens"))
    return Usage(given, written) if given or written else None
