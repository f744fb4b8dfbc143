"""Reads a streamed answer: server-sent events, or the list of objects that comes without them.

There is no formal end: with the chunk that has a reason to finish all is said, and the bytes end.
An error may be an event, or a body of its own as if nothing had been streamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies import Outcome, Phase, Report
from router.dialects.common.events import Event
from router.dialects.common.outside import UNREADABLE, decoded, first_of
from router.dialects.errors.judge import failed
from router.dialects.errors.table import Table
from router.dialects.gemini.events import Telling, chunks
from router.dialects.passing import Progress, loss
from router.dialects.sse import MOST_EVENT, Oversized, Splitter, data_of

BARE = (b"{", b"[")
"""How what is no event begins."""
TORN = re.compile(rb'"(candidates|parts|text|functionCall|finishReason)')
"""What a chunk with a part of the answer has in it, even one that is broken."""

_SIGN = re.compile(rb'["{}]')
_IN_TEXT = re.compile(rb'["\\]')


class GeminiStream(Progress):
    """One streamed answer. See `EventReader`."""

    __slots__ = ("_errors", "_objects", "_splitter", "_telling")

    def __init__(self, errors: Table) -> None:
        super().__init__()
        self._errors = errors
        self._telling = Telling()
        self._splitter: Splitter | None = None
        self._objects: Objects | None = None

    def feed(self, data: bytes) -> list[Event]:
        splitter = self._splitter
        if splitter is not None and (lone := splitter.lone(data)) is not None:
            return self._read(lone)
        events: list[Event] = []
        try:
            for piece in self._pieces(data):
                events += self._read(piece)
        except Oversized as error:
            self._fail(str(error))
        return events

    def finish(self) -> list[Event]:
        if self._splitter is None:
            return []
        rest = self._splitter.rest()
        return self._read(_data_of(rest)) if rest.strip() else []

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """The objects that `data` completes. How it begins tells how it is framed."""
        if self._splitter is None and self._objects is None:
            data = data.lstrip()
            if not data:
                return
            if data.startswith(BARE):
                self._objects = Objects()
            else:
                self._splitter = Splitter()
        if self._objects is not None:
            yield from self._objects.feed(data)
        elif self._splitter is not None:
            for event in self._splitter.feed(data):
                yield _data_of(event)

    def _read(self, data: bytes) -> list[Event]:
        if not data or self.failure is not None or self.done:
            return []
        if data.startswith(b"[DONE]"):
            self.done = True
            return []
        try:
            chunk = chunks.decode(data)
        except UNREADABLE:
            self._odd(data)
            return []
        if chunk.error:
            self._err(data)
            return []
        telling = self._telling
        events = telling.read(chunk, data)
        self.ended = telling.ended
        if telling.failure is not None:
            self.failure, self.said = telling.failure, data
        return events

    def _odd(self, data: bytes) -> None:
        """No chunk: some errors come in a list; else it is left out, unless words are lost so."""
        told = decoded(data)
        first = first_of(told)
        if isinstance(first, dict) and first.get("error"):
            self._err(data)
            return
        self.malformed += 1
        if why := loss(data, TORN, self.malformed):
            self._fail(why)

    def _err(self, data: bytes) -> None:
        self.failure = failed(self._errors, decoded(data), Phase.BODY)
        self.said = data

    def _fail(self, detail: str) -> None:
        self.failure = self.failure or Report(Outcome.FAILED, Phase.BODY, detail=detail)


class Objects:
    """Cuts a list of objects, or objects after each other, into them: bytes in at any split."""

    __slots__ = ("_begun", "_depth", "_held", "_in_text", "_looked")

    def __init__(self) -> None:
        self._held = bytearray()
        self._looked = 0
        self._begun = 0
        self._depth = 0
        self._in_text = False

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that `data` completes. Raises `Oversized`."""
        held = self._held
        held += data
        whole = []
        while (
            found := (_IN_TEXT if self._in_text else _SIGN).search(held, self._looked)
        ) is not None:
            at = found.start()
            sign = held[at : at + 1]
            self._looked = at + 1
            if sign == b"\\":
                if at + 1 == len(held):
                    self._looked = at  # what it escapes is still to come
                    break
                self._looked = at + 2
            elif sign == b'"':
                self._in_text = not self._in_text
            elif sign == b"{":
                self._begun = at if self._depth == 0 else self._begun
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                if self._depth == 0:
                    whole.append(bytes(held[self._begun : at + 1]))
        else:
            self._looked = len(held)
        self._let_go()
        return whole

    def _let_go(self) -> None:
        """What stands before the object that has begun is not needed any more."""
        needless = self._begun if self._depth else self._looked
        del self._held[:needless]
        self._looked -= needless
        self._begun = 0
        if len(self._held) > MOST_EVENT:
            raise Oversized(f"an object is longer than {MOST_EVENT} bytes")


def _data_of(event: bytes) -> bytes:
    """The data of an event; of what has none, a body that is no event."""
    data = data_of(event)
    if data is not None:
        return data
    bare = event.strip()
    return bare if bare.startswith(BARE) else b""
