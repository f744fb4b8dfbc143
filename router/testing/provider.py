"""A provider for tests: a real HTTP/1.1 server on loopback that does what its script says.

It answers over real sockets, so that what a test shows of a client, an application or a policy
is true of the wire as well. It must not be loaded where requests are served.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from threading import Event, Thread
from typing import Self

from router.testing.door import LOOPBACK
from router.testing.openai import Answer
from router.testing.reply import Reply
from router.testing.request import Request
from router.testing.script import Replies, Script
from router.testing.server import Server


class Provider:
    """Answers every request on a free port of 127.0.0.1 by its script, as long as it is entered:
    with `async with` on the running loop, with `with` in a thread of its own.

    `requests` are those that came, in their order. With `tls` (see `Authority`) it speaks HTTPS.
    On leaving, everything it opened is closed; what a client sent that was no HTTP/1.1 is raised
    there as MalformedRequest, and so is what a script raised.
    """

    def __init__(self, script: Script | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.script = Answer() if script is None else script
        self._scheme = "https" if tls else "http"
        self._server = Server(self._came, self._reply, tls)
        self._thread: Thread | None = None
        self._leave: Callable[[], object] = _nothing

    @property
    def script(self) -> Script:
        """What it says. A new one holds from the next request on, and begins at its beginning."""
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        self._script = script
        self._replies = Replies(script)

    @property
    def origin(self) -> str:
        """Where it listens: `http://127.0.0.1:port`."""
        return f"{self._scheme}://{LOOPBACK}:{self._server.door.port}"

    @property
    def url(self) -> str:
        """The base URL of its API: `http://127.0.0.1:port/v1`."""
        return f"{self.origin}/v1"

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return self._server.connections

    @property
    def connections_open(self) -> int:
        """How many of them are open."""
        return len(self._server.open)

    async def down(self) -> None:
        """Be gone, as after a crash: connections are reset, and new ones refused."""
        await self._server.crash()

    async def up(self) -> None:
        """Be there again, at the same address."""
        await self._server.door.take()

    async def __aenter__(self) -> Self:
        await self._server.door.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        await self._server.close()
        if self._server.faults and kind is None:
            raise self._server.faults[0]

    def __enter__(self) -> Self:
        ready = Event()
        self._thread = Thread(target=asyncio.run, args=[self._run(ready)], daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        self._leave()
        if self._thread is not None:
            self._thread.join()
        if self._server.faults and kind is None:
            raise self._server.faults[0]

    async def _run(self, ready: Event) -> None:
        """Serve until `_leave` is called, from whatever thread."""
        left, loop = asyncio.Event(), asyncio.get_running_loop()
        self._leave = lambda: loop.call_soon_threadsafe(left.set)
        await self._server.door.open()
        ready.set()
        await left.wait()
        await self._server.close()

    def _came(self, request: Request) -> None:
        request.number = len(self.requests)
        self.requests.append(request)

    async def _reply(self, request: Request) -> Reply:
        if self._replies.ask_the_request:
            await request.whole.wait()
        return self._replies.to(request)


def _nothing() -> None:
    """Nobody was entered."""
