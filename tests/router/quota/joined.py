"""Instances that share limits, and servers that do not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import cast

import msgspec

from router.quota.bounds import Answered, Needs, Settled
from router.quota.contract import Pong, Server
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.redis.down import Down


class Deaf:
    """Is told how the server is, and remembers it."""

    def __init__(self, owed: Iterable[Settled] = ()) -> None:
        self.told: list[str] = []
        self.owed = list(owed)

    def away(self, why: str) -> None:
        self.told.append("away")

    def still_away(self, why: str, *, lasting: bool) -> None:
        if lasting:
            self.told.append("lasting")

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        self.told.append("forgot" if forgot else "back")
        return self.owed


class Away:
    """A server that is not there."""

    def on_lost(self, told: Callable[[Down], None]) -> None: ...

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        raise AssertionError("asked")

    async def ping(self) -> Pong:
        raise Down("it is not there")


class Slow:
    """A server that takes its time, and sometimes never answers."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.settled: list[list[list[int]]] = []
        self.takes = 0.001
        self.down = False
        self.gone = Down("gone")
        self.epoch = "first"
        self.says: object = None
        self.lose: Callable[[Down], None] = lambda _: None

    def on_lost(self, told: Callable[[Down], None]) -> None:
        self.lose = told

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        self.batches.append(len(keys))
        await asyncio.sleep(self.takes)
        if self.down:
            raise Down("too slow")
        _, _, _, settlements, reservations = msgspec.msgpack.decode(argument)
        self.settled.append(settlements)
        if self.says is not None:
            return cast("bytes", self.says)
        return msgspec.msgpack.encode((5, [(1, [[0]], [1]) for _ in reservations]))

    async def ping(self) -> Pong:
        if self.down:
            raise self.gone
        return Pong(self.epoch)


@asynccontextmanager
async def started(
    server: Server, deaf: Deaf | None = None, name: str = "me"
) -> AsyncIterator[Shared]:
    """One instance on this server."""
    one = Shared(server, name, deaf or Deaf())
    await one.start()
    try:
        yield one
    finally:
        await one.close()


@asynccontextmanager
async def joined(url: str, fleet: str = "test", deaf: Deaf | None = None) -> AsyncIterator[Shared]:
    """One instance on a server that is there."""
    redis = Redis(url, fleet)
    try:
        async with started(redis, deaf, token_hex(4)) as one:
            yield one
    finally:
        await redis.close()


async def reserved(shared: Shared, *alternatives: Needs) -> Answered | None:
    """What a reservation comes to."""
    woken = asyncio.Event()
    ticket = shared.reserve(alternatives, woken.set)
    await woken.wait()
    return ticket.answer
