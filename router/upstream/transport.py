"""The seam between the pipeline and whatever carries bytes to a provider.

An exchange is polled, never awaited: it rings its request's bell when there is something new,
and the request takes what has come. So one request can hold several exchanges without a task
for each, and a transport is easy to script in a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from policies import Phase
from router.bell import Bell
from router.dialects.contract import UpstreamDialect


class UpstreamError(Exception):
    """The exchange broke: the provider's fault or the network's between, never the caller's.

    `phase` is how far it had come; `detail` is for people.
    """

    def __init__(self, phase: Phase, detail: str) -> None:
        super().__init__(detail)
        self.phase = phase
        self.detail = detail


class Head(NamedTuple):
    """An answer's status and headers, their names in lower case."""

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


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect; between two pieces of a stream."""

    connect: float = 3.0
    between_tokens: float = 120.0


class Transport(Protocol):
    """Carries requests to one provider."""

    def open(
        self, upstream: Upstream, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> Exchange:
        """Send `body` with the provider's headers and those given; ring `bell` whenever
        something comes.
        """

    async def close(self) -> None:
        """Let go of connections that nobody uses."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """How one target is reached. `headers` carry the credential: never print them."""

    target: str
    model: str
    dialect: UpstreamDialect
    transport: Transport
    url: str
    headers: Mapping[str, str]
    timeouts: Timeouts
    ask_usage: bool = True

    def __repr__(self) -> str:
        return f"Upstream({self.target!r})"
