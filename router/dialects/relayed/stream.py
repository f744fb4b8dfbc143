"""Reads a stream whose events pass as they are: a transcript, speech or an image in pieces."""

from __future__ import annotations

from typing import Any

import msgspec

from router.dialects.common.events import Usage
from router.dialects.common.outside import UNREADABLE, count, decoded
from router.dialects.errors.judge import failed
from router.dialects.errors.table import Table
from router.dialects.passing import PassingStream
from router.dialects.sse import data_of

LAST = (".done", ".completed")
"""How the type of an event ends that ends what was asked for: `transcript.text.done`,
`speech.audio.done`, `image_generation.completed`."""


class _Event(msgspec.Struct):
    type: Any = None
    error: Any = None
    usage: Any = None


_event = msgspec.json.Decoder(_Event)


class RelayedStream(PassingStream):
    """See `StreamReader`. It ends with the `wanted`th event that ends something."""

    __slots__ = ("_errors", "_left")

    def __init__(self, wanted: int, errors: Table) -> None:
        super().__init__()
        self._errors = errors
        self._left = wanted

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


def usage_of(usage: Any) -> Usage | None:
    """Tokens of a usage object of these calls, as far as it is one."""
    if not isinstance(usage, dict):
        return None
    given = count(usage.get("input_tokens")) or count(usage.get("prompt_tokens"))
    written = count(usage.get("output_tokens")) or count(usage.get("completion_tokens"))
    return Usage(given, written) if given or written else None
