"""The server behind `Provider`: its door, its connections, and what went wrong on them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from router.testing.connection import Connection
from router.testing.door import Door
from router.testing.reply import Reply
from router.testing.request import Request


class Server:
    """Gives every request to `came` as its head has come, and then does what `reply` says."""

    def __init__(
        self,
        came: Callable[[Request], None],
        reply: Callable[[Request], Awaitable[Reply]],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.came = came
        self.reply = reply
        self.connections = 0
        self.open: set[Connection] = set()
        self.faults: list[BaseException] = []
        self.door = Door(lambda: Connection(self), tls)
        self._changed = asyncio.Event()

    def opened(self, connection: Connection) -> int:
        """See `House`."""
        self.open.add(connection)
        self._changed.set()
        self.connections += 1
        return self.connections - 1

    def closed(self, connection: Connection, fault: BaseException | None) -> None:
        """See `House`."""
        self.open.remove(connection)
        self._changed.set()
        if fault is not None:
            self.faults.append(fault)

    async def crash(self) -> None:
        """Reset every connection, and refuse new ones."""
        await self.door.refuse()
        await self._end(Connection.reset)

    async def close(self) -> None:
        """End everything."""
        await self.door.close()
        await self._end(Connection.abort)

    async def _end(self, end: Callable[[Connection], None]) -> None:
        """End every connection, those that are made meanwhile as well."""
        while self.open:
            for connection in list(self.open):
                end(connection)
            self._changed.clear()
            await self._changed.wait()
