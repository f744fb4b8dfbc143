"""What is kept of shifts, each in a document of its own, so that none is in the way of another:
read once for every copy, and changed only from where it stands.

Must not: decide how far a shift comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from policies.shifting import Progress, abort, begin, pause, rests, resume
from router.kept.contract import Document, Kept
from router.shifts.document import KIND, at, document_of, forgotten, progress, written
from router.shifts.moving import Moving

REFRESHED = 86_400.0
"""Seconds after which what has not changed is written anew, so that it is not forgotten."""
AWAKE = 5.0
"""Seconds before a shift that was taken back is tried again, in which all say anew what they have
seen: else what came meanwhile would be weighed as if it came on its first step.
"""


class Known(NamedTuple):
    """What is kept of a shift (None: nothing), and what that says (None: it cannot be read)."""

    document: Document | None
    progress: Progress | None

    @property
    def unreadable(self) -> bool:
        """Whether something is kept that cannot be read: it may be of a later release."""
        return self.document is not None and self.progress is None

    def rests(self, now: float) -> bool:
        """Whether nothing that is seen of it makes any difference."""
        return self.unreadable if self.progress is None else rests(self.progress, now + AWAKE)


NOTHING = Known(None, None)


class Keeping:
    """Keeps them in `kept`. `heard` is called whenever there is another document of a shift."""

    def __init__(self, kept: Kept, heard: Callable[[], None]) -> None:
        self._kept = kept
        self._known: dict[str, Known] = {}
        kept.on_change(KIND, lambda _: heard())

    def of(self, name: str) -> Known:
        """What is known of the shift of that name."""
        document, known = self._kept.read(document_of(name)), self._known.get(name, NOTHING)
        if known.document is not document:
            known = self._known[name] = Known(document, progress(document))
        return known

    async def keep(self, name: str, known: Known, to: Progress, now: float) -> None:
        """Keep that it has come so far, unless somebody else was here meanwhile."""

        def how(document: Document | None) -> Document | None:
            return written(to, now) if document is known.document else document

        await self._kept.change(document_of(name), how)

    async def refresh(self, name: str, now: float) -> None:
        """Have it not forgotten, where it rests."""
        known = self.of(name)
        if known.document is None or known.progress is None:
            return
        if now - at(known.document) >= REFRESHED:
            await self.keep(name, known, known.progress, now)

    async def order(self, moving: Moving, what: str, now: float) -> None:
        """Do what an operator wishes. Raises ValueError where that makes no sense now."""

        def how(document: Document | None) -> Document | None:
            held = progress(document)
            if what == "abort":
                held = held or begin(moving.terms, moving.revision, now)
                return written(abort(held, now), now)
            if held is not None:
                after = pause(held) if what == "pause" else resume(moving.terms, held, now)
                return written(after, now)
            if document is None:
                raise ValueError("the shift has not begun")
            if what == "resume":
                return None  # it is given up, and the shift begins anew
            raise ValueError("what is kept of the shift cannot be read: resume or abort it")

        await self._kept.change(document_of(moving.name), how)

    async def forget(self, own: Iterable[str], now: float) -> None:
        """Keep shifts no longer that are not among these, and have not been for long."""
        names = {document_of(name) for name in own}
        others = [name for name in self._kept.names(KIND) if name not in names]
        for name in forgotten({one: self._kept.read(one) or {} for one in others}, now):
            await self._kept.change(name, lambda _: None)
        self._known = {
            name: known for name, known in self._known.items() if document_of(name) in names
        }
