"""Documents that all instances of a fleet keep together, on a server of Redis's protocol.

Each holds a copy of all of them, so that a read asks nobody, and looks twice a second whether there
are others. While the server is away the last copies hold and nothing can be changed; who starts
then goes by what was heard last where it runs. A server that comes back without what it held, or
with what it held before, is told it again by whoever has the latest. A document that was removed
stays as an empty one, with its version, for a month: else it would come back so. Who starts with a
server that has forgotten all just now waits until everybody has told it what they know.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from router.kept.contract import Copies, Document, How, encoded
from router.kept.heard import LastHeard
from router.lasting import lasting
from router.redis.down import Down, Refused
from router.redis.link import Link

LOOK = 0.4
"""Seconds between two looks."""
PATIENCE = 0.5
"""Seconds for an answer, for which no request waits."""
GONE_FOR = 30 * 86_400.0
"""Seconds for which it is known that a document was removed: an instance that did not hear it for
longer, and goes on, would bring it back.
"""
NEW = 1.0
"""Seconds from its first document for which a server counts as one that forgot: two looks, and the
time in which all have found it again.
"""
TRIES = 50
"""Of one change, while others change the same: each time one of them got on."""
KEEP = Path(__file__).with_name("keep.lua").read_bytes()

_LOOKS_SO = re.compile(rb"[0-9]{1,18}").fullmatch
"""Any version: a server may hold anything."""
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Copy(NamedTuple):
    """A document as the server has it, empty where it was removed."""

    version: int
    told: bytes


NOTHING = Copy(0, b"")


class Fleet(Copies):
    """`Kept` by the instances of `fleet`, over a link of its own; `event` logs. In `heard` it is
    kept for a start without the server (None: it is not).
    """

    def __init__(
        self,
        link: Link,
        fleet: str,
        event: Callable[..., None],
        heard: LastHeard | None = None,
        gone_for: float = GONE_FOR,
    ) -> None:
        super().__init__()
        self.where = f"with the fleet {fleet}, on its shared server"
        self.why = str(Down())
        self._link = link
        self._event = event
        self._last = heard
        self._gone_for = gone_for
        self._prefix = f"{{pm:{fleet}}}:kept"
        self._versions, self._new = f"{self._prefix}-versions", f"{self._prefix}-new"
        self._held: dict[str, Copy] = {}
        self._looking: asyncio.Task[None] | None = None

    async def change(self, name: str, how: How) -> Document | None:
        self._take(name, await self._get(name))
        if name not in self._held:
            self._hold(name, None)  # what was heard before the start is told to nobody
        for _ in range(TRIES):
            held, before = self._held.get(name, NOTHING), self.read(name)
            after = how(before)
            if after == before:
                return after
            told = encoded(name, after)
            kept = await self._keep(name, held.version, told, 0)
            if isinstance(kept, int):
                self._take(name, Copy(kept, told))
                return after
            self._take(name, kept)
        raise Down(f"others change {name} all the time")

    async def start(self) -> None:
        """See `Kept.start`. It goes on whether the server is there or not."""
        with suppress(Down):
            await self._link.ready()
            await self._look()
            left = await self._link.ask("PTTL", self._new, patience=PATIENCE)
            if isinstance(left, int) and left > 0:
                await asyncio.sleep(left / 1000)
                await self._look()
        if self.why and self._last is not None and self._last.documents:
            told = self._last.documents
            for name, document in told.items():
                self._hold(name, document)
            self._event("the fleet cannot be heard, what it said last holds:", of=", ".join(told))
        self._looking = lasting(self._look_on)

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self._link.close()
        if self._last is not None:
            await self._last.close()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self._look()
            except Down as down:
                # That it is away says whoever asks it for limits; that it refuses this, nobody.
                if isinstance(down, Refused) and self._link.up and str(down) != self.why:
                    self._event("what operators say is not kept with the fleet:", why=str(down))
                self.why = str(down)

    async def _look(self) -> None:
        """Hear what others changed, and tell the server what it does not know any more."""
        answer = await self._link.ask("HGETALL", self._versions, patience=PATIENCE)
        said = cast("list[bytes]", answer) if isinstance(answer, list) else []
        versions = {
            name.decode(errors="replace"): int(version)
            for name, version in zip(said[::2], said[1::2], strict=True)
            if _LOOKS_SO(version)
        }
        lost = await self._lost()
        for name in {**versions, **self._held}:
            theirs = versions.get(name, 0)
            if lost or theirs > self._held.get(name, NOTHING).version:
                self._take(name, copy := await self._get(name))
                theirs = copy.version  # 0, if it was evicted, whatever the hash says
            ours = self._held.get(name, NOTHING)
            if ours is NOTHING and not theirs:
                await self._link.ask("HDEL", self._versions, name, patience=PATIENCE)
            elif theirs < ours.version:
                kept = await self._keep(name, ours.version, ours.told, ours.version)
                if not isinstance(kept, int):
                    self._take(name, kept)
                elif not kept:
                    del self._held[name]
        for name in self._copies.keys() - self._held.keys():
            self._hold(name, None)  # it was heard before the start, and holds no longer
        if self._last is not None:
            self._last.keep(self._copies)
        self.why = ""

    async def _lost(self) -> bool:
        """Whether the server has evicted a document: the hash of versions says nothing of that."""
        names = [f"{self._prefix}:{name}" for name in self._held]
        return bool(names) and await self._link.ask("EXISTS", *names, patience=PATIENCE) != len(
            names
        )

    async def _get(self, name: str) -> Copy:
        answer = await self._link.ask("GET", f"{self._prefix}:{name}", patience=PATIENCE)
        return _copy(answer) if isinstance(answer, bytes) else NOTHING

    async def _keep(self, name: str, base: int, told: bytes, version: int) -> Copy | int:
        """The version that it has now, or the later one that is kept instead; 0: it was removed so
        long ago that this need not be known any more.
        """
        keys = (3, f"{self._prefix}:{name}", self._versions, self._new)
        spans = round(self._gone_for * 1000), round(NEW * 1000)
        answer = await self._link.ask(
            "EVAL", KEEP, *keys, name, base, told, version, *spans, patience=PATIENCE
        )
        return answer if isinstance(answer, int) else _copy(cast("bytes", answer))

    def _take(self, name: str, copy: Copy) -> None:
        """Another copy holds, if it is a later one."""
        if copy.version <= self._held.get(name, NOTHING).version:
            return
        self._held[name] = copy
        document = None
        if copy.told:
            try:
                document = _decode(copy.told)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                self._event("a document of the fleet is not read:", name=name, why=str(error))
        self._hold(name, document)


def _copy(told: bytes) -> Copy:
    """What is kept under a name."""
    version, _, rest = told.partition(b" ")
    return Copy(int(version) if _LOOKS_SO(version) else 0, rest)
