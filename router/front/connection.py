"""One client's connection: requests in, one after the other, bounded; answers are the responder's.

llhttp reads, strictly. What is left to do here: bounds on everything that is not a body, requests
that come before the last one is answered, bodies that nobody wants, a client that leaves. Nothing
of what a client did wrong is logged, and nothing that went wrong here is told to a client.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from router.front.request import METHODS, NAMES, Bounds, Request

IDLE: Final = 75.0
"""Seconds without a request: longer than the 60 s after which load balancers commonly drop an idle
connection, so that they do, and not we while a request is on its way."""
LINGER: Final = 2.0
"""Seconds for which the rest of a body that nobody wants is taken: a client that is still sending
reads its answer only then.
"""
HIGH_WATER: Final = 64 * 1024
"""Bytes of a body that come before somebody asks for it."""
MOST_FIELD: Final = 8190
MOST_HEADERS: Final = 128
MOST_BETWEEN: Final = 64 * 1024
"""Bytes of one header and of a target, headers, and bytes of head or framing between two pieces of
a body: as common servers have them, or more."""

# The kernel otherwise takes some 4 MB ahead of a client that reads slowly: kept for each stream,
# and it hides for as long that the client takes anything at all. Absent on some systems.
NOT_SENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)
NOT_SENT_BYTES: Final = 128 * 1024

Answer = Callable[["Connection", Request], Coroutine[None, None, None]]
"""Answers a request, and ends with `Connection.over`."""


class Malformed(Exception):
    """A head that is well written, and says what it may not."""


class Connection(asyncio.Protocol):
    """One connection of a listener's; it is in `connections` while it is open.

    `answer` is run in a task that is cancelled when the client leaves; `malformed` answers what is
    not HTTP, given the words of the parser. `paused`: the client takes less than it is sent.
    `vetted` is the last Host that the guard let pass.
    """

    __slots__ = (
        "_answer", "_between", "_connections", "_doomed", "_fields", "_headers", "_known",
        "_lingering",
        "_loop",
        "_malformed", "_parser", "_requests", "_room", "_stopped", "_target", "_task", "bounds",
        "idle_since", "paused", "transport", "vetted",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connections: set[Connection],
        answer: Answer,
        malformed: Callable[[Connection, str], None],
        bounds: Bounds,
    ) -> None:
        self._loop = loop
        self._connections = connections
        self._answer = answer
        self._malformed = malformed
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._requests: deque[Request] = deque()
        self._fields: dict[str, str] = {}
        self._target = b""
        self._headers = self._between = 0
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._doomed = self._known = self._lingering = self._stopped = False
        self.transport: asyncio.Transport
        self.bounds = bounds
        self.idle_since = loop.time()
        self.paused = False
        self.vetted: str | None = None

    @property
    def busy(self) -> bool:
        """A request is being answered, or is on its way."""
        return bool(self._requests)

    def expire(self, now: float) -> None:
        """End it if it has brought nothing for too long, or does not take its last answer."""
        if self._requests or now - self.idle_since < IDLE:
            return
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()

    async def more(self, request: Request) -> None:
        """Wait until more of the request's body has come."""
        request.wanted = self._loop.create_future()
        self._read_on()
        try:
            await request.wanted
        finally:
            request.wanted = None

    async def drain(self) -> None:
        """Wait until the client has taken enough of what it was sent, or has left."""
        if self.paused:
            self._room = self._loop.create_future()
            try:
                await self._room
            finally:
                self._room = None

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        if NOT_SENT_LOWAT is not None:
            wire = transport.get_extra_info("socket")
            if wire.family != socket.AF_UNIX:
                wire.setsockopt(socket.IPPROTO_TCP, NOT_SENT_LOWAT, NOT_SENT_BYTES)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._parser = None  # they know each other: let it go
        self.resume_writing()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._doomed or self._parser is None:
            return
        self._between += len(data)
        try:
            while data:
                data = self._feed(data)
        except HttpParserError as error:
            self._break(str(error.__context__ or error))
        else:
            if self._between > MOST_BETWEEN:
                self._break("too long a head")
        if self._requests:
            first, last = self._requests[0], self._requests[-1]
            if first.wanted is not None and not first.wanted.done():
                first.wanted.set_result(None)
            if last is not first or (last.wanted is None and last.size > HIGH_WATER):
                self._stop_reading()
            if self._task is None and not self._lingering:
                self._begin()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url
        if len(self._target) > MOST_FIELD:
            raise Malformed("too long a target")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody asked for. Those of one name are joined."""
        fields = self._fields
        if len(name) + len(value) > MOST_FIELD:
            raise Malformed("too long a header")
        self._headers += 1
        if self._headers > MOST_HEADERS:
            raise Malformed("too many headers")
        key = NAMES.get(name) or name.decode("latin-1").lower()
        text = value.decode("utf-8", "surrogateescape")
        if key in fields:
            if key == "host":
                raise Malformed("two hosts")
            text = f"{fields[key]}, {text}"
        fields[key] = text

    def on_headers_complete(self) -> None:
        """The head is whole."""
        parser = self._parser
        assert parser is not None  # noqa: S101 - it calls
        version = parser.get_http_version()
        headers, self._fields, self._headers = self._fields, {}, 0
        target, self._target = self._target, b""
        if self._known:
            self._known = False
            return
        if version not in ("1.0", "1.1"):
            raise Malformed("another version")
        if version == "1.1" and "host" not in headers:
            raise Malformed("no host")
        method = parser.get_method()
        self._requests.append(
            Request(
                self,
                METHODS.get(method) or method.decode("latin-1"),
                target.decode("utf-8", "surrogateescape"),
                headers,
                version=version,
                keep_alive=parser.should_keep_alive(),
            )
        )

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._between = 0
        if not self._lingering:
            self._requests[-1].came(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._between = self._headers = 0
        self._fields.clear()
        if self._lingering:
            self.transport.close()
        else:
            self._requests[-1].whole = True

    # From one request to the next.

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._answer(self, self._requests[0]))

    def over(self, request: Request, *, keep: bool) -> None:
        """The request has its answer; the connection may bring another if it is to be kept."""
        self._task = None
        self.idle_since = self._loop.time()
        if self.transport.is_closing():
            return
        if not request.whole and not request.broken:
            self._lingering = True
            self._requests.clear()
            self._read_on()
            self._loop.call_later(LINGER, self.transport.close)
            return
        self._requests.popleft()
        if not keep or (self._doomed and not self._requests):
            self.transport.close()
        elif self._requests:
            self._begin()
        if len(self._requests) < 2:
            self._read_on()

    def _feed(self, data: bytes) -> bytes:
        """Have it parsed; what is to be parsed after it.

        A client that asks for another protocol (common ones ask for HTTP/2 with their first
        request) is answered in this one. The parser takes the body for the other's: a new one is
        told only how it is framed.
        """
        parser = self._parser
        try:
            if parser is not None:
                parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            request = self._requests[-1]
            request.whole = False
            self._parser, self._known = HttpRequestParser(self), True
            return request.framing() + data[upgrade.args[0] :]
        return b""

    def _break(self, words: str) -> None:
        """What came is not HTTP. It is answered in its turn; nothing after it is read."""
        self._doomed = True
        if self._lingering:
            self.transport.close()
        elif self._requests and not self._requests[-1].whole:
            self._requests[-1].broken = True
        elif not self._requests:
            self._malformed(self, words)
            self.transport.close()

    def _stop_reading(self) -> None:
        if not self._stopped:
            self._stopped = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self._stopped:
            self._stopped = False
            self.transport.resume_reading()
