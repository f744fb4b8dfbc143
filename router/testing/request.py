"""What came in at a scripted server, and how it is read off the wire.

The reader is strict: a client whose requests are no HTTP/1.1 should learn it here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MOST_HEAD = 1_000_000  # bytes


class MalformedRequest(Exception):
    """A client sent what is no HTTP/1.1 request."""


@dataclass(eq=False)
class Request:
    """One request as it came. It is there once its head has come; the body may still grow.

    `headers` are as written, with names in lower case; `number` counts the provider's requests
    and `connection` its connections, both from 0; `at` is when the head came and `left_at` when
    the client went away before its answer was whole, on the loop's clock; `sent` counts the bytes
    of the answer so far.
    """

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    number: int = 0
    connection: int = 0
    reused: bool = False
    at: float = 0.0
    sent: int = 0
    left_at: float | None = None
    whole: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for given, value in self.headers if given == name.lower()]

    @property
    def json(self) -> Any:
        """The body. Raises ValueError if it is no JSON."""
        return json.loads(self.body)

    @property
    def fields(self) -> dict[str, Any]:
        """The body's fields; none if it is no JSON object."""
        try:
            told = self.json
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    @property
    def left(self) -> bool:
        """Whether the client went away before its answer was whole."""
        return self.left_at is not None

    async def until_over(self) -> bool:
        """Wait until the answer is whole or the client has left: whether it was left."""
        await self.over.wait()
        return self.left


class Reading:
    """Reads the requests of one connection: `on_head` as each begins; `Request.whole` is set as
    it ends.
    """

    def __init__(self, on_head: Callable[[Request], None]) -> None:
        self._on_head = on_head
        self._held = bytearray()
        self._request: Request | None = None
        self._left = 0
        self._chunked = False
        self._step: Callable[[], bool] = self._head

    def feed(self, data: bytes) -> None:
        """Take what came. Raises MalformedRequest."""
        self._held += data
        while self._step():
            pass

    def _head(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            if len(self._held) > MOST_HEAD:
                raise MalformedRequest("a head without an end")
            return False
        head = bytes(self._held[:end])
        del self._held[: end + 4]
        request = self._request = parsed(head)
        lengths, codings = request.header("content-length"), request.header("transfer-encoding")
        if (lengths and codings) or len(lengths) > 1 or codings not in ([], ["chunked"]):
            raise MalformedRequest(f"a body of doubtful length: {head!r}")
        if lengths and not lengths[0].isdecimal():
            raise MalformedRequest(f"a length that is none: {head!r}")
        self._on_head(request)
        self._left = int(lengths[0]) if lengths else 0
        self._step = self._size if codings else self._data
        self._chunked = bool(codings)
        return True

    def _data(self) -> bool:
        request = self._asked()
        data = bytes(self._held[: self._left])
        del self._held[: len(data)]
        request.body += data
        self._left -= len(data)
        if self._left:
            return False
        if self._chunked:
            self._step = self._end_of_chunk
        else:
            self._end()
        return True

    def _size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        try:
            self._left = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise MalformedRequest(f"a chunk's size that is none: {line!r}") from error
        self._step = self._data if self._left else self._trailers
        return True

    def _end_of_chunk(self) -> bool:
        line = self._line()
        if line:
            raise MalformedRequest(f"a chunk that goes on: {line!r}")
        if line is not None:
            self._step = self._size
        return line is not None

    def _trailers(self) -> bool:
        line = self._line()
        if line == b"":
            self._end()
        return line is not None

    def _end(self) -> None:
        self._asked().whole.set()
        self._request = None
        self._step = self._head

    def _line(self) -> bytes | None:
        end = self._held.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 2]
        return line

    def _asked(self) -> Request:
        if self._request is None:
            raise AssertionError("a body without a head")
        return self._request


def parsed(head: bytes) -> Request:
    """A request's head, without its body. Raises MalformedRequest."""
    first, *lines = head.decode("latin-1").split("\r\n")
    match first.split(" "):
        case [method, path, "HTTP/1.1"] if method.isalpha() and path:
            pass
        case _:
            raise MalformedRequest(f"no request line: {first!r}")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise MalformedRequest(f"no header: {line!r}")
        headers.append((name.lower(), value.strip()))
    return Request(method, path, headers)
