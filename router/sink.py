"""Where an answer goes: a client's connection, a job, a joined stream, a shadow. All are sinks."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol


class ClientGone(Exception):
    """The client left before it had the whole answer."""


class SlowClient(ClientGone):
    """The client is there, but has taken nothing for as long as one may; as good as gone."""


class Sink(Protocol):
    """Takes exactly one answer: `send` it whole, or `start`, `write` and `end` it.

    Every verb raises `ClientGone` (or `SlowClient`) once there is nobody to answer.
    """

    @property
    def waited(self) -> float:
        """Seconds for which there was no room so far, since the client took too little."""

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin a streamed answer; its head goes out at once."""

    async def write(self, data: bytes) -> None:
        """The next bytes; returns when there is room for more."""

    def put(self, data: bytes) -> bool:
        """The next bytes, if they can go out without waiting; false: nothing was taken, `write`
        them. Never raises.
        """

    async def end(self) -> None:
        """Nothing follows: the answer is whole, or has said in its own dialect that it is not."""

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> Awaitable[None]:
        """Give a whole answer in one write."""
