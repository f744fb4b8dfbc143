"""The contract between the engine and a policy.

The engine removes every target that *cannot* serve a request; a policy chooses among those that
*can* the one that *should*. A policy is therefore small: an immutable value with one verb,
`choose` (one that measures for itself has a second, `learn`). What it needs to remember from one
choice to the next is a memory that the engine owns, keeps over a reload and hands in; what it
needs to know of time and chance are arguments.
A policy does no I/O, keeps no cache, filters no health, and never sees an empty list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from policies.engine.outcome import Report
from policies.engine.refusal import Refused

NO_FEATURES: Mapping[str, Any] = MappingProxyType({})


class Band(IntEnum):
    """Who goes first where requests wait for a place. A lower band keeps a tenth of what is
    served while it waits.
    """

    CRITICAL = 0
    STANDARD = 1
    SHEDDABLE = 2


NO_ABILITIES: frozenset[str] = frozenset()
NO_COUNTS: Mapping[str, int] = MappingProxyType({})
UNBARRED: Mapping[str, Refused] = MappingProxyType({})


class Request(NamedTuple):
    """What the engine and the policies may know of one request. Never its text.

    `deadline` is an instant on the clock that the driver passes as `now`. `input_tokens` is an
    estimate; `output_tokens` the most that the caller lets the model write (None: it set no
    bound). `only` confines the request to those targets; `policy` replaces the route's for this
    request; `features` holds what the policy's `needs` asked for; `requires` names abilities that a
    target must not lack (see `Facts.lacks`). Where requests wait, `band` says who goes first, and
    those of one `tenant` share its turns. One that `acts` does something in the world where it is
    served: it is sent again only after a failure that proves that nothing was begun, and never to
    two targets at once. `counted` has the tokens of its input by tokenizer, as far as the driver
    has counted them: a target that names one (`Facts.tokenizer`) goes by that and not by the
    estimate. `barred` are targets that it may never be sent to, whatever else there is, each with
    the cause.
    """

    model: str
    deadline: float
    input_tokens: int = 0
    output_tokens: int | None = None
    stream: bool = False
    only: frozenset[str] | None = None
    policy: Policy | None = None
    features: Mapping[str, Any] = NO_FEATURES
    tenant: str = ""
    band: Band = Band.STANDARD
    requires: frozenset[str] = NO_ABILITIES
    acts: bool = False
    counted: Mapping[str, int] = NO_COUNTS
    barred: Mapping[str, Refused] = UNBARRED


class Candidate(Protocol):
    """A target that can serve this request: a live, read-only view, never a copy.

    Numbers are of the moment they are asked for. A policy must not keep a candidate: it keeps
    names. What a request would cost on all of them, with what is open there, `LeastLatency().costs`
    tells.
    """

    @property
    def name(self) -> str:
        """The target's full name, `provider/upstream-model`."""

    @property
    def weight(self) -> float:
        """The weight written for it in this route; above 0."""

    @property
    def tier(self) -> int:
        """The tier it stands in, counted from 0; 0 where the route has no tiers."""

    @property
    def in_flight(self) -> int:
        """Attempts that are open on it now, over all routes."""

    def predicted(self, request: Request) -> float | None:
        """Seconds that this request is expected to take on it with no load added; None if
        unseen.
        """

    def idle(self, now: float) -> float:
        """Seconds since its latency was last measured; if it never was, since it is known."""


@runtime_checkable
class Policy(Protocol):
    """Chooses among the candidates. An immutable, comparable value: equal policies share a
    memory.
    """

    @property
    def needs(self) -> frozenset[str]:
        """Names of the features that the driver must put into `Request.features`."""

    def fresh(self) -> Any:
        """A new memory: whatever `choose` wants to keep, bounded by the policy itself."""

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Any,
        now: float,
        rng: Random,
    ) -> Candidate:
        """One of `candidates`, which is never empty."""


class Measuring(Protocol):
    """What a policy may have besides: that it goes by measurements."""

    @property
    def measures(self) -> bool:
        """Whether targets that were not measured for long are looked at now and then, with
        requests that nobody would send there otherwise; without this attribute they are not.
        """


class Starter(Protocol):
    """What a policy among tiers may have besides: where a request begins."""

    def start(self, request: Request) -> int:
        """The first tier, from 0, that `request` may be sent to; without this verb it is 0. The
        engine offers no tier before it, and a later one only when those before are left.
        """

    def why(self, request: Request) -> Sequence[str]:
        """Sentences on where `request` begins, for people. May be missing as well."""


class Learner(Protocol):
    """What a policy may have besides: it is told how the attempts end of the requests that it
    decides. Most need none of it, since the engine's estimates are in the candidates.
    """

    def learn(
        self,
        request: Request,
        candidate: Candidate,
        report: Report,
        seconds: float,
        first: float | None,
        memory: Any,
        now: float,
    ) -> None:
        """An attempt of `request` on `candidate` has settled, `seconds` after it was sent; its
        first content came `first` seconds after that (None: there was none). `memory` is the one
        that `choose` gets, and to be bounded here as well. What it raises is reported, and changes
        nothing for the request.
        """


class Speaking(Protocol):
    """What a policy may have besides: it says what it is, for people."""

    @property
    def rule(self) -> str:
        """Whom it chooses, in a sentence without a capital or a full stop."""


class Weighing(Protocol):
    """What a policy may have besides: it says what only it weighs, for people."""

    def terms(
        self, request: Request, candidates: Sequence[Candidate], memory: Any, now: float
    ) -> Sequence[str]:
        """A few words for each candidate, in their order; empty where there are none. Nothing is
        chosen, and `memory` is left as it is.
        """


class Foretelling(Protocol):
    """What a policy may have besides: it tells how likely it is to choose each candidate, so that
    records of its decisions can be weighed. Without this verb `explain` counts, and records leave
    it open.
    """

    def odds(
        self, request: Request, candidates: Sequence[Candidate], now: float
    ) -> Sequence[float]:
        """A share for each candidate, in their order, of 1 in all; nothing is chosen."""
