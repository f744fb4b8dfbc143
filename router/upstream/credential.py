"""What shows a provider who asks, where that is more than one fixed header: a token that runs out,
a signature over each request.

What runs out is fetched anew in the background before it does, so that a request waits for it only
the first time; where it cannot be had, whoever waits is refused. Nothing here knows where it comes
from: that is `chains`.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from time import time
from typing import Any, Generic, Protocol, TypeVar

from router.upstream.sigv4 import Audience, AwsKeys, signature
from router.upstream.transport import NoCredential

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Send = Callable[[], None]
Refuse = Callable[[NoCredential], None]

PATIENCE = 10.0
"""Seconds that requests wait for what is being fetched; their own limits may be shorter."""
EARLY = 300.0
"""Seconds before it runs out that it is fetched anew, or half of its time if that is less."""
AGAIN = 30.0
"""Seconds after which a fetch that failed in the background is tried again."""
SOONEST = 5.0
"""Seconds between two fetches at least, however short the time is for which something is lent."""


class Unavailable(Exception):
    """What was to be fetched cannot be had; the message says why, with nothing secret in it."""


@dataclass(frozen=True, slots=True)
class Lent(Generic[T]):
    """`value`, and for how many seconds it is good."""

    value: T
    good: float


Fetch = Callable[[], Lent[T]]
"""Runs in a thread of its own, and may block. Raises `Unavailable`."""


class Source(Protocol[T_co]):
    """Where something is from that may have to be fetched."""

    @property
    def value(self) -> T_co:
        """As it is now; asked for only by who was told that it is there."""

    def when_ready(self, send: Send, refuse: Refuse) -> None:
        """Call `send` once there is a value, which is at once but for the first time, or else
        `refuse`.
        """


class Credential(Protocol):
    """Shows who asks."""

    def when_ready(self, send: Send, refuse: Refuse) -> None:
        """See `Source.when_ready`."""

    def headers(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        """The headers that show it, for one request that has at least `headers`."""


class Bearer:
    """A token in a header of its own. See `Credential`."""

    def __init__(self, token: Source[str]) -> None:
        self._token = token
        self.when_ready = token.when_ready

    def headers(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self._token.value}"}


class Signed:
    """A signature over each request. See `Credential`. `wall` is Unix time."""

    def __init__(
        self, keys: Source[AwsKeys], audience: Audience, wall: Callable[[], float] = time
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._wall = wall
        self.when_ready = keys.when_ready

    def headers(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        keys = self._keys.value
        return signature(keys, self._audience, method, path, headers, body, self._wall())


@dataclass(frozen=True, slots=True)
class Fixed(Generic[T]):
    """What does not run out. See `Source`."""

    value: T

    def when_ready(self, send: Send, refuse: Refuse) -> None:
        send()


class Renewed(Generic[T]):
    """What runs out. See `Source`. It is renewed for as long as somebody holds it."""

    def __init__(self, fetch: Fetch[T], loop: asyncio.AbstractEventLoop) -> None:
        self._fetch = fetch
        self._loop = loop
        self._lent: Lent[T] | None = None
        self._until = 0.0
        self._waiting: list[tuple[Send, Refuse]] = []
        self._round = 0
        self._patience: asyncio.TimerHandle | None = None

    @property
    def value(self) -> T:
        if self._lent is None:
            raise LookupError("nothing has been fetched yet")
        return self._lent.value

    def when_ready(self, send: Send, refuse: Refuse) -> None:
        if self._loop.time() < self._until:
            send()
            return
        self._waiting.append((send, refuse))
        self.renew()

    def renew(self) -> None:
        """Fetch it, unless that is under way. The thread is nobody's to wait for: what hangs in it
        hangs alone.
        """
        if self._patience is not None:
            return
        self._round += 1
        self._patience = self._loop.call_later(PATIENCE, self._give_up)
        Thread(target=self._run, args=(self._round,), name="credential", daemon=True).start()

    def _run(self, number: int) -> None:
        told: Lent[T] | Unavailable = Unavailable("fetching it broke off")
        try:
            told = self._fetch()
        except Unavailable as unavailable:
            told = unavailable
        finally:
            with suppress(RuntimeError):  # the loop may have been closed
                self._loop.call_soon_threadsafe(self._arrived, number, told)

    def _arrived(self, number: int, told: Lent[T] | Unavailable) -> None:
        if number != self._round:
            return
        self._stop_waiting()
        waiting, self._waiting = self._waiting, []
        if isinstance(told, Unavailable):
            for _, refuse in waiting:
                refuse(NoCredential(f"no credential: {told}"))
            if self._loop.time() < self._until:
                self._renew_in(AGAIN)
            return
        self._lent, self._until = told, self._loop.time() + told.good
        for send, _ in waiting:
            send()
        self._renew_in(max(SOONEST, told.good - min(EARLY, told.good / 2)))

    def _give_up(self) -> None:
        """Let those go who wait. What is under way may still arrive, unless it is begun anew."""
        self._stop_waiting()
        waiting, self._waiting = self._waiting, []
        for _, refuse in waiting:
            refuse(NoCredential(f"no credential: nothing came within {PATIENCE:g} s"))
        if self._loop.time() < self._until:
            self._renew_in(AGAIN)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _renew_in(self, seconds: float) -> None:
        self._loop.call_later(seconds, _renew, weakref.ref(self))


def _renew(held: weakref.ref[Renewed[Any]]) -> None:
    renewed = held()
    if renewed is not None:
        renewed.renew()


class Renewals:
    """What is renewed, by where it is from: kept over a reload, if it is still wanted."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: weakref.WeakValueDictionary[Hashable, Renewed[Any]] = (
            weakref.WeakValueDictionary()
        )

    def get(self, origin: Hashable, fetch: Fetch[T]) -> Renewed[T]:
        """What is renewed from `origin`; by `fetch`, if nothing is yet."""
        kept = self._kept.get(origin)
        if kept is None:
            self._kept[origin] = kept = Renewed(fetch, self._loop)
        return kept
