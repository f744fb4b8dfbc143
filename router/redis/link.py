"""A connection that is kept up beside everything else, for whoever asks things of one server.

No request ever waits for a connection to be made: while there is none, asking fails at once and
says why. Whoever waits for an answer waits for so long as it says and no longer; then the
connection is given up, for all who wait on it, since it owes an answer. Each room has a link of its
own, so that the large answers of one are not before the small ones of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import hiredis

from router.lasting import lasting
from router.redis.address import Address
from router.redis.down import Down, Refused
from router.redis.faults import Moved, fault_of
from router.redis.places import context_of, reach
from router.redis.wire import Answer, Wire, Word

PATIENCE = 0.02
"""Seconds for an answer, unless told."""
BLINK = 0.002
"""Seconds of those that are given last: when our own loop was late, and not the server, its answer
has come by then and is read.
"""
LOOK_AGAIN = 0.25
"""Seconds between attempts to connect."""


class Link:
    """A connection to the server at `address` that takes writes for a fleet. It is made when it is
    first asked for, and made again, by itself, whenever it is lost; `lost` is told why, unless it
    goes on at once at another node.
    """

    def __init__(self, address: Address, fleet: str) -> None:
        self.address = address
        self.epoch_key = f"{{pm:{fleet}}}:epoch"
        self.why = Down()
        self.lost: Callable[[Down], None] = lambda _: None
        self._wire: Wire | None = None
        self._tried = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._wire is not None

    async def ready(self) -> None:
        """Return when there is a connection. Raises `Down` when the attempt at one failed."""
        self._begin()
        await self._tried.wait()
        if self._wire is None:
            raise self.why.anew()

    async def ask(self, *words: Word, patience: float = PATIENCE) -> Answer:
        """What the server answers within `patience` seconds. Raises `Down`, and `ScriptMissing`
        for a script that it does not know.
        """
        until = asyncio.get_running_loop().time() + patience
        try:
            return await self._ask(words, patience)
        except Moved:
            # The other node is known, so this may still be answered in its time.
            patience = until - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(patience):
                    await self._tried.wait()
            except TimeoutError:
                raise self.why.anew() from None
            return await self._ask(words, until - asyncio.get_running_loop().time())

    def tell(self, *words: Word, patience: float = PATIENCE) -> None:
        """Send a command whose answer nobody wants, if there is a connection."""
        if self._wire is not None:
            self._send(self._wire, words, patience)

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._wire is not None:
            self._wire.cut(Down("it was closed"))
            self._wire = None

    async def _ask(self, words: tuple[Word, ...], patience: float) -> Answer:
        self._begin()
        wire = self._wire
        if wire is None:
            raise self.why.anew()
        future, timer = self._send(wire, words, patience)
        try:
            answer = await future
        finally:
            timer.cancel()
        if isinstance(answer, Down):
            raise answer.anew()
        if isinstance(answer, hiredis.ReplyError):
            fault = fault_of(str(answer), cluster=self.address.kind == "cluster")
            if isinstance(fault, Down) and not isinstance(fault, Refused):
                # Another may be the one that serves by now.
                self._lose(wire, fault)
            raise fault
        return answer

    def _send(
        self, wire: Wire, words: tuple[Word, ...], patience: float
    ) -> tuple[asyncio.Future[Answer], asyncio.TimerHandle]:
        loop = asyncio.get_running_loop()
        future = wire.ask(*words)

        def last_look() -> None:
            loop.call_later(BLINK, give_up)

        def give_up() -> None:
            if not future.done():
                wait = f"{patience * 1000:.0f} ms"
                self._lose(wire, Down(f"it did not answer within {wait}"))

        return future, loop.call_later(max(patience - BLINK, 0.0), last_look)

    def _begin(self) -> None:
        if self._keeper is None:
            self._keeper = lasting(self._keep)

    async def _keep(self) -> None:
        loop, trust = asyncio.get_running_loop(), self.address.tls
        try:
            tls = None if trust is None else context_of(trust)
        except Refused as why:
            self.why = why
            self._tried.set()
            return
        while True:
            began = loop.time()
            try:
                wire = await reach(self.address, self.epoch_key, tls)
            except Down as why:
                self.why = why
                self._tried.set()
                await asyncio.sleep(LOOK_AGAIN)
                continue
            self._wire = wire
            self._tried.set()
            self._lose(wire, await asyncio.shield(wire.cut_off))
            # At once, unless that is what it does every time.
            await asyncio.sleep(max(0.0, LOOK_AGAIN - (loop.time() - began)))

    def _lose(self, wire: Wire, why: Down) -> None:
        wire.cut(why)
        if self._wire is wire:
            self._wire = None
            self.why = why
            self._tried.clear()
            if not isinstance(why, Moved):
                self.lost(why)
