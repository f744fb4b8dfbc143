"""Instances of a fleet, each with an engine of its own, in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from secrets import token_hex

from policies import Engine, Facts, Limits, Rate, Request, Route, Send, Target
from router.fleet.fleet import Fleet, Me
from router.redis.address import address_of
from router.redis.link import Link
from tests.policies.driver import ANSWERED, FAILED, InOrder

ROUTES = {"m": Route([Target("a/m"), Target("b/m")], InOrder())}
FACTS = {
    "a/m": Facts(Limits([Rate(1000, 60.0)]), identity="https://a m"),
    "b/m": Facts(identity="https://b m"),
    "a": Facts(identity="https://a key"),
}


class Instance:
    """One. `events` is its log."""

    def __init__(
        self, url: str, *, fleet: str, revision: str, since: float, facts: dict[str, Facts]
    ) -> None:
        self.now = asyncio.get_running_loop().time
        self.events: list[str] = []
        address = address_of(url)
        me = Me(token_hex(8), "host", 7, "1.0", since)
        links = Link(address, fleet), Link(address, fleet)
        self.fleet = Fleet(fleet, me, *links, lambda text, **_: self.events.append(text))
        self.engine = Engine(
            ROUTES, rng=Random(7), now=self.now(), facts=facts, on_news=self.fleet.notice
        )
        self.fleet.runs(self.engine, revision, facts)

    @property
    def name(self) -> str:
        return self.fleet.me.name

    def send(self) -> Send:
        """Open a request; the first of `a/m` and `b/m` that can serve gets it."""
        course = self.engine.start(Request("m", self.now() + 60.0), self.now())
        send = course.next(self.now())
        assert isinstance(send, Send)
        send.attempt.sent(self.now())
        return send

    def turn(self) -> str:
        """Who would get the next request."""
        send = self.send()
        send.attempt.give_back(self.now())
        return send.target

    def eject(self) -> None:
        """Let `a/m` fail here."""
        while self.turn() == "a/m":
            self.send().attempt.settle(FAILED, self.now())

    def probe(self) -> None:
        """Let `a/m` answer a probe: the time of its ejection is over at once."""
        standing = self.engine._standings["a/m"]
        standing.breaker.until = self.now()
        send = self.send()
        assert (send.target, send.attempt.probe) == ("a/m", True)
        send.attempt.settle(ANSWERED, self.now())


@asynccontextmanager
async def instance(
    url: str,
    *,
    fleet: str = "test",
    revision: str = "r1",
    since: float = 100.0,
    facts: dict[str, Facts] | None = None,
) -> AsyncIterator[Instance]:
    one = Instance(url, fleet=fleet, revision=revision, since=since, facts=facts or FACTS)
    one.fleet.start()
    try:
        yield one
    finally:
        await one.fleet.close()


async def until(true: Callable[[], bool], within: float = 5.0) -> float:
    """Seconds until it was true. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - what is waited for is anything
            await asyncio.sleep(0.001)
    return loop.time() - begin


async def together(*all_: Instance) -> None:
    """Return when all know of each other, and listen."""
    await until(lambda: all(len(one.fleet.seen) == len(all_) for one in all_))
    await until(lambda: all(one.fleet.listens for one in all_))
