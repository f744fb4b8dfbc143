"""Shared limits, asked cheaply: one batch is under way at a time, and what comes meanwhile goes in
the next.

Settlements go first, so that what was not used is there for who wants it now. A server that does
not answer in time is not asked while requests wait: a ping beside everything else finds it well
again. Whoever asks in between is told so at once, and what was to be settled is kept, within
bounds, for when it is back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from router.quota.bounds import Answered, Bound, Held, Settled, Wanted, answered, asked
from router.redis.down import Down

PATIENCE = 0.02
"""Seconds that a batch may take."""
LOOK_AGAIN = 0.5
"""Seconds between pings of a server that did not answer."""
MOST_AT_ONCE = 256
"""Reservations in a batch: the server does nothing else meanwhile."""
MOST_KEPT = 10_000
"""Settlements that are kept for a server that is away; their windows are over soon anyway."""


class Server(Protocol):
    """Where the script runs. Both verbs raise `Down`, and do not last longer than `PATIENCE`."""

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        """Run the script."""

    async def ping(self) -> object:
        """Return if it answers."""


class Shared:
    """The limits of a fleet. `changed` is told when the server goes away and when it is back."""

    def __init__(self, server: Server, changed: Callable[[bool], None]) -> None:
        self._server = server
        self._changed = changed
        self._waiting: deque[tuple[Wanted, asyncio.Future[Answered]]] = deque()
        self._settled: deque[Settled] = deque(maxlen=MOST_KEPT)
        self._pump: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self.up = True

    async def reserve(
        self, alternatives: tuple[tuple[Bound, ...], ...], tokens: int, lease: str
    ) -> Answered:
        """Reserve one request of `tokens` in the first of `alternatives` that has room, none of
        which is without a bound; its places under the name `lease`. Raises `Down`.
        """
        if not self.up:
            raise Down
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((Wanted(alternatives, tokens, lease), future))
        self._run()
        return await future

    def settle(self, held: Held, used: int, *, sent: bool) -> None:
        """End a reservation, with the next batch."""
        self._settled.append(Settled(held, used, sent))
        if self.up:
            self._run()

    async def close(self) -> None:
        """Settle what can be settled within a batch's time, and stop."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        if self._pump is not None:
            await asyncio.wait([self._pump])

    def _run(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._batches())

    async def _batches(self) -> None:
        # One turn of the loop, so that all who came in it go together.
        await asyncio.sleep(0)
        while self.up and (self._waiting or self._settled):
            most = min(len(self._waiting), MOST_AT_ONCE)
            batch = [self._waiting.popleft() for _ in range(most)]
            settled, self._settled = list(self._settled), deque(maxlen=MOST_KEPT)
            keys, argument = asked(settled, [wanted for wanted, _ in batch])
            if not keys:
                continue
            try:
                answers = answered(await self._server.run(keys, argument))
            except Down:
                self._settled.extendleft(reversed(settled))
                self._lost([future for _, future in batch])
                return
            for (wanted, future), answer in zip(batch, answers, strict=True):
                self._tell(wanted, future, answer)

    def _tell(self, wanted: Wanted, future: asyncio.Future[Answered], answer: Answered) -> None:
        if not future.done():
            future.set_result(answer)
        elif answer.taken is not None:
            # Who wanted it has left meanwhile.
            bounds = wanted.alternatives[answer.taken]
            held = Held(bounds, wanted.tokens, answer.at, wanted.lease)
            self._settled.append(Settled(held, 0, sent=False))

    def _lost(self, futures: list[asyncio.Future[Answered]]) -> None:
        self.up = False
        futures += [future for _, future in self._waiting]
        self._waiting.clear()
        for future in futures:
            if not future.done():
                future.set_exception(Down())
        self._looking = asyncio.get_running_loop().create_task(self._look())
        self._changed(False)

    async def _look(self) -> None:
        while not self.up:
            await asyncio.sleep(LOOK_AGAIN)
            try:
                await self._server.ping()
            except Down:
                continue
            self.up = True
        self._changed(True)
        self._run()
