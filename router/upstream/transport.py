"""The seam between the pipeline and whatever carries bytes to a provider.

An exchange is polled, never awaited: it rings its request's bell when there is something new,
and the request takes what has come. So one request can hold several exchanges without a task
for each, and a transport is easy to script in a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from policies import Phase
from router.bell import Bell
from router.dialects.contract import Fields, Operation, UpstreamDialect
from router.dialects.hints import Hint


class UpstreamError(Exception):
    """The exchange broke: the provider's fault or the network's between, never the caller's; but
    `ours`, if this machine had no room for it.

    `phase` is how far it had come; `detail` is for people. `stale`: the connection had been idle,
    and its other end closed it before a byte of the answer: so does one whose time was over just
    when the request was on its way, and that says nothing of the provider.
    """

    def __init__(
        self, phase: Phase, detail: str, *, stale: bool = False, ours: bool = False
    ) -> None:
        super().__init__(detail)
        self.phase = phase
        self.detail = detail
        self.stale = stale
        self.ours = ours


class NoCredential(UpstreamError):
    """Nothing was sent, for want of what shows the provider who asks."""

    def __init__(self, detail: str) -> None:
        super().__init__(Phase.CONNECT, detail)


class Head(Struct, frozen=True):
    """An answer's status and headers, their names in lower case; of a success, those that clients
    are told, at least. `limits` are further ones, as they came, that say what is left of limits.
    """

    status: int
    headers: Mapping[str, str]
    limits: Sequence[tuple[bytes, bytes]] = ()


class Exchange(Protocol):
    """One request to a provider and its answer, under way."""

    @property
    def head(self) -> Head | None:
        """Status and headers once they have come."""

    @property
    def sent(self) -> bool:
        """Whether any of its request may have gone out."""

    def take(self) -> bytes | None:
        """Bytes of the body that have come and were not taken yet; None: nothing for now;
        `b""`: that was all. Raises `UpstreamError` when the exchange broke, after everything
        before it was taken.
        """

    def abort(self) -> None:
        """End it now, whatever its state. Idempotent."""

    def finish(self) -> None:
        """All that matters has come: what is left of it may be read, or not, by the transport."""


class Unopened:
    """The exchange of a request that could not be put in the provider's words."""

    head = None
    sent = False

    def take(self) -> bytes | None:
        return b""

    def abort(self) -> None:
        """See `Exchange.abort`."""

    def finish(self) -> None:
        """See `Exchange.finish`."""


UNOPENED = Unopened()


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
    """How one target is reached, and spoken to for each kind of call that it takes. `model` is what
    it is asked for by, `deploys` the upstream model where that is another name. Headers of clients
    that begin with one of `withheld` are not for it. `more` stands in bodies that ask for an answer
    to messages, whatever the client says of it, and `headers` in every head; `hints` are how it is
    told that it may cache a prompt, by kinds of calls, where it can be.
    """

    target: str
    model: str
    speaks: Mapping[Operation, UpstreamDialect]
    transport: Transport
    timeouts: Timeouts
    ask_usage: bool = True
    withheld: tuple[str, ...] = ()
    more: Fields = field(default_factory=dict)
    hints: Mapping[Operation, Hint] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    deploys: str = ""

    @property
    def upstream(self) -> str:
        """The upstream model."""
        return self.deploys or self.model
