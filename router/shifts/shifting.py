"""Shifts as one instance drives and follows them: once a second, beside all requests.

Each instance says what it has seen, and puts in force what is kept. One of them leads: it asks
`policies.shifting` what follows from what all have seen, and keeps that. So whoever leads next goes
on from there, and nobody who is cut off changes anything: without a leader every shift stays where
it is. Must not: decide anything of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from policies import Price, TargetSnapshot
from policies.shifting import Progress, advance, begin, share
from policies.shifting.guarding import Arms
from router.config import Config
from router.kept.contract import Kept, TooLarge
from router.lasting import lasting
from router.redis.down import Down
from router.shifts import words
from router.shifts.document import at, stands
from router.shifts.evidence import Gathering, told
from router.shifts.keeping import REFRESHED, Keeping, Known
from router.shifts.moving import Moving, may_go_on, moved
from router.shifts.peers import LEASE, MOST, Peers

BEAT = 1.0
"""Seconds between two meetings."""
WRITTEN = 10.0
"""Seconds after which what was only counted is kept again: who leads next weighs the rest anew."""
OUT = frozenset({"ejected", "probing"})
"""States of a target that is ejected for its health."""


class Unknown(KeyError):
    """No file has a shift of that name."""


class Ahead(NamedTuple):
    """How far the leader has come from what is kept, and when that was written, in Unix seconds."""

    known: Known
    progress: Progress
    written: float


class Shifting:
    """The shifts of one instance. `event` logs, `again` puts in force what has changed, `standings`
    tells how targets are. `leaders` are those who lead, by the shift's name; `uncounted` are shifts
    of which too many have said something for what this instance sees to count.
    """

    def __init__(
        self,
        kept: Kept,
        peers: Peers,
        event: Callable[..., None],
        again: Callable[[], None],
        standings: Callable[[], Mapping[str, TargetSnapshot]],
        beat: float = BEAT,
    ) -> None:
        self.in_force: Callable[[], Config] | None = None
        self.gathering = Gathering()
        self.moving: dict[str, Moving] = {}
        self.leaders: dict[str, str] = {}
        self.uncounted: set[str] = set()
        self.why = ""
        self._peers, self._keeping = peers, Keeping(kept, self._changed)
        self._event, self._again, self._standings = event, again, standings
        self._beat = beat
        self._ahead: dict[str, Ahead] = {}
        self._missing: dict[str, float] = {}
        self._shown: dict[str, Progress] = {}
        self._unread: dict[str, Known] = {}
        self._began = False
        self._loop = asyncio.get_running_loop()
        self._ahead_of_loop = time.time() - self._loop.time()
        self._met = self._loop.time()
        self._task: asyncio.Task[None] | None = None

    def take(self, moving: Sequence[Moving], prices: Mapping[str, Price]) -> None:
        """From now on the file says these."""
        self.moving = {one.name: one for one in moving}
        self.gathering.watch(moving, prices)
        for table in (self.leaders, self._ahead, self._missing, self._shown, self._unread):
            for name in [name for name in table if name not in self.moving]:
                del table[name]
        self.uncounted &= self.moving.keys()
        if self._began:
            self._heed()

    def layer(self, config: Config) -> Config:
        """See `router.force.Layer`."""
        return moved(config, lambda one: self._keeping.of(one.name).progress)

    def progress(self, name: str) -> Progress | None:
        """How far a shift has come, as far as it is known here; None: it has not begun."""
        if (ahead := self._ahead.get(name)) is not None:
            return ahead.progress
        return self._keeping.of(name).progress

    def unreadable(self, name: str) -> bool:
        """Whether something is kept of a shift, and cannot be read: then it stays as it is."""
        return self._keeping.of(name).unreadable

    def of(self, model: str) -> Moving:
        """The shift of that model. Raises `Unknown`."""
        for one in self.moving.values():
            if one.model == model:
                return one
        raise Unknown(model)

    @property
    def frozen(self) -> bool:
        """Whether nobody is known to lead: then every shift stays where it is."""
        return bool(self.why) or self._loop.time() - self._met > LEASE + self._beat

    @property
    def now(self) -> float:
        """The time that all go by, in Unix seconds."""
        return self._loop.time() + self._ahead_of_loop

    async def order(self, model: str, what: str) -> None:
        """Do what an operator wishes: `pause`, `resume` or `abort`. Raises `Unknown`, ValueError
        where that makes no sense now, and `Down`.
        """
        await self._keeping.order(self.of(model), what, self.now)

    async def start(self) -> None:
        """Put in force what is kept, and begin."""
        self._began = True
        self._changed()
        self._task = lasting(self._go_on)

    async def close(self) -> None:
        """Let others lead, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            await self._peers.leave(list(self.moving))
        await self._peers.close()

    def _changed(self) -> None:
        """Somebody has kept another document: it is in force here from now on."""
        for name, ahead in list(self._ahead.items()):
            if self._keeping.of(name) is not ahead.known:
                del self._ahead[name]
        if self._began and self._heed():
            self._again()

    def _heed(self) -> bool:
        """Log what is another than it was; whether anything is."""
        moved = False
        for name, moving in self.moving.items():
            known, before = self._keeping.of(name), self._shown.get(name)
            if (after := known.progress) is None:
                if known.unreadable and self._unread.get(name) is not known:
                    self._unread[name] = known
                    self._shown.pop(name, None)
                    self._event(words.UNREADABLE, **words.unreadable(moving))
                    moved = True
                continue
            self._shown[name] = after
            if before is None or stands(before) != stands(after):
                text, details = words.event(moving, before, after)
                self._event(text, **details)
                moved = True
        return moved

    async def _go_on(self) -> None:
        while True:
            try:
                await self._meet()
                self._say("")
            except (Down, TooLarge) as down:
                self._say(str(down))
            await asyncio.sleep(self._beat)

    def _say(self, why: str) -> None:
        if why and not self.why:
            self._event("shifts are frozen, each stays where it is:", why=why)
        elif self.why and not why:
            self._event("shifts go on:", shifts=", ".join(m.model for m in self.moving.values()))
        self.why = why

    async def _meet(self) -> None:
        """Tell what was seen here, hear what all have seen, and lead where that is ours to do. Of
        what rests nothing is said: it leads nowhere.
        """
        resting = [name for name in self.moving if self._keeping.of(name).rests(self.now)]
        for name in resting:
            self.leaders.pop(name, None)
            await self._keeping.refresh(name, self.now)
        said = {
            name: told(self.gathering.arms(name)) for name in self.moving if name not in resting
        }
        if not said:
            self._met = self._loop.time()
            return
        met = await self._peers.meet(said)
        self._met = self._loop.time()
        self._ahead_of_loop = met.now - self._met
        for name, seen in met.shifts.items():
            arms = await self.gathering.sum(seen.said)
            if (moving := self.moving.get(name)) is None:
                continue  # the file was changed meanwhile
            self.leaders[name] = seen.leader
            self._count(moving, counts=seen.counts)
            if seen.mine:
                await self._lead(moving, arms, met.now)
            else:
                self._ahead.pop(name, None)

    def _count(self, moving: Moving, *, counts: bool) -> None:
        if counts:
            self.uncounted.discard(moving.name)
        elif moving.name not in self.uncounted:
            self.uncounted.add(moving.name)
            self._event(words.UNCOUNTED, model=moving.model, most=MOST)

    async def _lead(self, moving: Moving, arms: Arms, now: float) -> None:
        name = moving.name
        known, ahead = self._keeping.of(name), self._ahead.get(name)
        held = known.progress
        come = ahead.progress if ahead is not None else held
        if known.unreadable or not self._complete(name, arms, come):
            return
        if known.document is None or held is None:
            after = begin(moving.terms, moving.revision, now, arms)
            await self._keeping.forget(self.moving, now)
        else:
            if ahead is None:
                ahead = self._ahead[name] = Ahead(known, held, at(known.document))
            after = self._advanced(moving, ahead.progress, arms, now)
            due = WRITTEN if after != held else REFRESHED
            if stands(held) == stands(after) and now - ahead.written < due:
                self._ahead[name] = ahead._replace(progress=after)
                return

        await self._keeping.keep(name, known, after, now)
        self._ahead.pop(name, None)

    def _complete(self, name: str, arms: Arms, come: Progress | None) -> bool:
        """Whether all is there that was, or has been lost for so long that it stays so: what a
        server has forgotten is told it again bit by bit.
        """
        if come is not None and arms.holds(come.counted):
            self._missing.pop(name, None)
            return True
        since = self._missing.setdefault(name, self._loop.time())
        return self._loop.time() - since >= self._peers.settling

    def _advanced(self, moving: Moving, held: Progress, arms: Arms, now: float) -> Progress:
        standings = self._standings()
        out = {name for name, one in standings.items() if one.state in OUT}
        # Once its rest is over it waits to be looked at, which only a canary that goes on does.
        rest = {name for name in out if standings[name].until > self._loop.time()}
        own = {name for name, weight in moving.to.items() if weight} - set(moving.targets)
        control = {name for name, weight in moving.targets.items() if weight and name in standings}
        after = advance(
            moving.terms,
            held,
            arms.control,
            arms.canary,
            now,
            ejected=rest & own,
            control_out=bool(control) and control <= out,
        )
        config = self.in_force() if self.in_force is not None else None
        if after.share <= held.share or config is None:
            return after
        if not may_go_on(config, moving, share(held)):
            # A drain or a pin is stronger: its step begins anew once that is over.
            return replace(held, since=now)
        return after
