"""How a simulated target serves, and what may go wrong with it.

A service is a model of a provider's model: a wait before the first token, a pace, and what it does
with more than it can take. Faults change it for a while. Both are immutable; what happens to one
request follows from them, from the load at that instant, and from chance that is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import NamedTuple

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Service:
    """A target as it is when nothing is wrong.

    `first_token` is the median wait in seconds, lognormal with deviation `spread`; `per_token` the
    pace. More than `capacity` at once wait their turn, as far as `queue` reaches; what comes beyond
    is refused with 429, and told to come back after `rest` seconds (None: it is not told).
    `per_minute` requests are taken in any 60 s, the others refused likewise.
    """

    first_token: float = 0.5
    spread: float = 0.2
    per_token: float = 0.02
    capacity: int | None = None
    queue: int = 1_000_000
    per_minute: int | None = None
    rest: float | None = 1.0

    @property
    def expected_first_token(self) -> float:
        """The mean wait of a request that is served at once: exp(σ²/2) above the median."""
        return self.first_token * exp(self.spread**2 / 2)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a target from `start` to `end` (seconds).

    `slower` multiplies the wait before the first token, `pace` the time per token. `errors` is the
    share of requests that fail after `error_after` seconds; `silent`: nothing comes at all; `cuts`
    the share of answers that break off in the middle; `capacity` replaces the service's. With
    `period` the fault comes and goes, that many seconds each, beginning with the fault.
    """

    target: str
    start: float
    end: float = NEVER
    slower: float = 1.0
    pace: float = 1.0
    errors: float = 0.0
    error_after: float = 0.05
    silent: bool = False
    cuts: float = 0.0
    capacity: int | None = None
    period: float | None = None

    def holds(self, now: float) -> bool:
        """Whether it is there at `now`."""
        if not self.start <= now < self.end:
            return False
        return self.period is None or self._turns(now, self.period) % 2 == 0

    def turn(self, now: float) -> float:
        """The next instant after `now` at which it comes or goes; NEVER if there is none."""
        if now < self.start:
            return self.start
        if now >= self.end:
            return NEVER
        if self.period is None:
            return self.end
        return min(self.end, self.start + (self._turns(now, self.period) + 1) * self.period)

    def _turns(self, now: float, period: float) -> int:
        turns = int((now - self.start) / period)
        # The quotient may fall just short of a turn whose very instant this is.
        return turns + (self.start + (turns + 1) * period <= now)


class Fate(NamedTuple):
    """What becomes of one request that a target has begun to serve: seconds until the first token
    and until the end, and how it ends there.
    """

    first: float
    end: float
    failed: bool = False
    tokens: int = 0


SILENCE = Fate(NEVER, NEVER)


def fate(service: Service, faults: Sequence[Fault], output_tokens: int, rng: Random) -> Fate:
    """Draw the fate of a request under the faults that hold now."""
    slower, pace = 1.0, 1.0
    for fault in faults:
        if fault.silent:
            return SILENCE
        if fault.errors and rng.random() < fault.errors:
            return Fate(NEVER, fault.error_after, failed=True)
        slower *= fault.slower
        pace *= fault.pace
    first = service.first_token * slower * rng.lognormvariate(0.0, service.spread)
    tokens = output_tokens
    cut = any(fault.cuts and rng.random() < fault.cuts for fault in faults)
    if cut:
        tokens = rng.randint(1, output_tokens)
    return Fate(first, first + tokens * service.per_token * pace, cut, tokens)
