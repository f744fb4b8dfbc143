"""Where whole answers are kept under their keys, and who may use a key now.

`Store` is the seam; `Memory` keeps them in this process, bounded in number, bytes and time, and
forgets them with it. What a store must not do is make anyone wait for more than its one question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from router.idempotency.claim import Claim, Name

LIFETIME = 24 * 3600.0
"""Seconds that an answer is kept: a day is what clients that send such keys are used to."""
MOST_ANSWERS = 10_000
MOST_BYTES = 64 * 1024 * 1024
"""How many answers are kept, and their bytes in all. A streamed answer of 500 tokens has some
100 kB, so it is about 600 of those; beyond either bound the oldest go first.
"""


class WholeAnswer(NamedTuple):
    """An answer as its client was given it, in its original bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    streamed: bool

    @property
    def size(self) -> int:
        """Its bytes, headers included."""
        return len(self.body) + sum(len(name) + len(told) for name, told in self.headers.items())


class KeyInUse(Exception):
    """The first request with this key is still running."""


class KeyReused(Exception):
    """The key came with something else before."""


class Store(Protocol):
    """Keeps answers. A key that was claimed is its request's until that keeps an answer under it,
    or frees it; one of the two is always called.
    """

    async def claim(self, claim: Claim, now: float) -> WholeAnswer | None:
        """The answer that is kept; or None: it is the caller's to answer. Raises `KeyInUse`, and
        `KeyReused` whether the other body's request still runs or not.
        """

    def keep(self, claim: Claim, answer: WholeAnswer, now: float) -> None:
        """The request was answered; from now on so is everyone who repeats it. Must not wait."""

    def free(self, claim: Claim) -> None:
        """There is no answer to keep: the next with this key begins anew. Must not wait."""


class _Kept(NamedTuple):
    digest: bytes
    answer: WholeAnswer
    until: float


class Memory:
    """A `Store` in this process. Keys of running requests are beside its bounds: each goes with a
    request that costs far more than its key does.
    """

    def __init__(
        self,
        most: int = MOST_ANSWERS,
        most_bytes: int = MOST_BYTES,
        lifetime: float = LIFETIME,
    ) -> None:
        self.bytes = 0
        self._most = most
        self._most_bytes = most_bytes
        self._lifetime = lifetime
        self._running: dict[Name, bytes] = {}
        # In the order in which they were kept, and so in that in which their time is over.
        self._kept: dict[Name, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def running(self) -> int:
        """How many keys belong to requests that have no answer yet."""
        return len(self._running)

    async def claim(self, claim: Claim, now: float) -> WholeAnswer | None:
        self._expire(now)
        if (digest := self._running.get(claim.name)) is not None:
            raise KeyInUse if digest == claim.digest else KeyReused
        if (kept := self._kept.get(claim.name)) is None:
            self._running[claim.name] = claim.digest
            return None
        if kept.digest != claim.digest:
            raise KeyReused
        return kept.answer

    def keep(self, claim: Claim, answer: WholeAnswer, now: float) -> None:
        """See `Store.keep`. One that is larger than all may be together is let go."""
        self.free(claim)
        self._expire(now)
        if answer.size > self._most_bytes:
            return
        self._kept[claim.name] = _Kept(claim.digest, answer, now + self._lifetime)
        self.bytes += answer.size
        while len(self._kept) > self._most or self.bytes > self._most_bytes:
            self._drop_oldest()

    def free(self, claim: Claim) -> None:
        self._running.pop(claim.name, None)

    def _expire(self, now: float) -> None:
        while self._kept and next(iter(self._kept.values())).until <= now:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self.bytes -= self._kept.pop(next(iter(self._kept))).answer.size
