"""A client's request as it comes in: its head, and as much of its body as has come.

The body is bounded in size and time, and waited for only when it is wanted.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, Protocol

from router.front.exchange import Refused, TooLarge

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# So many bytes buy a client another `pace` seconds: one byte would let it stay for ever.
PACE_BYTES: Final = 16 * 1024

METHODS: Final = {method.encode(): method for method in ("GET", "HEAD", "OPTIONS", "POST")}
COMMON: Final = (
    "accept", "accept-encoding", "accept-language", "authorization", "connection", "content-length",
    "content-type", "cookie", "host", "openai-beta", "origin", "traceparent", "tracestate",
    "transfer-encoding", "user-agent", "x-forwarded-for", "x-request-id", "x-router-policy",
    "x-router-priority", "x-router-target", "x-router-timeout", "x-stainless-arch",
    "x-stainless-async", "x-stainless-lang", "x-stainless-os", "x-stainless-package-version",
    "x-stainless-read-timeout", "x-stainless-retry-count", "x-stainless-runtime",
    "x-stainless-runtime-version",
)  # fmt: skip
NAMES: Final = {spelt.encode(): name for name in COMMON for spelt in (name, name.title())}
"""What most requests say, as they write it."""


class Bounds(NamedTuple):
    """The most bytes of a body, and how many seconds its client has for each `PACE_BYTES`."""

    size: int
    pace: float


class Source(Protocol):
    """Where a request comes from."""

    @property
    def bounds(self) -> Bounds: ...

    @property
    def transport(self) -> asyncio.Transport: ...

    async def more(self, request: Request) -> None:
        """Wait until more of the request's body has come."""


class Request:
    """One request: see `Inbound`. `headers` have their names in lower case; `chunks`: an answer of
    unknown length may be sent in chunks; `keep_alive`: the client would send another.

    `whole`: all of its body has come; `broken`: the rest of it never will, since what came is not
    framed as HTTP asks. `wanted` is for whoever waits for more of it.
    """

    __slots__ = (
        "_source", "broken", "chunks", "headers", "keep_alive", "method", "path", "pieces", "query",
        "size", "wanted", "whole",
    )  # fmt: skip

    def __init__(
        self, source: Source, method: str, target: str, headers: dict[str, str], *, version: str,
        keep_alive: bool,
    ) -> None:  # fmt: skip
        self._source = source
        self.method = method
        if not target.startswith("/") and "://" in target:
            target = "/" + target.partition("://")[2].partition("/")[2]
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.chunks = version == "1.1"
        # Clients of HTTP/1.0 that ask for a second request are too rare to learn their way.
        self.keep_alive = keep_alive and self.chunks
        self.pieces: list[bytes] = []
        self.size = 0
        self.whole = self.broken = False
        self.wanted: asyncio.Future[None] | None = None

    @property
    def peer(self) -> str:
        name = self._source.transport.get_extra_info("peername")
        return name[0] if name else ""

    def came(self, data: bytes) -> None:
        """A piece of the body."""
        self.pieces.append(data)
        self.size += len(data)

    def at_hand(self) -> bytes | None:
        return self._let_go() if self.whole and self.size <= self._source.bounds.size else None

    async def body(self) -> bytes:
        """See `Inbound`. A client that waits for leave to send it gets it."""
        limit = self._source.bounds.size
        if self.size > limit or int(self.headers.get("content-length", "0")) > limit:
            raise TooLarge(limit)
        if not self.whole:
            if self.headers.get("expect", "").lower() == "100-continue" and not self.size:
                self._source.transport.write(CONTINUE)
            await self._gather(*self._source.bounds)
        return self._let_go()

    def framing(self) -> bytes:
        """A head that says no more than how the body is framed."""
        name = "transfer-encoding" if "transfer-encoding" in self.headers else "content-length"
        framed = self.headers.get(name, "0")
        return f"POST / HTTP/1.1\r\n{name}: {framed}\r\n\r\n".encode("utf-8", "surrogateescape")

    def _let_go(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _gather(self, limit: int, pace: float) -> None:
        loop = asyncio.get_running_loop()
        due = self.size + PACE_BYTES
        try:
            async with asyncio.timeout(pace) as clock:
                while not self.whole:
                    if self.broken:
                        raise Refused(
                            400,
                            "malformed_request",
                            "the request's body is not framed as HTTP asks",
                        )
                    await self._source.more(self)
                    if self.size > limit:
                        raise TooLarge(limit)
                    if self.size >= due:
                        due = self.size + PACE_BYTES
                        clock.reschedule(loop.time() + pace)
        except TimeoutError:
            raise Refused(
                408,
                "body_too_slow",
                f"next to nothing of the request's body came for {pace:g} seconds",
            ) from None
