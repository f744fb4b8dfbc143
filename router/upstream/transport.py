"""The seam between the pipeline and whatever carries bytes to a provider.

An exchange is polled, never awaited: it rings its request's bell when there is something new,
and the request takes what has come. So one request can hold several exchanges without a task
for each, and a transport is easy to script in a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from policies import Phase
from router.bell import Bell
from router.dialects.contract import UpstreamDialect


class UpstreamError(Exception):
    """The exchange broke: the provider's fault or the network's between, never the caller's.

    `phase` is how far it had come; `detail` is for people. `stale`: the connection had been idle,
    and its other end closed it before a byte of the answer: so does one whose time was over just
    when the request was on its way, and that says nothing of the provider.
    """

    def __init__(self, phase: Phase, detail: str, *, stale: bool = False) -> None:
        super().__init__(detail)
        self.phase = phase
        self.detail = detail
        self.stale = stale


class Head(Struct, frozen=True):
    """An answer's status and headers, their names in lower case; of a success, those that clients
    are told, at least.
    """

    status: int
    headers: Mapping[str, str]


class Exchange(Protocol):
    """One request to a provider and its answer, under way."""

    @property
    def head(self) -> Head | None:
        """Status and headers once they have come."""

    def take(self) -> bytes | None:
        """Bytes of the body that have come and were not taken yet; None: nothing for now;
        `b""`: that was all. Raises `UpstreamError` when the exchange broke, after everything
        before it was taken.
        """

    def abort(self) -> None:
        """End it now, whatever its state. Idempotent."""

    def finish(self) -> None:
        """All that matters has come: what is left of it may be read, or not, by the transport."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect; between two pieces of a stream."""

    connect: float = 3.0
    between_tokens: float = 120.0


class Transport(Protocol):
    """Carries requests to one provider."""

    def open(
        self, upstream: Upstream, path: str, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> Exchange:
        """Send `body` to `path` below the provider's base URL, with its headers and those given;
        ring `bell` whenever something comes.
        """


@dataclass(frozen=True, slots=True)
class Upstream:
    """How one target is reached."""

    target: str
    model: str
    dialect: UpstreamDialect
    transport: Transport
    timeouts: Timeouts
    ask_usage: bool = True
