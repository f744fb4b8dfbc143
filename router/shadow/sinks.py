"""Where answers are overheard: one beside its client, one that has no client.

Both keep the bytes, as far as there is room, until their pair is compared; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.sink import Sink

MOST_ANSWER = 2 * 1024 * 1024
"""Bytes of one answer; of what is longer nothing is compared that is read from its text."""
MOST_HELD = 32 * 1024 * 1024
"""Bytes of all requests and answers that wait to be compared."""


class Memory:
    """What all copies hold at once, in bytes."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.most, self.held = most, 0

    def take(self, size: int) -> bool:
        """Whether there is room for so many bytes more; then they are held."""
        if self.held + size > self.most:
            return False
        self.held += size
        return True

    def free(self, size: int) -> None:
        """So many are let go."""
        self.held -= size


class Heard:
    """The bytes of one answer. `whole`: none of them was left out."""

    __slots__ = ("_memory", "_pieces", "_size", "status", "whole")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pieces: list[bytes] = []
        self._size = 0
        self.status = 0
        self.whole = True

    def add(self, data: bytes) -> None:
        if not self.whole:
            return
        if self._size + len(data) > MOST_ANSWER or not self._memory.take(len(data)):
            self.drop()
            self.whole = False
            return
        self._pieces.append(data)
        self._size += len(data)

    def read(self) -> bytes | None:
        """All of it; None: not all of it was kept, or it was no answer."""
        return b"".join(self._pieces) if self.whole and self.status == 200 else None

    def drop(self) -> None:
        """Let go of it."""
        self._memory.free(self._size)
        self._pieces.clear()
        self._size = 0


class Beside:
    """The client's own sink, overheard. See `Sink`."""

    __slots__ = ("_heard", "_sink")

    def __init__(self, sink: Sink, heard: Heard) -> None:
        self._sink, self._heard = sink, heard

    @property
    def waited(self) -> float:
        return self._sink.waited

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self._heard.status = status
        await self._sink.start(status, headers)

    async def write(self, data: bytes) -> None:
        await self._sink.write(data)
        self._heard.add(data)

    def put(self, data: bytes) -> bool:
        if not self._sink.put(data):
            return False
        self._heard.add(data)
        return True

    async def end(self) -> None:
        await self._sink.end()

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self._sink.send(status, headers, body)
        self._heard.status = status
        self._heard.add(body)


class Nobody:
    """A sink that has room for everything, and tells nobody. See `Sink`."""

    __slots__ = ("_heard",)

    waited = 0.0

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self._heard.status = status

    async def write(self, data: bytes) -> None:
        self._heard.add(data)

    def put(self, data: bytes) -> bool:
        self._heard.add(data)
        return True

    async def end(self) -> None:
        """See `Sink.end`."""

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._heard.status = status
        self._heard.add(body)
