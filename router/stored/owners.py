"""Which account made what, by its id: a response, an item of one, a conversation.

Only that account knows it, so whatever refers to it has to go there. The memory is bounded in
number and in time; what has been forgotten is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

KEPT_FOR = 30 * 86_400.0
"""Seconds: as long as OpenAI keeps a response."""
MOST = 100_000
"""Ids; some 30 MB when all are taken."""
LONGEST = 200
"""Characters of an id: what is longer is none."""


class Owner(NamedTuple):
    """Who an id belongs to, since when on the caller's clock."""

    tenant: str
    account: str
    since: float


class Owners:
    """Remembers, in this process."""

    __slots__ = ("_clock", "_most", "_of")

    def __init__(self, clock: Callable[[], float], most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._of: dict[str, Owner] = {}

    def __len__(self) -> int:
        return len(self._of)

    def keep(self, tenant: str, account: str, id_: str) -> None:
        """`account` made this for `tenant`. Whose an id is does not change."""
        if len(id_) > LONGEST or self.of(id_) is not None:
            return
        self._of[id_] = Owner(tenant, account, self._clock())
        if len(self._of) > self._most:
            self.forget(next(iter(self._of)))

    def keeper(self, tenant: str) -> Callable[[str, str], None]:
        """`keep` for what is made for `tenant`."""
        return partial(self.keep, tenant)

    def of(self, id_: str) -> Owner | None:
        """Whose it is; None: nobody knows, or not any more."""
        owner = self._of.get(id_)
        if owner is not None and self._clock() - owner.since > KEPT_FOR:
            self.forget(id_)
            return None
        return owner

    def forget(self, id_: str) -> None:
        """It is gone."""
        self._of.pop(id_, None)
