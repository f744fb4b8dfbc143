"""One answer on its way to a client: HTTP/1.1 framing over a transport, with back-pressure.

It writes bytes itself instead of building response objects: an answer is one write, a chunk is
one write, and a timer is armed only while the transport is full. It must not decide what to say.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from router.front.connection import Connection
from router.front.exchange import Headers
from router.front.request import Request
from router.sink import ClientGone, SlowClient
from router.stage import NO_TURN

# These say where an answer ends and what becomes of the connection: they are not the handler's.
FRAMING: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}
)
STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
BODILESS: Final = frozenset({204, 304})
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for zero seconds


class HttpDate:
    """The line of the `Date` header, rendered once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def line(self) -> str:
        """Give the line for now, with its end."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._line


def render_fields(headers: Headers) -> str:
    """Render the lines of these headers (names in lower case), without those that frame an answer.

    Raises ValueError for a name or value that would break out of its line.
    """
    if not FRAMING.isdisjoint(headers):
        headers = {name: value for name, value in headers.items() if name not in FRAMING}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise ValueError(f"a control character in the headers of an answer: {lines}")
    return text


class WireResponder:
    """The answer to one request. `sink.Sink` describes its verbs.

    `added` are headers that every answer to this request carries, whoever gives it;
    `keep_alive` may be taken back until the head goes out; `lost` says that there is nobody to
    answer any more; `waited` is for how many seconds the client took too little. An answer that is
    neither `ended` nor `lost` must be cut by `abort`.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_date",
        "_mute",
        "_request",
        "_transport",
        "_wait",
        "added",
        "ended",
        "keep_alive",
        "lost",
        "started",
        "waited",
    )

    def __init__(
        self, request: Request, connection: Connection, date: HttpDate, wait: float
    ) -> None:
        self._request = request
        self._connection = connection
        self._transport = connection.transport
        self._date = date
        self._wait = wait
        self._chunked = False
        self._mute = False
        self.added: Headers = {}
        self.keep_alive = request.keep_alive
        self.started = False
        self.ended = False
        self.lost = False
        self.waited = 0.0

    async def start(self, status: int, headers: Headers) -> None:
        self._put(self._head(status, headers, None))
        if self._connection.paused:
            await self._room()

    async def write(self, data: bytes) -> None:
        if self._mute or not data:  # an empty chunk would end the answer
            return
        self._put(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if self._connection.paused:
            await self._room()

    def put(self, data: bytes) -> bool:
        transport = self._transport
        if self._connection.paused or self._mute or not data or transport.is_closing():
            return False
        transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        return True

    async def end(self) -> None:
        self.ended = True
        if self._chunked:
            self._put(b"0\r\n\r\n")
        if self._connection.paused:
            await self._room()

    def send(self, status: int, headers: Headers, body: bytes) -> Awaitable[None]:
        self.send_soon(status, headers, body)
        return self._room() if self._connection.paused else NO_TURN

    def send_soon(self, status: int, headers: Headers, body: bytes) -> None:
        """Give a whole answer without waiting for room."""
        head = self._head(status, headers, len(body))
        self.ended = True
        self._put(head if self._mute else head + body)

    def abort(self) -> None:
        """Reset the connection, so that nobody takes what went out for the whole."""
        if self._transport.is_closing():
            return
        wire = self._transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._transport.abort()

    def _head(self, status: int, headers: Headers, length: int | None) -> bytes:
        if self.started:
            raise RuntimeError("a second answer to one request")
        request = self._request
        fields = render_fields(headers)
        if self.added:
            fields += render_fields(self.added)
        self._mute = status in BODILESS or request.method == "HEAD"
        if length is None:
            # In HTTP/1.0 it is the end of the connection that ends an answer.
            self._chunked = request.chunks and not self._mute
            framing = "Transfer-Encoding: chunked\r\n" if self._chunked else ""
        else:
            framing = "" if status in BODILESS else f"Content-Length: {length}\r\n"
        if not request.whole:  # what is left of its body would be read as a request
            self.keep_alive = False
        if not self.keep_alive:
            framing += "Connection: close\r\n"
        self.started = True
        line = STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
        head = f"{line}{fields}{self._date.line()}{framing}\r\n"
        return head.encode("utf-8", "surrogateescape")

    def _put(self, data: bytes) -> None:
        if self._transport.is_closing():
            self.lost = True
            raise ClientGone
        self._transport.write(data)

    async def _room(self) -> None:
        """Wait until the transport takes more, for as long as the client keeps taking something."""
        transport, connection = self._transport, self._connection
        waiting = transport.get_write_buffer_size()
        while connection.paused and not transport.is_closing():
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._wait):
                    await connection.drain()
            except TimeoutError:
                before, waiting = waiting, transport.get_write_buffer_size()
                if waiting >= before:
                    self.lost = True
                    raise SlowClient from None
            finally:
                self.waited += time.monotonic() - began
        if transport.is_closing():
            self.lost = True
            raise ClientGone
