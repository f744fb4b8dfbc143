"""A stream whose events pass on in their original bytes: what all readers of such have alike.

What an event means is its dialect's; here events are cut, counted and given on.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, Protocol

from policies import Outcome, Phase, Report
from router.dialects.common.events import Event, Usage
from router.dialects.common.outside import decoded, first_of, object_of
from router.dialects.contract import StreamReader
from router.dialects.sse import Oversized, Splitter

MOST_MALFORMED = 3
"""Events that are none, of one answer. A stream with more of them is not what it should be, and
what else is wrong with it nobody knows.
"""


class Progress:
    """How far a streamed answer has been read, and what was wrong with it: see `EventReader`."""

    __slots__ = ("done", "ended", "failure", "malformed", "said")

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.failure: Report | None = None
        self.said = b""
        self.malformed = 0


class PassingStream(Progress, ABC):
    """See `StreamReader`. Its heirs say of each event, in `_takes`, whether it passes."""

    __slots__ = ("_splitter", "content", "usage")

    def __init__(self) -> None:
        super().__init__()
        self._splitter = Splitter()
        self.content = 0
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """See `StreamReader.feed`. Comments are not passed on: the router sends its own."""
        return b"".join([event for event in self._events(data) if self._takes(event)])

    def finish(self) -> bytes:
        rest = self._splitter.rest()
        return rest.rstrip(b"\r\n") + b"\n\n" if rest.strip() and self._takes(rest) else b""

    def end(self, note: bytes) -> bytes:
        """See `StreamReader.end`: nothing has to be added."""
        return note

    def _events(self, data: bytes) -> list[bytes]:
        try:
            return self._splitter.feed(data)
        except Oversized as error:
            self._fail(str(error))
            return []

    @abstractmethod
    def _takes(self, event: bytes) -> bool:
        """Read one event; whether it goes on to the client."""

    def _fail(self, detail: str) -> None:
        self.failure = Report(Outcome.FAILED, self._phase(), detail=detail)

    def _phase(self) -> Phase:
        return Phase.BODY if self.content else Phase.FIRST_TOKEN


class Collecting(StreamReader, Protocol):
    """One that collects what its events say besides."""

    events: list[Event]


class PassedEvents(Progress):
    """Reads a stream into events by the rules of one that passes. See `EventReader`."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Collecting) -> None:
        super().__init__()
        self._stream = stream

    def feed(self, data: bytes) -> list[Event]:
        self._stream.feed(data)
        return self._taken()

    def finish(self) -> list[Event]:
        self._stream.finish()
        return self._taken()

    def _taken(self) -> list[Event]:
        stream = self._stream
        self.ended, self.done = stream.ended, stream.done
        self.failure, self.said = stream.failure, stream.said
        self.malformed = stream.malformed
        events, stream.events = stream.events, []
        return events


def bare_error(event: bytes) -> tuple[Any, bytes] | None:
    """An error that is no event, decoded and as it came: a body as if nothing had been streamed, or
    llama.cpp's field of that name; None: it is none.
    """
    named = event.startswith(b"error:")
    bare = event[6:].lstrip() if named else event
    if bare[:1] not in (b"{", b"["):
        return None
    told = first_of(decoded(bare))
    return (told, bare) if named or object_of(told).get("error") else None


def loss(event: bytes, torn: re.Pattern[bytes], number: int) -> str:
    """Why an event that is none of the dialect, the `number`th of its answer, cannot be left out;
    empty: it can.

    Some proxies write notes between events, and those harm nobody. But what was an event, as `torn`
    finds, had a part of the answer in it: to go on without it would give a client less than the
    whole, and no sign of it.
    """
    if torn.search(event) is not None:
        return "an event that is none of the dialect"
    return f"{number} events that are none of the dialect" if number > MOST_MALFORMED else ""
