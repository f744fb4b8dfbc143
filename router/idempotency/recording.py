"""A sink before the client's that remembers what passes, so that it can be said again.

It changes nothing and judges nothing: whether what passed was a whole answer is known to who gave
it. Memory is bounded for each answer and for all that are being recorded at once; what does not
fit goes to its client all the same, and is not remembered.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.idempotency.store import WholeAnswer
from router.sink import Sink

LARGEST = 8 * 1024 * 1024
"""Bytes of one answer: a hundred vectors of 3,072 numbers, or any text; one alone shall not push
out everything else that is kept.
"""
MOST_RECORDED = 64 * 1024 * 1024
"""Bytes of all answers that are being recorded."""


class Room:
    """Bytes that recordings share."""

    def __init__(self, left: int = MOST_RECORDED) -> None:
        self.left = left


class Recording:
    """A `Sink` that passes an answer on to `sink` and remembers it, as far as `room` allows."""

    def __init__(self, sink: Sink, room: Room, largest: int = LARGEST) -> None:
        self._sink = sink
        self._room = room
        self._largest = largest
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._body = bytearray()
        self._streamed = False
        self._fits = True
        self._ended = False

    @property
    def waited(self) -> float:
        return self._sink.waited

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self._status, self._headers, self._streamed = status, headers, True
        await self._sink.start(status, headers)

    async def write(self, data: bytes) -> None:
        self._remember(data)
        await self._sink.write(data)

    def put(self, data: bytes) -> bool:
        if not self._sink.put(data):
            return False
        self._remember(data)
        return True

    async def end(self) -> None:
        self._ended = True
        await self._sink.end()

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._status, self._headers, self._ended = status, headers, True
        self._remember(body)
        await self._sink.send(status, headers, body)

    def close(self) -> WholeAnswer | None:
        """Give the room back, once; what passed, unless its end is missing or it did not fit."""
        body = bytes(self._body)
        self._forget()
        if not (self._ended and self._fits):
            return None
        return WholeAnswer(self._status, self._headers, body, self._streamed)

    def _remember(self, data: bytes) -> None:
        if not self._fits:
            return
        if len(self._body) + len(data) > self._largest or len(data) > self._room.left:
            self._fits = False
            self._forget()
            return
        self._room.left -= len(data)
        self._body += data

    def _forget(self) -> None:
        self._room.left += len(self._body)
        self._body = bytearray()
