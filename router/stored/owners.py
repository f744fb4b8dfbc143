"""Which account made what, by its id: a response, an item of one, a conversation.

Only that account knows it, so whatever refers to it has to go there. The memory is bounded in
number and in time; what has been forgotten is unknown, never guessed. What this process does not
know the others of its fleet may know: that is asked before it is needed, and only then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from router.redis.down import Down

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


class Others(Protocol):
    """What a fleet remembers together. What is told it must not wait, and may be lost."""

    async def start(self) -> None:
        """Begin, whether anybody is there or not."""

    async def owners(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Tenant and account of those of `ids` that are known. Raises `Down`."""

    def keep(self, tenant: str, account: str, id_: str) -> None:
        """See `Owners.keep`."""

    def forget(self, id_: str) -> None:
        """See `Owners.forget`."""

    async def close(self) -> None:
        """End it."""


class Owners:
    """Remembers, in this process, and with `others` where it has them. `unheard`: when they were
    asked last, nobody answered.
    """

    __slots__ = ("_clock", "_most", "_of", "_others", "unheard")

    def __init__(
        self, clock: Callable[[], float], most: int = MOST, others: Others | None = None
    ) -> None:
        self.unheard = False
        self._clock = clock
        self._most = most
        self._others = others
        self._of: dict[str, Owner] = {}

    def __len__(self) -> int:
        return len(self._of)

    async def start(self) -> None:
        """Begin to remember with others."""
        if self._others is not None:
            await self._others.start()

    async def close(self) -> None:
        if self._others is not None:
            await self._others.close()

    def keep(self, tenant: str, account: str, id_: str) -> None:
        """`account` made this for `tenant`. Whose an id is does not change."""
        if len(id_) > LONGEST or self.of(id_) is not None:
            return
        self._remember(tenant, account, id_)
        if self._others is not None:
            self._others.keep(tenant, account, id_)

    def keeper(self, tenant: str) -> Callable[[str, str], None]:
        """`keep` for what is made for `tenant`."""
        return partial(self.keep, tenant)

    async def learn(self, ids: Iterable[str]) -> None:
        """Ask the others whose those of `ids` are that this process does not know."""
        if self._others is None:
            return
        unknown = [id_ for id_ in ids if len(id_) <= LONGEST and self.of(id_) is None]
        if not unknown:
            return
        try:
            found = await self._others.owners(unknown)
        except Down:
            self.unheard = True
            return
        self.unheard = False
        for id_, (tenant, account) in found.items():
            self._remember(tenant, account, id_)

    def of(self, id_: str) -> Owner | None:
        """Whose it is; None: nobody knows, or not any more."""
        owner = self._of.get(id_)
        if owner is not None and self._clock() - owner.since > KEPT_FOR:
            del self._of[id_]
            return None
        return owner

    def forget(self, id_: str) -> None:
        """It is gone."""
        self._of.pop(id_, None)
        if self._others is not None:
            self._others.forget(id_)

    def _remember(self, tenant: str, account: str, id_: str) -> None:
        self._of[id_] = Owner(tenant, account, self._clock())
        if len(self._of) > self._most:
            del self._of[next(iter(self._of))]
