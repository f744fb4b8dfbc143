"""One answer to one request, as a value: what it says, how it is framed, and what goes wrong.

A reply is never changed: each verb gives another one, so they can be kept, shared and combined.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import NamedTuple, Self

from router.testing import steps as on_the_wire
from router.testing.request import Request
from router.testing.steps import END, HEAD, Change, Pause, Send, Step, Steps, Then

NONE: Mapping[str, str] = {}


class Said(NamedTuple):
    """What a reply says: a status, headers, and a body in pieces. Only a stream has several."""

    status: int
    headers: Mapping[str, str]
    pieces: list[bytes]
    streamed: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply(ABC):
    """What all replies share. Use one of its kinds: `Answer`, `Status`, `Body`, `Stream`, `Raw`…

    `after` counts events: pieces of a stream; an answer in one piece is one event. `after_bytes`
    counts bytes from the first one of the head. Seconds are seconds.
    """

    extra: Mapping[str, str] = dataclasses.field(default_factory=dict)
    inserted: tuple[tuple[int, bytes], ...] = ()
    informed: tuple[int, ...] = ()
    chunks: bool | None = None
    extension: bytes = b""
    trailers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_early: bool = False
    closes: bool = False
    closes_after: float | None = None
    changes: tuple[Change, ...] = ()

    @abstractmethod
    def laid_out(self, request: Request) -> Steps:
        """What is done on the wire, as long as nothing spoils it."""

    def steps(self, request: Request) -> Steps:
        """What is done on the wire."""
        steps = self.laid_out(request)
        for change in self.changes:
            steps = change(steps)
        return steps

    # What is said.

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """With these headers as well, or instead."""
        return dataclasses.replace(self, extra={**self.extra, **headers})

    def inserting(self, data: bytes, *, after: int = 0) -> Self:
        """With these bytes between two events."""
        return dataclasses.replace(self, inserted=(*self.inserted, (after, data)))

    def malformed(self, *, after: int = 0) -> Self:
        """With an event that is no JSON."""
        return self.inserting(b'data: {"choices": [{"delta"\n\n', after=after)

    def preceded(self, by: int = 103) -> Self:
        """After an informational answer (1xx)."""
        return dataclasses.replace(self, informed=(*self.informed, by))

    # How it is framed.

    def chunked(self, *, extension: bytes = b"", trailers: Mapping[str, str] = NONE) -> Self:
        """In chunks, a piece each, with an extension such as `b";a=b"`, and with trailers."""
        return dataclasses.replace(self, chunks=True, extension=extension, trailers=trailers)

    def until_close(self) -> Self:
        """Without a length: the body ends where the connection does."""
        return dataclasses.replace(self, chunks=False, closes=True)

    def closing(self) -> Self:
        """With `Connection: close`, and the connection is closed."""
        return dataclasses.replace(self.with_headers({"connection": "close"}), closes=True)

    def hung_up(self, after: float = 0.0) -> Self:
        """Whole; then, after so many seconds, the connection is closed without a word, whatever
        came in meanwhile.
        """
        return dataclasses.replace(self, closes_after=after)

    def early(self) -> Self:
        """As soon as the request's head has come, whatever of its body is still to come. Scripts
        that are functions wait for the body all the same.
        """
        return dataclasses.replace(self, is_early=True)

    # When it comes.

    def delayed(self, seconds: float) -> Self:
        """Nothing comes for so long."""
        return self._changed(partial(on_the_wire.late, seconds=seconds))

    def paced(self, seconds: float) -> Self:
        """So long between one event and the next."""
        return self._changed(partial(on_the_wire.paced, seconds=seconds))

    def dribbled(self, size: int = 1, seconds: float = 0.0) -> Self:
        """So many bytes at a time, all of it."""
        return self._changed(
            partial(on_the_wire.dribbled, size=size, seconds=seconds, head_only=False)
        )

    def slow_head(self, seconds: float, size: int = 1) -> Self:
        """So many bytes of the head at a time, with a rest after each."""
        return self._changed(
            partial(on_the_wire.dribbled, size=size, seconds=seconds, head_only=True)
        )

    # How it breaks.

    def cut(self, *, after: int = 0, after_bytes: int | None = None) -> Self:
        """Broken off: the connection is closed in order."""
        return self._broken(after, after_bytes, Then.CLOSE)

    def reset(self, *, after: int = 0, after_bytes: int | None = None) -> Self:
        """Broken off: the connection is reset."""
        return self._broken(after, after_bytes, Then.RESET)

    def stalled(
        self,
        *,
        after: int = 0,
        after_bytes: int | None = None,
        seconds: float | None = None,
    ) -> Self:
        """Silent from there on, for so many seconds or for good, on an open connection."""
        return self._broken(after, after_bytes, Then.HANG if seconds is None else Pause(seconds))

    def _broken(self, after: int, after_bytes: int | None, by: Then | Pause) -> Self:
        if after_bytes is not None:
            return self._changed(partial(on_the_wire.broken_at_byte, count=after_bytes, by=by))
        return self._changed(partial(on_the_wire.broken, after=after, by=by))

    def _changed(self, change: Change) -> Self:
        return dataclasses.replace(self, changes=(*self.changes, change))


@dataclass(frozen=True, kw_only=True)
class Saying(Reply):
    """A reply in HTTP: a kind of one's own says what, and its framing is done here."""

    @abstractmethod
    def said(self, request: Request) -> Said:
        """What this reply says to a request."""

    def laid_out(self, request: Request) -> Steps:
        """See `Reply.laid_out`."""
        return self._framed(self.said(request))

    def _framed(self, said: Said) -> Iterator[Step]:
        pieces = list(_with(said.pieces, self.inserted))
        chunked = said.streamed if self.chunks is None else self.chunks
        headers = {name.lower(): value for name, value in said.headers.items()}
        if chunked:
            headers["transfer-encoding"] = "chunked"
        elif self.chunks is None:
            headers["content-length"] = str(sum(map(len, pieces)))
        headers |= {name.lower(): value for name, value in self.extra.items()}
        for status in self.informed:
            yield Send(head(status, NONE), HEAD)
        yield Send(head(said.status, headers), HEAD)
        for number, piece in enumerate(pieces):
            yield Send(chunk(piece, self.extension) if chunked else piece, number)
        trailers = "".join(f"{name}: {value}\r\n" for name, value in self.trailers.items())
        yield Send(b"0\r\n%b\r\n" % trailers.encode("latin-1") if chunked else b"", END)


def _with(pieces: Iterable[bytes], inserted: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Pieces with others between them."""
    waiting = sorted(inserted)
    for number, piece in enumerate(pieces):
        while waiting and waiting[0][0] <= number:
            yield waiting.pop(0)[1]
        yield piece
    yield from (data for _, data in waiting)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """An answer's head."""
    known = {each.value: each.phrase for each in HTTPStatus}
    lines = [f"HTTP/1.1 {status} {known.get(status, 'Odd')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """One chunk of a chunked body. Nothing at all for no bytes, which would end the body."""
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data) if data else b""
