"""How a simulated target serves, and what may go wrong with it.

A service is a model of a provider's model: a wait before the first token, a pace, and what it does
with more than it can take. Faults change it for a while. Both are immutable; what happens to one
request follows from them, from the load at that instant, and from chance that is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, exp
from random import Random
from statistics import fmean
from typing import NamedTuple

from policies.simulate.arrivals import Arrival

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Service:
    """A target as it is when nothing is wrong.

    `first_token` is the median wait in seconds, lognormal with deviation `spread`, and `per_input`
    what each token of the input adds to it; with `waits`, those that were measured, in order, it is
    drawn between these instead. `per_token` is the pace. More than `capacity` at once
    wait their turn, as far as `queue` reaches; what comes beyond is refused with 429 (529 where it
    is `overloaded` then), and told to come back after `rest` seconds (None: it is not told).
    `per_minute` requests are taken in any 60 s, in each minute of the clock if it `resets` so many
    seconds after a full one, or their share in every `slice` of so many seconds; the others are
    refused, and told when they would fit. `lie` is what is told instead of any of
    this: a day, or less than nothing. With a `seed` it draws from a chance of its own, so that what
    is sent to others changes nothing of what it does. `cache` is how many tokens of prompts it
    keeps, those last read: what is kept costs nothing `per_input`.
    """

    first_token: float = 0.5
    spread: float = 0.2
    per_input: float = 0.0
    per_token: float = 0.02
    capacity: int | None = None
    queue: int = 1_000_000
    per_minute: int | None = None
    resets: int | None = None
    overloaded: bool = False
    slice: float | None = None
    rest: float | None = 1.0
    lie: float | None = None
    waits: tuple[float, ...] = ()
    seed: str | None = None
    cache: int = 0

    def expected_first_token(self, input_tokens: int) -> float:
        """The mean wait of a request that is served at once: exp(σ²/2) above the median."""
        mean = self.first_token * exp(self.spread**2 / 2)
        if self.waits:
            mean = fmean(map(fmean, pairwise(self.waits))) if self.waits[1:] else self.waits[0]
        return mean + self.per_input * input_tokens

    def seeded(self, seed: str) -> Service:
        """The same with a chance of its own."""
        return replace(self, seed=seed)

    def wait(self, rng: Random) -> float:
        """One wait, without what the input adds."""
        if not self.waits:
            return self.first_token * rng.lognormvariate(0.0, self.spread)
        place = rng.random() * (len(self.waits) - 1)
        before, after = self.waits[int(place)], self.waits[ceil(place)]
        return before + (after - before) * (place % 1.0)


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
    cached: int = 0


SILENCE = Fate(NEVER, NEVER)


def fate(
    service: Service, faults: Sequence[Fault], arrival: Arrival, rng: Random, cached: int = 0
) -> Fate:
    """Draw the fate of a request under the faults that hold now, if so much of it is `cached`."""
    slower, pace = 1.0, 1.0
    for fault in faults:
        if fault.silent:
            return SILENCE
        if fault.errors and rng.random() < fault.errors:
            return Fate(NEVER, fault.error_after, failed=True)
        slower *= fault.slower
        pace *= fault.pace
    fresh = arrival.input_tokens - cached
    first = slower * (service.wait(rng) + service.per_input * fresh)
    tokens = arrival.output_tokens
    cut = any(fault.cuts and rng.random() < fault.cuts for fault in faults)
    if cut:
        tokens = rng.randint(1, tokens)
    # A wait that was measured ended with the first of them.
    after = max(0, tokens - 1) if service.waits and arrival.stream else tokens
    return Fate(first, first + after * service.per_token * pace, cut, tokens, cached)
