"""A bad network for tests: a TCP proxy on loopback, in front of anything that listens.

It carries bytes and reads none of them, so TLS, streams and other protocols pass as well. What a
provider itself does wrong is scripted with `Provider`; this is what lies between.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Self
from urllib.parse import urlsplit

from router.testing.door import LOOPBACK, Door
from router.testing.line import Line


class Chaos:
    """Carries connections on a free port of 127.0.0.1 to the host and port of `url`, as long as
    it is entered with `async with`. All of it may be set at any time, and holds for bytes that
    come from then on:

    `latency`: seconds that everything is late, each way; `jitter`: up to so many more, drawn from
    `rng`. `bandwidth`: bytes a second, on each connection each way; None: no limit. `reset_after`:
    bytes of the server's after which a connection is reset. `black_hole`: bytes are taken and
    vanish, both ways, and nobody learns of it.
    """

    def __init__(
        self,
        url: str,
        *,
        latency: float = 0.0,
        jitter: float = 0.0,
        bandwidth: float | None = None,
        reset_after: int | None = None,
        black_hole: bool = False,
        rng: Random | None = None,
    ) -> None:
        self.latency = latency
        self.jitter = jitter
        self.bandwidth = bandwidth
        self.reset_after = reset_after
        self.black_hole = black_hole
        self.rng = rng or Random(0)
        self.connections = 0
        self._url = urlsplit(url)
        self._lines: set[Line] = set()
        self._changed = asyncio.Event()
        self._door = Door(self._connected)

    @property
    def url(self) -> str:
        """The URL that it was given, with its own address in it."""
        return self._url._replace(netloc=f"{LOOPBACK}:{self._door.port}").geturl()

    @property
    def connections_open(self) -> int:
        """How many of the connections that were made are still carried."""
        return len(self._lines)

    async def take(self) -> None:
        """Take connections again."""
        await self._door.take()

    async def refuse(self) -> None:
        """Refuse new connections."""
        await self._door.refuse()

    async def ignore(self) -> None:
        """Leave new connections without any answer: whoever connects waits."""
        await self._door.ignore()

    def reset(self) -> None:
        """Reset every connection, on both sides."""
        for line in list(self._lines):
            line.reset()

    def cut(self) -> None:
        """Close every connection in order, on both sides."""
        for line in list(self._lines):
            line.close()

    def half_close(self) -> None:
        """Tell every client that nothing more comes; what it sends still arrives."""
        for line in list(self._lines):
            line.half_close()

    async def __aenter__(self) -> Self:
        await self._door.open()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._door.close()
        self.reset()
        while self._lines:
            self._changed.clear()
            await self._changed.wait()

    def _connected(self) -> asyncio.Protocol:
        self.connections += 1
        port = self._url.port or {"https": 443}.get(self._url.scheme, 80)
        line = Line(self, (self._url.hostname or LOOPBACK, port), self._closed)
        self._lines.add(line)
        return line.client

    def _closed(self, line: Line) -> None:
        self._lines.discard(line)
        self._changed.set()
