"""One connection of a scripted server: reads requests, and does what their replies say.

It is a plain protocol, since it must be able to do what servers should not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol, cast

from router.testing.door import reset
from router.testing.reply import Reply, head
from router.testing.request import MalformedRequest, Reading, Request
from router.testing.steps import Pause, Send, Then

SLICE = 65_536  # bytes that are written at once, so that `Request.sent` counts what was taken

MOMENT = 0.001  # seconds before a reset, in which a client that reads sees what was sent before it


class House(Protocol):
    """What a connection needs of the provider that it belongs to."""

    def opened(self, connection: Connection) -> int:
        """A connection was opened; its number."""

    def closed(self, connection: Connection, fault: BaseException | None) -> None:
        """It is closed, and this went wrong that should not have."""

    def came(self, request: Request, /) -> None:
        """The head of a request has come."""

    def reply(self, request: Request, /) -> Awaitable[Reply]:
        """What it is to be answered."""


class Connection(asyncio.Protocol):
    """See the module."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._number = -1
        self._reading = Reading(self._began)
        self._unanswered: list[Request] = []
        self._answering: asyncio.Task[None] | None = None
        self._requests = 0
        self._room = asyncio.Event()
        self._room.set()
        self._fault: BaseException | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._number = self._house.opened(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        try:
            self._reading.feed(data)
        except MalformedRequest as fault:
            self._fault = fault
            self.abort()

    def eof_received(self) -> None:
        """Whoever sends no more has left: the connection is closed."""
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._leave()
        self._house.closed(self, self._fault)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._room.clear()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._room.set()

    def abort(self) -> None:
        """Close it now; what was not sent yet is dropped."""
        self._stop()
        self._transport.abort()

    def reset(self) -> None:
        """Close it now, with RST instead of FIN."""
        reset(self._transport)

    def _began(self, request: Request) -> None:
        request.at = self._loop.time()
        request.connection = self._number
        request.reused = self._requests > 0
        self._requests += 1
        self._unanswered.append(request)
        self._house.came(request)
        if self._answering is None:  # a connection that is idle has no task
            self._answering = self._loop.create_task(self._answer())
            self._answering.add_done_callback(self._answered)

    def _leave(self) -> None:
        """The client has left."""
        self._stop()
        for request in self._unanswered:
            request.left_at = self._loop.time()
            request.over.set()
        self._unanswered.clear()

    def _stop(self) -> None:
        if self._answering is not None:
            self._answering.cancel()

    def _answered(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._fault = task.exception()
            self._transport.abort()

    async def _answer(self) -> None:
        while self._unanswered:
            request = self._unanswered[0]
            if "100-continue" in request.header("expect"):
                self._transport.write(head(100, {}))
            reply = await self._house.reply(request)
            if not reply.is_early:
                await request.whole.wait()
            ended = await self._say(reply, request)
            self._unanswered.remove(request)
            request.over.set()
            if ended is Then.RESET:
                await asyncio.sleep(MOMENT)
                self.reset()
            if reply.closes_after is not None:
                await asyncio.sleep(reply.closes_after)
                ended = Then.CLOSE
            if ended or reply.closes or "close" in request.header("connection"):
                self._transport.close()
                return
            await request.whole.wait()
        self._answering = None

    async def _say(self, reply: Reply, request: Request) -> Then | None:
        """Do what a reply says; how it ended before its time, if it did."""
        for step in reply.steps(request):
            match step:
                case Send(data):
                    for start in range(0, len(data), SLICE):
                        if self._transport.is_closing():
                            return Then.CLOSE
                        piece = data[start : start + SLICE]
                        self._transport.write(piece)
                        await self._room.wait()
                        request.sent += len(piece)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Then.HANG:
                    await self._loop.create_future()
                case Then():
                    return step
        return None
