"""Who else has seen something of a shift, and who leads it: this instance alone, or one of a fleet.

Every instance says what it has seen since the shift began, in all, and not what is new: so an
answer that is lost counts nothing twice, and a server that was restarted empty has it back with the
next word. What an instance that is gone has seen stays. One leads; the others, and those who do
not reach the server, follow what is kept. Must not: know what is said, or be waited for by any
request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from router.redis.down import Down

LEASE = 3.0
"""Seconds for which a leader leads without a further word; then another does."""
SETTLING = 3.0
"""Seconds within which all instances that there are have said again what a server has forgotten."""
PATIENCE = 0.5
"""Seconds for an answer, for which no request waits."""
KEPT = 7 * 86_400.0
"""Seconds without a word of anybody after which what was seen of a shift is forgotten."""
MOST = 500
"""Instances of which it is kept, those that are gone among them: some 300 kB for each shift. What
any more of them see does not count, which each of those says.
"""
SCRIPT = Path(__file__).with_name("meet.lua").read_bytes()


class Seen(NamedTuple):
    """Of one shift: who leads it (empty: nobody), and whether that is this instance; then also what
    each has said of it. `counts`: what this instance has seen of it does.
    """

    leader: str
    mine: bool
    said: Sequence[bytes]
    counts: bool = True


class Met(NamedTuple):
    """What a meeting brings: the time that all go by, in Unix seconds, and the shifts by name."""

    now: float
    shifts: Mapping[str, Seen]


class Peers(Protocol):
    """Those who see the same shifts. For `settling` seconds what is missing may come back."""

    settling: float

    async def meet(self, said: Mapping[str, bytes]) -> Met:
        """Say what this instance has seen of each shift so far, in all. Raises `Down`: nobody
        hears it, so nobody leads.
        """

    async def leave(self, names: Sequence[str]) -> None:
        """Lead those no longer."""

    async def close(self) -> None:
        """End the connection."""


class Alone:
    """`Peers` of an instance without others: it leads everything. `wall` is in Unix seconds."""

    settling = 0.0

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall

    async def meet(self, said: Mapping[str, bytes]) -> Met:
        shifts = {name: Seen("", mine=True, said=(words,)) for name, words in said.items()}
        return Met(self._wall(), shifts)

    async def leave(self, names: Sequence[str]) -> None:
        """See `Peers.leave`."""

    async def close(self) -> None:
        """See `Peers.close`."""


class Line(Protocol):
    """A connection to the server, kept up by itself. See `router.redis.link.Link`."""

    async def ready(self) -> None: ...
    async def ask(self, *words: bytes | str | int, patience: float) -> object: ...
    async def close(self) -> None: ...


class Fleet:
    """`Peers` of a `fleet`, over a line of its own to their server; this one is `instance`."""

    settling = SETTLING

    def __init__(self, line: Line, fleet: str, instance: str, lease: float = LEASE) -> None:
        self._line, self._me = line, instance
        self._prefix = f"{{pm:{fleet}}}:shift"
        self._lease = round(lease * 1000)

    async def meet(self, said: Mapping[str, bytes]) -> Met:
        await self._line.ready()
        told = await self._ask(said)
        try:
            micros, rows = msgspec.convert(told, tuple[int, list[tuple[bytes, list[bytes], int]]])
        except msgspec.ValidationError:
            raise Down("its answer is none of the script's") from None
        seen = [
            Seen(name := leader.decode(errors="replace"), name == self._me, each, bool(counts))
            for leader, each, counts in rows
        ]
        return Met(micros / 1e6, dict(zip(said, seen, strict=True)))

    async def leave(self, names: Sequence[str]) -> None:
        try:
            await self._ask(dict.fromkeys(names, b""))
        except Down:
            return  # its lead is over soon, in any case

    async def close(self) -> None:
        await self._line.close()

    async def _ask(self, said: Mapping[str, bytes]) -> object:
        keys = [f"{self._prefix}:{name}:{what}" for name in said for what in ("leader", "seen")]
        bounds = (self._me, self._lease, round(KEPT * 1000), MOST)
        words: list[bytes | str | int] = [len(keys), *keys, *bounds, *said.values()]
        return await self._line.ask("EVAL", SCRIPT, *words, patience=PATIENCE)
