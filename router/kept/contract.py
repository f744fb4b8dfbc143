"""What keeping documents means, wherever they are kept.

Why: what an operator said, and how far a shift has come, must outlive a restart and be the same in
every instance. Must not: be asked by a request for anything but the copy at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

LARGEST = 512 * 1024
"""Bytes of one document, as JSON."""

Document = Mapping[str, Any]
"""What JSON knows, under names. It is not changed by who reads it."""
How = Callable[[Document | None], Document | None]
"""What is to be kept instead of what is kept now (None: nothing). It may be called again."""
Heard = Callable[[Document | None], None]
"""Told the copy that holds from now on. It only schedules, or does what cannot fail."""


class TooLarge(ValueError):
    """A document that is not kept, for its size."""


class Kept(Protocol):
    """Keeps documents by their names. `where` it does, in words; `why` what is changed now would
    be lost with this process, or cannot be changed (empty: neither).
    """

    where: str
    why: str

    def read(self, name: str) -> Document | None:
        """The last copy known; None: there is none."""

    async def change(self, name: str, how: How) -> Document | None:
        """Keep what `how` makes of what is kept, unless others changed that meanwhile: then it is
        asked again. Gives what is kept now. Raises `router.redis.down.Down` where the server that
        keeps it for all is away (whether it was changed is heard of when it is back), and
        `TooLarge`.
        """

    def names(self, kind: str) -> list[str]:
        """The documents of a kind, which is what their names say before a colon."""

    def on_change(self, kind: str, heard: Heard) -> None:
        """Call `heard` whenever there is another copy of a document of that kind, whoever changed
        it, this process too.
        """

    async def start(self) -> None:
        """Read what is kept, as far as that can be done now."""

    async def close(self) -> None:
        """End it; what was changed is kept by then, as far as that can be done."""


class Copies:
    """The half of `Kept` that is at hand: the copies, and who hears of others."""

    def __init__(self) -> None:
        self._copies: dict[str, Document] = {}
        self._heard: dict[str, list[Heard]] = {}

    def read(self, name: str) -> Document | None:
        return self._copies.get(name)

    def names(self, kind: str) -> list[str]:
        return [name for name in self._copies if _kind(name) == kind]

    def on_change(self, kind: str, heard: Heard) -> None:
        self._heard.setdefault(kind, []).append(heard)

    def _hold(self, name: str, document: Document | None) -> None:
        """From now on this is the copy."""
        if document == self.read(name):
            return
        if document is None:
            del self._copies[name]
        else:
            self._copies[name] = document
        for heard in self._heard.get(_kind(name), ()):
            heard(document)


def _kind(name: str) -> str:
    return name.partition(":")[0]


def encoded(name: str, document: Document | None) -> bytes:
    """As it is kept; empty: nothing. Raises `TooLarge`."""
    told = b"" if document is None else msgspec.json.encode(document)
    if len(told) > LARGEST:
        raise TooLarge(f"{name} is of {len(told):,} bytes, and at most {LARGEST:,} are kept")
    return told
