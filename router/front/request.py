"""A client's request as it comes in: its head, and as much of its body as has come."""

from __future__ import annotations

import asyncio


class Request:
    """One request. `headers` have their names in lower case; `chunks`: an answer of unknown length
    may be sent in chunks; `keep_alive`: the client would send another.

    `whole`: all of its body has come; `broken`: the rest of it never will, since what came is not
    framed as HTTP asks. `wanted` is for whoever waits for more of it.
    """

    __slots__ = (
        "broken", "chunks", "headers", "keep_alive", "method", "pieces", "size", "target", "wanted",
        "whole",
    )  # fmt: skip

    def __init__(
        self, method: str, target: str, headers: dict[str, str], *, keep_alive: bool, chunks: bool
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.keep_alive = keep_alive
        self.chunks = chunks
        self.pieces: list[bytes] = []
        self.size = 0
        self.whole = False
        self.broken = False
        self.wanted: asyncio.Future[None] | None = None

    def came(self, data: bytes) -> None:
        """A piece of the body."""
        self.pieces.append(data)
        self.size += len(data)

    def body(self) -> bytes:
        """What has come of the body; it is let go here."""
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def framing(self) -> bytes:
        """A head that says no more than how the body is framed."""
        name = "transfer-encoding" if "transfer-encoding" in self.headers else "content-length"
        framed = self.headers.get(name, "0")
        return f"POST / HTTP/1.1\r\n{name}: {framed}\r\n\r\n".encode("utf-8", "surrogateescape")

    @property
    def where(self) -> tuple[str, str]:
        """The path and the query that are asked for, percent-encoded as they came."""
        target = self.target
        if not target.startswith("/") and "://" in target:
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        return path, query


NONE = Request("", "", {}, keep_alive=False, chunks=False)
"""Stands in for one that could not be read."""
