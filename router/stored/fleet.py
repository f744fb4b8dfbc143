"""Which account made what, as all instances of a fleet remember it together, on a server of Redis's
protocol.

Written beside the request that made it, and asked only about what an instance does not know by
itself. What is made while the server is away is known where it was made, and nowhere else. Ids are
kept there as digests, with the names of a tenant and an account; nothing of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import cast

from router.redis.down import Down
from router.redis.link import Link
from router.stored.owners import KEPT_FOR

MOST = 200_000
"""Ids of a whole fleet; some 40 MB of the server's when all are taken."""
KEEP = Path(__file__).with_name("keep.lua").read_bytes()
NUL = "\0"
"""Which is in no name of a tenant or an account."""
_DIGITS = 32
"""Of an id's digest: 128 bits, so that no two ids are one."""


class Fleet:
    """`Others` that the instances of `fleet` are to each other, over a link of its own."""

    def __init__(self, link: Link, fleet: str, *, most: int = MOST) -> None:
        self._link = link
        self._prefix = f"{{pm:{fleet}}}:made"
        self._most = most

    async def start(self) -> None:
        with suppress(Down):
            await self._link.ready()

    async def owners(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        answer = await self._link.ask("MGET", *(self._key(id_) for id_ in ids))
        found = {}
        for id_, told in zip(ids, cast("list[bytes | None]", answer), strict=True):
            if told is not None:
                tenant, _, account = told.decode(errors="replace").partition(NUL)
                found[id_] = tenant, account
        return found

    def keep(self, tenant: str, account: str, id_: str) -> None:
        keys = (2, self._key(id_), f"{self._prefix}-order")
        owner, lifetime = f"{tenant}{NUL}{account}", round(KEPT_FOR * 1000)
        self._link.tell("EVAL", KEEP, *keys, owner, lifetime, self._most)

    def forget(self, id_: str) -> None:
        self._link.tell("DEL", self._key(id_))

    async def close(self) -> None:
        await self._link.close()

    def _key(self, id_: str) -> str:
        digest = sha256(id_.encode(errors="surrogatepass")).hexdigest()
        return f"{self._prefix}:{digest[:_DIGITS]}"
