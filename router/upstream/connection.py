"""One connection to a provider: requests out, answers in, one exchange at a time.

llhttp reads the answers, strictly. What is left to do here: bounds on everything that is not an
answer's body, interim answers, bodies that end with their connection, and the one rule that keeps
answers with their questions: a connection about which there is any doubt is closed, not kept.
"""

from __future__ import annotations

import asyncio
from ssl import SSLError
from typing import Final, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from policies import Phase
from router.upstream import tls
from router.upstream.exchange import HttpExchange
from router.upstream.fields import every, of_success
from router.upstream.transport import Head, UpstreamError

HIGH_WATER: Final = 256 * 1024
"""Bytes that have come and were not taken, beyond which reading pauses."""
MOST_BETWEEN: Final = 64 * 1024
"""Bytes of head, chunk framing, trailers or interim answers that may come between two pieces of a
body: common servers send at most 8 to 32 kB of headers.
"""
MOST_HEADERS: Final = 256
SUCCESS: Final = 200
NO_SUCCESS: Final = 300
NO_CONTENT: Final = frozenset((204, 304))


class TooManyHeaders(Exception):
    """A head has more of them than any provider sends."""


class Owner(Protocol):
    """Whose connections they are. `names` are the names of headers that have come before."""

    names: dict[bytes, str]

    def put(self, connection: Connection) -> None:
        """It is ready for its next exchange."""

    def linger(self, connection: Connection) -> None:
        """Its exchange has all that it wants: it is kept if the answer ends soon."""

    def lost(self, connection: Connection) -> None:
        """It is gone, whoever closed it."""

    def doubt(self) -> None:
        """It was closed while idle, when a request was on its way."""


class Connection(asyncio.BaseProtocol):
    """A connection of a pool: idle, carrying an exchange, or lost.

    `used` counts the exchanges that it has carried, `rested`: it has been idle; `made` and
    `idle_since` are instants on the loop's clock; `patience` is how long the provider says that it
    keeps it while idle, if it does.
    """

    __slots__ = (
        "_between", "_exchange", "_fields", "_interim", "_keep", "_over", "_parser",
        "_paused", "_pool", "_to_its_end", "_transport", "idle_since", "made", "patience", "rested",
        "used",
    )  # fmt: skip

    def __init__(self, pool: Owner, now: float) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._exchange: HttpExchange | None = None
        self._fields: list[tuple[bytes, bytes]] = []
        self._between = 0
        self._interim = self._over = self._keep = self._to_its_end = False
        self._paused = False
        self.made = self.idle_since = now
        self.patience: float | None = None
        self.used = 0
        self.rested = False

    @property
    def usable(self) -> bool:
        """Nothing is known against sending on it."""
        return self._transport is not None and not self._transport.is_closing()

    def carry(self, exchange: HttpExchange) -> None:
        """Send the exchange's request, and bring it the answer."""
        transport = self._transport
        assert transport is not None  # noqa: S101 - only those that are usable are given out
        self._exchange = exchange
        self._between = 0
        self.used += 1
        exchange.carried(self)
        transport.write(exchange.request)
        exchange.request = b""

    def linger(self) -> None:
        """Its exchange has all that it wants."""
        self._pool.linger(self)

    def resume(self) -> None:
        """There is room again for what comes."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """End it now; what was written is not waited for."""
        if self._transport is not None:
            self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        exchange, parser = self._exchange, self._parser
        if exchange is None or parser is None:
            self.close()  # words that nobody asked for: whose answer would the next ones be?
            return
        self._between += len(data)
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            # A callback that raised is one of ours that has seen too much.
            told = "too many headers" if isinstance(error.__context__, TooManyHeaders) else error
            if not self._over:
                self._break(f"what came is not HTTP/1.1 ({told})")
                return
            self._keep = False
        if self._over:
            self._finish(keep=self._keep)
        elif self._between > MOST_BETWEEN:
            self._break(f"more than {MOST_BETWEEN} bytes that are no part of an answer's body")
        elif exchange.held > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        exchange.bell.ring()

    def eof_received(self) -> None:
        """See `asyncio.Protocol`."""
        if self._exchange is not None and self._to_its_end:
            bell = self._exchange.bell
            self._finish(keep=False)
            bell.ring()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = self._parser = None  # they know each other: let both go
        exchange, self._exchange = self._exchange, None
        self._pool.lost(self)
        if exchange is not None:
            broke = self._how_it_broke(exchange, error)
            if broke.stale:
                self._pool.doubt()
            exchange.broken(broke)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A second answer where one was asked for is a doubt."""
        if self._over:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody asked for."""
        fields = self._fields
        if len(fields) >= MOST_HEADERS:
            raise TooManyHeaders
        fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: an interim one is forgotten, any other is the answer's."""
        exchange, parser = self._exchange, self._parser
        if self._over or exchange is None or parser is None:
            return
        status = parser.get_status_code()
        fields = self._fields
        good = SUCCESS <= status < NO_SUCCESS
        headers, limits = of_success(fields, self._pool.names) if good else (every(fields), ())
        fields.clear()
        self._interim = status < SUCCESS
        if self._interim:
            return
        exchange.head = Head(status, headers, limits)
        self.patience = kept_for(headers["keep-alive"]) if "keep-alive" in headers else None
        if "content-length" not in headers:
            coded = headers.get("transfer-encoding", "").lower().endswith("chunked")
            self._to_its_end = not (coded or status in NO_CONTENT)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        exchange = self._exchange
        if exchange is not None and not self._over:
            self._between = 0
            exchange.pieces.append(data)
            exchange.held += len(data)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._interim:
            self._interim = False
        elif not self._over:
            self._over = True
            parser = self._parser
            self._keep = parser is not None and parser.should_keep_alive()

    def _finish(self, *, keep: bool) -> None:
        """The answer is whole: the exchange has its end, the pool its connection."""
        exchange, transport = self._exchange, self._transport
        assert exchange is not None  # noqa: S101 - what is over was begun
        self._exchange = None
        self._over = self._to_its_end = False
        self._fields.clear()
        exchange.whole()
        if self._paused:
            self.resume()
        # A provider that answers before it has read everything may take the rest for a request.
        if keep and transport is not None and not transport.get_write_buffer_size():
            self._pool.put(self)
        else:
            self.close()

    def _break(self, detail: str) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            phase = Phase.HEAD if exchange.head is None else Phase.BODY
            exchange.broken(UpstreamError(phase, detail))
        self.close()

    def _how_it_broke(self, exchange: HttpExchange, error: Exception | None) -> UpstreamError:
        told = tls.told(error) if isinstance(error, SSLError) else type(error).__name__
        why = f" ({told})" if error is not None else ""
        if exchange.head is not None:
            return UpstreamError(Phase.BODY, f"the connection broke off{why}")
        kept = self.used > 1 or self.rested
        return UpstreamError(
            Phase.HEAD,
            f"the connection broke before an answer{why}",
            stale=kept and not self._between,
        )


class Secure(Connection, asyncio.BufferedProtocol):
    """One over TLS. It is read into `room`, which all such connections may share since nothing
    stays there. Event loops otherwise make room for 256 kB for every read; of those the C library
    asks the kernel for some one by one, which can cost more than all the rest of a small read.
    """

    __slots__ = ("_room",)

    def __init__(self, pool: Owner, now: float, room: memoryview) -> None:
        super().__init__(pool, now)
        self._room = room

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._room[:nbytes]))


def kept_for(told: str) -> float | None:
    """Seconds for which a provider says that it keeps an idle connection (RFC 2068, 19.7.1.1)."""
    _, found, seconds = told.partition("timeout=")
    digits = seconds.partition(",")[0].strip()
    return float(digits) if found and digits.isdecimal() and len(digits) < 7 else None
