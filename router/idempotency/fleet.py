"""Whole answers that all instances of a fleet keep together, on a server of Redis's protocol.

Each instance has its own memory before it, which alone is asked while the server is away. A key
is claimed for as long as its instance lives and says so: one that dies frees it by silence. What
is kept there are answers, under digests of tenant, endpoint and key; nothing of a request.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import cast

import msgspec

from router.idempotency.claim import Claim, Name
from router.idempotency.store import (
    LIFETIME,
    MOST_BYTES,
    KeyInUse,
    KeyReused,
    Memory,
    WholeAnswer,
)
from router.redis.down import Down
from router.redis.link import Link

LIFE = 30.0
"""Seconds for which a claim holds without another word of the instance that made it."""
LARGEST = 1024 * 1024
"""Bytes of an answer that is shared, which a gigabit carries in half of a link's patience; a larger
one is in the memory of its instance alone.
"""
KEEP = Path(__file__).with_name("keep.lua").read_bytes()
FREE = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
RENEW = b"""for place, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[place + 1] then redis.call('PEXPIRE', key, ARGV[1]) end
end"""
_RUNNING, _KEPT = b"r", b"k"
NUL = "\0"
"""Which is in none of a name's parts."""
_DIGEST = 32
"""Bytes of a body's digest, which follow the first letter of what is kept."""


class Fleet:
    """A `Store` that the instances of `fleet` share over a link of its own; `own` is this
    instance's memory.
    """

    def __init__(
        self,
        link: Link,
        fleet: str,
        own: Memory,
        *,
        life: float = LIFE,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._link = link
        self._prefix = f"{{pm:{fleet}}}:once"
        self._own = own
        self._life = life
        self._most_bytes = most_bytes
        self._running: dict[Name, bytes] = {}
        self._renewal: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin, whether the server is there or not."""
        with suppress(Down):
            await self._link.ready()

    async def claim(self, claim: Claim, now: float) -> WholeAnswer | None:
        """See `Store.claim`. While the server is away, only this instance's requests are seen."""
        kept = await self._own.claim(claim, now)
        if kept is not None:
            return kept
        mine = _RUNNING + claim.digest + token_bytes(8)
        self._running[claim.name] = mine
        try:
            held = await self._held(claim, mine)
            kept = None if held is None else _answer_of(held, claim)
        except (KeyInUse, KeyReused):
            self._running.pop(claim.name)
            self._own.free(claim)
            raise
        except asyncio.CancelledError:
            self.free(claim)
            raise
        if kept is not None:
            self._running.pop(claim.name)
            self._own.free(claim)
            return kept
        self._renew_later()
        return None

    def keep(self, claim: Claim, answer: WholeAnswer, now: float) -> None:
        self._own.keep(claim, answer, now)
        if answer.size > LARGEST:
            self._let_go(claim.name)
            return
        told = msgspec.msgpack.encode(answer._replace(headers=dict(answer.headers)))
        key, index, size = self._key(claim.name), f"{self._prefix}-index", f"{self._prefix}-bytes"
        value = _KEPT + claim.digest + told
        mine = self._running.pop(claim.name)
        milliseconds = round(LIFETIME * 1000)
        keys = (3, key, index, size)
        self._link.tell("EVAL", KEEP, *keys, mine, value, milliseconds, self._most_bytes)

    def free(self, claim: Claim) -> None:
        self._own.free(claim)
        self._let_go(claim.name)

    async def close(self) -> None:
        """Close the link. Claims that are left are over with their time."""
        if self._renewal is not None:
            self._renewal.cancel()
        await self._link.close()

    async def _held(self, claim: Claim, mine: bytes) -> bytes | None:
        """What is there already; None: nothing, or nobody to ask."""
        life = round(self._life * 1000)
        words = ("SET", self._key(claim.name), mine, "NX", "GET", "PX", life)
        try:
            return cast("bytes | None", await self._link.ask(*words))
        except Down:
            return None

    def _let_go(self, name: Name) -> None:
        self._link.tell("EVAL", FREE, 1, self._key(name), self._running.pop(name))

    def _renew_later(self) -> None:
        if self._renewal is None:
            loop = asyncio.get_running_loop()
            self._renewal = loop.call_later(self._life / 3, self._renew)

    def _renew(self) -> None:
        self._renewal = None
        if not self._running:
            return
        keys = [self._key(name) for name in self._running]
        life = round(self._life * 1000)
        self._link.tell("EVAL", RENEW, len(keys), *keys, life, *self._running.values())
        self._renew_later()

    def _key(self, name: Name) -> str:
        return f"{self._prefix}:{sha256(NUL.join(name).encode()).hexdigest()}"


def _answer_of(held: bytes, claim: Claim) -> WholeAnswer | None:
    """The answer that is there. Raises `KeyInUse` and `KeyReused`."""
    if held[1 : 1 + _DIGEST] != claim.digest:
        raise KeyReused
    if held[:1] == _RUNNING:
        raise KeyInUse
    try:
        return msgspec.msgpack.decode(held[1 + _DIGEST :], type=WholeAnswer)
    except msgspec.MsgspecError:
        return None
