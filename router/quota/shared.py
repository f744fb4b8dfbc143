"""Shared limits, asked cheaply: one batch is under way at a time, and what comes meanwhile goes in
the next.

Settlements go first, so that what was not used is there for who wants it now. A server that does
not answer in time is not asked while requests wait: a ping beside everything else finds it well
again. Whoever asks in between is told so at once. What was to be settled meanwhile is kept, within
bounds, for when the server is back, with what was sent without asking it; one that has forgotten
everything is told all that this instance has sent.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from policies.engine.limits.windows import MICROSECONDS
from router.lasting import lasting
from router.quota.bounds import (
    LEASE_SECONDS,
    STRANGE,
    Answered,
    Bound,
    Needs,
    Settled,
    answered,
    asked,
    given_back,
)
from router.quota.contract import Changed, Pong, Server, Ticket, Work
from router.redis.down import Down, Refused

T = TypeVar("T")
AT_ONCE = 0.01
"""Seconds until a server that did not answer is pinged: most often it, or this machine, was late
once, and while it is away this instance goes by a part of the limits.
"""
LOOK_AGAIN = 0.5
"""Seconds between pings while it does not answer them; doubled, up to `LONGEST`, where it is lost
again soon after one: a slow one must not cost a patience each time.
"""
LONGEST = 8.0
SOON = 10.0
MOST_AT_ONCE = 256
"""Reservations in a batch, and settlements: the server does nothing else meanwhile."""
MOST_KEPT = 10_000
"""Settlements that are kept for a server that is away; their windows are over soon anyway."""


class Shared:
    """The limits of a fleet, as the instance of this name asks for them. `found` is the server, as
    it was when it last answered a ping.
    """

    def __init__(self, server: Server, instance: str, changed: Changed) -> None:
        self._server = server
        self._instance = instance
        self._changed = changed
        self._waiting: deque[Ticket] = deque()
        self._settled: deque[Settled] = deque(maxlen=MOST_KEPT)
        self._owed: dict[tuple[Bound, int], int] = {}
        self._places: Counter[str] = Counter()
        self._leased: dict[str, Settled] = {}
        self.found: Pong | None = None
        self._due = False
        self._lost = asyncio.Event()
        self._pause = self._relapse = LOOK_AGAIN
        self._since = 0.0
        self._pump: asyncio.Task[None] | None = None
        self._beside: asyncio.Task[None] | None = None
        self.up = False
        self.work = Work()

    async def start(self) -> None:
        """Begin: nothing is asked before a ping is answered. Returns when the first was, or was
        not.
        """
        await self._look(first=True)
        self._server.on_lost(lambda down: self._lose([], [], str(down)))
        self._beside = lasting(self._look_after)

    def reserve(self, alternatives: tuple[Needs, ...], wake: Callable[[], None]) -> Ticket:
        """Reserve the first of `alternatives` that has room, none of which is empty. `wake` must
        only schedule.
        """
        ticket = Ticket(alternatives, wake)
        if self.up:
            self._waiting.append(ticket)
            self._run()
        else:
            ticket.done = True
            wake()
        return ticket

    def settle(self, settled: Iterable[Settled]) -> None:
        """Correct what was taken, and give places back, with the next batch."""
        for one in settled:
            if one.bound.what == "places":
                self._leave(one.bound.key)
            if self.up or one.taken >= 0:
                self._settled.append(one)
            elif one.bound.what != "places":
                self._owe(one)
        if self.up:
            self._run()

    def owe(self, needs: Needs) -> int:
        """So much was taken without asking, since the server is away, or was: it is told when it is
        back. The instant, as of a `Settled`.
        """
        at = -_microseconds(asyncio.get_running_loop().time())
        for bound, units in needs:
            one = Settled(bound, units, at)
            if bound.what == "places":
                self._hold(bound)
            if self.up:
                self._settled.append(one)
            elif bound.what != "places":
                self._owe(one)
        if self.up:
            self._run()
        return at

    async def close(self) -> None:
        """Settle what can be settled within a batch's time, and stop."""
        if self._beside is not None:
            self._beside.cancel()
            await asyncio.wait([self._beside])
        if self._pump is not None:
            await asyncio.wait([self._pump])

    def _run(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._batches())

    async def _batches(self) -> None:
        # One turn of the loop, so that all who came in it go together.
        await asyncio.sleep(0)
        while self.up and (self._waiting or self._settled or self._due):
            self._due = False
            batch, settled = _some(self._waiting), _some(self._settled)
            answers, why = None, "a batch could not be asked for"
            try:
                answers = await self._ask(batch, settled)
            except Down as down:
                why = str(down)
            finally:
                # Whatever went wrong, nobody is left waiting.
                if answers is None:
                    self._lose(batch, settled, why)
            for ticket, answer in zip(batch, answers or (), strict=False):
                self._tell(ticket, answer)

    async def _ask(self, batch: list[Ticket], settled: list[Settled]) -> list[Answered]:
        wanted = [ticket.alternatives for ticket in batch]
        began = asyncio.get_running_loop().time()
        now = _microseconds(began)
        keys, argument = asked(self._instance, settled, wanted, self._places, now)
        answers = answered(await self._server.run(keys, argument))
        if len(answers) != len(batch):
            raise Refused(STRANGE)
        took = asyncio.get_running_loop().time() - began
        self.work = self.work.and_batch(len(batch), took)
        return answers

    def _tell(self, ticket: Ticket, answer: Answered) -> None:
        if answer.taken is not None:
            needs = ticket.alternatives[answer.taken]
            for bound, _ in needs:
                if bound.what == "places":
                    self._hold(bound)
            if ticket.left:
                self.settle(given_back(needs, answer.at))
        ticket.answer = answer
        ticket.done = True
        if not ticket.left:
            ticket.wake()

    def _hold(self, bound: Bound) -> None:
        self._places[bound.key] += 1
        self._leased[bound.key] = Settled(bound, 0, 0)

    def _leave(self, place: str) -> None:
        self._places[place] -= 1
        if self._places[place] <= 0:
            del self._places[place]

    def _owe(self, one: Settled) -> None:
        second = one.taken - one.taken % -MICROSECONDS
        key = one.bound, second
        self._owed[key] = self._owed.get(key, 0) + one.units
        if len(self._owed) > MOST_KEPT:
            del self._owed[next(iter(self._owed))]

    def _lose(self, batch: list[Ticket], settled: list[Settled], why: str) -> None:
        # It may have been done all the same: twice, a debt errs to the safe side. Of places it is
        # told anew how many are held.
        self._settled.extendleft(one for one in reversed(settled) if one.units >= 0)
        wanted = [bound for one in batch for needs in one.alternatives for bound, _ in needs]
        for bound in [*wanted, *(one.bound for one in settled)]:
            if bound.what == "places":
                self._leased[bound.key] = Settled(bound, 0, 0)
        lost, self.up = self.up, False
        if lost:
            soon = asyncio.get_running_loop().time() - self._since < SOON
            self._relapse = min(LONGEST, max(LOOK_AGAIN, self._relapse * 2)) if soon else AT_ONCE
            self._pause = self._relapse
            self._lost.set()
        waiting = [*batch, *self._waiting]
        self._waiting.clear()
        for ticket in waiting:
            ticket.done = True
            if not ticket.left:
                ticket.wake()  # which only schedules: whoever goes on finds limits as they are then
        if lost:
            self._changed.away(why)

    async def _look_after(self) -> None:
        """Find the server when it is away; while it is there, renew what is leased of it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_SECONDS / 3 if self.up else self._pause):
                    await self._lost.wait()
            if self._lost.is_set():
                self._lost.clear()
            elif self.up:
                self._renew()
            else:
                await self._look()

    def _renew(self) -> None:
        """Say what is leased, were it nothing: connections that are idle are given up by whoever
        lies between, and a server that hangs is noticed before a request meets it.
        """
        self._due = True
        self._leased = {key: one for key, one in self._leased.items() if self._places[key] > 0}
        self._settled.extend(self._leased.values())
        self._run()

    async def _look(self, *, first: bool = False) -> None:
        try:
            pong = await self._server.ping()
        except Down as down:
            self._pause = max(self._pause, LOOK_AGAIN)
            if first:
                self._changed.away(str(down))
            else:
                self._changed.still_away(str(down), lasting=isinstance(down, Refused))
            return
        forgot = self.found is not None and self.found.epoch != pong.epoch
        self.found = pong
        told = self._changed.back(forgot=forgot)
        if forgot:
            self._settled.clear()  # corrections of what it does not know any more
            self._settled.extend(told)
        else:
            self._settled.extend(
                Settled(bound, units, at) for (bound, at), units in self._owed.items() if units > 0
            )
        self._owed.clear()
        self._settled.extend(self._leased.values())
        self._since = asyncio.get_running_loop().time()
        self.up = True
        self._run()


def _some(waiting: deque[T]) -> list[T]:
    return [waiting.popleft() for _ in range(min(len(waiting), MOST_AT_ONCE))]


def _microseconds(seconds: float) -> int:
    return int(seconds * MICROSECONDS)
