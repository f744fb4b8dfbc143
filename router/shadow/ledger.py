"""What copies, judges and audits have cost, kept over a restart: else every restart would be
allowed all of it again.

By the hour, for all instances that keep their documents together. Written now and then, beside
everything else; what is not written yet counts as well, here. A server that is away costs nothing
but that others know of it later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated

import msgspec

from router.kept.contract import Document, Kept, TooLarge
from router.lasting import lasting
from router.redis.down import Down

NAME = "spent"
HOUR = 3600
OLDEST = 25
"""Hours that are kept: the longest span of a cap is a day, whose first hour has begun before."""
EVERY = 15.0
"""Seconds between two times that it is written, where there is anything to write."""
Spent = dict[str, dict[int, Annotated[int, msgspec.Meta(ge=0)]]]
"""Nano-dollars by what they were spent on and the hour of Unix time."""


class Ledger:
    """Keeps it in `kept`; `wall` is Unix time."""

    def __init__(self, kept: Kept, wall: Callable[[], float] = time.time) -> None:
        self._kept, self._wall = kept, wall
        self._owed: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def add(self, name: str, nano: int) -> None:
        """It has cost so much: copies of requests for the model of that name, or what `Purse` calls
        so.
        """
        if nano:
            self._owed[name] = self._owed.get(name, 0) + nano

    def within(self, name: str, seconds: float) -> int:
        """What was spent in the last `seconds`, and up to an hour before that."""
        since = int((self._wall() - seconds) // HOUR)
        hours = read(self._kept.read(NAME)).get(name, {})
        return self._owed.get(name, 0) + sum(n for hour, n in hours.items() if hour >= since)

    async def start(self) -> None:
        """Begin to write."""
        self._task = lasting(self._now_and_then)

    async def close(self) -> None:
        """Write what is left to write."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.save()

    async def save(self) -> None:
        """Write what has been spent since the last time."""
        async with self._turn:
            owed, hour = self._owed.copy(), int(self._wall() // HOUR)
            if not owed:
                return
            # It may have been written all the same: rather twice than not at all.
            with suppress(Down, TooLarge):
                await self._kept.change(NAME, lambda document: added(document, owed, hour))
                for name, nano in owed.items():
                    if left := self._owed.pop(name) - nano:
                        self._owed[name] = left

    async def _now_and_then(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await asyncio.shield(self.save())  # half of it is none


def read(document: Document | None) -> Spent:
    """What a document says; nothing, where it is none of ours."""
    try:
        return msgspec.convert(document or {}, Spent, strict=False)
    except msgspec.ValidationError:
        return {}


def added(document: Document | None, owed: Mapping[str, int], hour: int) -> Document:
    """The same with what was spent in this hour, without what is of no use any more."""
    found: dict[str, dict[str, int]] = {}
    for model, hours in read(document).items():
        if kept := {str(one): nano for one, nano in hours.items() if one > hour - OLDEST}:
            found[model] = kept
    for model, nano in owed.items():
        hours_of = found.setdefault(model, {})
        hours_of[str(hour)] = hours_of.get(str(hour), 0) + nano
    return found
