"""One request to a provider and its answer: what the request's pipeline polls, and what a
connection fills.
"""

from __future__ import annotations

from typing import Protocol

from policies import Phase
from router.bell import Bell
from router.upstream.transport import Head, UpstreamError


class Carrier(Protocol):
    """What carries an exchange."""

    def resume(self) -> None:
        """There is room again for what comes."""

    def linger(self) -> None:
        """Its exchange has all that it wants."""

    def close(self) -> None:
        """End it now."""


class Queue(Protocol):
    """Where an exchange waits for somebody to carry it."""

    def leave(self, exchange: HttpExchange) -> None:
        """It waits no more."""


class HttpExchange:
    """See `Exchange`. Until a connection carries it, it waits in its pool.

    `request` is what is to be written, let go once it was; `within` how many seconds it may take
    to connect.
    """

    __slots__ = (
        "_connection", "_ended", "_error", "_queue", "bell", "head", "held", "pieces", "request",
        "within",
    )  # fmt: skip

    def __init__(self, queue: Queue, request: bytes, bell: Bell, within: float) -> None:
        self.head: Head | None = None
        self.request = request
        self.within = within
        self.bell = bell
        self.pieces: list[bytes] = []
        self.held = 0
        self._queue = queue
        self._connection: Carrier | None = None
        self._error: UpstreamError | None = None
        self._ended = False

    @property
    def over(self) -> bool:
        """It was stopped, or broke."""
        return self._error is not None

    @property
    def sent(self) -> bool:
        return not self.request

    def take(self) -> bytes | None:
        pieces = self.pieces
        if pieces:
            taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            self.held = 0
            if self._connection is not None:
                self._connection.resume()
            return taken
        if self._error is not None:
            raise self._error
        return b"" if self._ended else None

    def abort(self) -> None:
        if self._ended or self._error is not None:
            return
        self._error = UpstreamError(Phase.HEAD, "the exchange was stopped")
        if self._connection is not None:
            self._connection.close()
        else:
            self._queue.leave(self)

    def finish(self) -> None:
        if self._connection is not None and not self._ended and self._error is None:
            self._connection.linger()

    def carried(self, connection: Carrier) -> None:
        """From now on by this connection."""
        self._connection = connection

    def whole(self) -> None:
        """Everything has come."""
        self._ended = True
        self._connection = None

    def broken(self, error: UpstreamError) -> None:
        """Nothing more comes. The first reason counts."""
        self._connection = None
        if self._error is None:
            self._error = error
        self.bell.ring()
