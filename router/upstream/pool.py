"""Connections to one place: which are idle, who waits for one, when an idle one is let go.

First come, first served: whichever connection is free next, an old one or a new one, goes to who
waits longest. Nobody waits by a timer; a request whose time is over leaves by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from policies import Phase
from router.upstream.connection import Connection
from router.upstream.exchange import HttpExchange
from router.upstream.transport import UpstreamError

IDLE = 15.0
"""Seconds that an unused connection is kept: less than common servers keep theirs, and no longer
than a provider says that it does.
"""
MARGIN = 1.0
"""Seconds before a provider's own time is over that we let go, not to meet its close."""
AGE = 600.0
"""Seconds after which a connection is not used again: so a change of addresses is followed."""
LINGER = 1.0
"""Seconds that the formal end of an answer may take after what mattered of it has come."""
TICK = 1.0
"""Seconds between two looks at connections that nobody uses."""
CLOSED = UpstreamError(Phase.CONNECT, "the router is closing its connections")

Dial = Callable[["Pool", float], Awaitable[Connection]]
"""Makes a connection for a pool, within so many seconds. Raises `UpstreamError`."""


class Pool:
    """Connections that lead to the same place by the same way; at most `most` at once. `names` are
    those of the headers that have come over them.
    """

    def __init__(self, dial: Dial, most: float, loop: asyncio.AbstractEventLoop) -> None:
        self._dial = dial
        self._most = most
        self.names: dict[bytes, str] = {}
        self._loop = loop
        self._idle: dict[Connection, None] = {}
        self._lingering: dict[Connection, float] = {}
        self._waiting: dict[HttpExchange, None] = {}
        self._all: set[Connection] = set()
        self._dialling: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._closed = False
        self._emptied = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many are open or being made."""
        return len(self._all) + len(self._dialling)

    def send(self, exchange: HttpExchange) -> None:
        """Carry it on the connection that was idle for the shortest time, else on whichever is
        free first.
        """
        if self._closed:
            exchange.broken(CLOSED)
            return
        oldest = self._loop.time() - AGE
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable and connection.made > oldest:
                connection.carry(exchange)
                return
            connection.close()
        self._waiting[exchange] = None
        self._dial_more()

    def leave(self, exchange: HttpExchange) -> None:
        """It waits no more."""
        self._waiting.pop(exchange, None)

    def put(self, connection: Connection) -> None:
        """A connection that is ready for its next exchange."""
        if self._lingering:
            self._lingering.pop(connection, None)
        now = self._loop.time()
        if self._closed or connection.made <= now - AGE:
            connection.close()
        elif self._waiting:
            connection.carry(self._first())
        else:
            connection.idle_since = now
            connection.rested = True
            self._idle[connection] = None
            if self._ticker is None:
                self._stir()

    def linger(self, connection: Connection) -> None:
        """Its exchange has all that it wants: keep the connection if the answer ends soon."""
        self._lingering[connection] = self._loop.time() + LINGER
        self._stir()

    def lost(self, connection: Connection) -> None:
        """It is gone, whoever closed it."""
        self._all.discard(connection)
        self._lingering.pop(connection, None)
        self._idle.pop(connection, None)
        if self._closed and not self._all:
            self._emptied.set()
        self._dial_more()

    def doubt(self) -> None:
        """An idle connection was closed while a request was on its way to it: so may the others
        be.
        """
        for connection in list(self._idle):
            connection.close()

    def _stir(self) -> None:
        if self._ticker is None:
            self._ticker = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        """Let go of what has been idle, or has lingered, for too long."""
        self._ticker = None
        now = self._loop.time()
        for connection, until in list(self._lingering.items()):
            if now >= until:
                connection.close()
        for connection in list(self._idle):
            patience = IDLE
            if connection.patience is not None:
                patience = min(IDLE, connection.patience - MARGIN)
            if now - connection.idle_since >= patience:
                del self._idle[connection]
                connection.close()
        if self._idle or self._lingering:
            self._stir()

    async def close(self) -> None:
        """End everything now; who waits or is carried is told."""
        self._closed = True
        if self._ticker is not None:
            self._ticker.cancel()
        for exchange in list(self._waiting):
            exchange.broken(CLOSED)
        self._waiting.clear()
        for task in self._dialling:
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        for connection in list(self._all):
            connection.close()
        if self._all:
            await self._emptied.wait()

    def _first(self) -> HttpExchange:
        exchange = next(iter(self._waiting))
        del self._waiting[exchange]
        return exchange

    def _dial_more(self) -> None:
        """As many connections in the making as there are requests without one."""
        if self._closed:
            return
        wanted = min(len(self._waiting) - len(self._dialling), self._most - self.connections)
        if wanted > 0:
            within = next(reversed(self._waiting)).within
            for _ in range(int(wanted)):
                task = self._loop.create_task(self._make(within))
                self._dialling.add(task)
                task.add_done_callback(self._dialling.discard)

    async def _make(self, within: float) -> None:
        try:
            connection = await self._dial(self, within)
        except UpstreamError as error:
            self._leave_dialling()
            if self._waiting:
                self._first().broken(error)
            self._dial_more()
        else:
            self._leave_dialling()
            self._all.add(connection)
            self.put(connection)

    def _leave_dialling(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs in one
        self._dialling.discard(task)
