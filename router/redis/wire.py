"""One connection to a server of Redis's protocol: commands go out in order, and so do answers come.

A connection is never used again after an answer that was not awaited to its end: it is cut, and
whoever else waits on it learns so. Thus no answer can be given to another's question.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import hiredis

from router.redis.down import Down

Word = bytes | str | int
Answer = object
"""What a server says: bytes, an integer, a list of such, None; `ReplyError` for an error of its
own, and `Down` when the connection was cut before.
"""


class Wire(asyncio.Protocol):
    """See above. `cut_off` is done when the connection has ended, however it did."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self._transport: asyncio.Transport | None = None
        self.cut_off: asyncio.Future[Down] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self.cut_off.done():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while not self.cut_off.done() and (answer := self._reader.gets()) is not False:
                future = self._waiting.popleft()
                if not future.done():
                    future.set_result(answer)
        except (hiredis.ProtocolError, IndexError):
            self.cut(Down("something that does not speak Redis's protocol answers there"))

    def connection_lost(self, error: Exception | None) -> None:
        self.cut(Down("it closed the connection"))

    def ask(self, *words: Word) -> asyncio.Future[Answer]:
        """Send a command. The future's result is what is answered; who no longer wants to know may
        cancel it, or let it go.
        """
        future: asyncio.Future[Answer] = self._loop.create_future()
        if self.cut_off.done():
            future.set_result(self.cut_off.result())
        elif self._transport is not None:
            self._waiting.append(future)
            self._transport.write(hiredis.pack_command(cast("Any", words)))
        return future

    def cut(self, why: Down) -> None:
        """End it now, whatever is under way."""
        if self.cut_off.done():
            return
        self.cut_off.set_result(why)
        if self._transport is not None:
            # Not `close`: what a silent server has not taken yet would be kept for it for ever.
            self._transport.abort()
        for future in self._waiting:
            if not future.done():
                future.set_result(why)
        self._waiting.clear()
