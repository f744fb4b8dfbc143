"""Shifts in a made-up world, a tick at a time: how often they end as they should not, and how soon.

Requests are drawn in bulk: a trial of 50,000 takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from policies.shifting import NOTHING, Evidence, Progress, Spread, State, Terms, advance, begin
from policies.shifting.advance import share
from policies.shifting.spread import LEAST, MOST, PARTS

Over = Callable[[float], float]
"""A factor that changes with the time, in seconds."""


def always(now: float) -> float:
    """1, at any time."""
    return 1.0


@dataclass(frozen=True)
class Arm:
    """How an arm does: the share of failures, the median first token in seconds and cost in
    nano-dollars, and the sigmas of their logarithms. Failures come in runs of `burst`.
    """

    errors: float = 0.01
    first_token: float = 0.4
    cost: float = 1e6
    late: float = 0.5
    length: float = 1.0
    burst: int = 1
    failing: Over = always
    slowing: Over = always

    def serves(self, count: int, now: float, rng: np.random.Generator) -> Evidence:
        """What `count` requests of it leave behind."""
        errors = min(1.0, self.errors * self.failing(now))
        failures = min(count, int(rng.binomial(count, errors / self.burst)) * self.burst)
        first = rng.lognormal(0.0, self.late, count - failures)
        costs = rng.lognormal(0.0, self.length, count) * self.cost
        late = first * self.first_token * self.slowing(now)
        return Evidence(count, failures, spread(late), spread(costs), int(costs.sum()))


def spread(values: np.ndarray) -> Spread:
    """All of them, counted at once."""
    if not values.size:
        return Spread()
    bins = np.clip(np.floor(PARTS * np.log2(values)), LEAST, MOST).astype(int)
    found, counts = np.unique(bins, return_counts=True)
    return Spread(MappingProxyType(dict(zip(found.tolist(), counts.tolist(), strict=True))))


TERMS = Terms()


@dataclass(frozen=True)
class Trial:
    """One way in which a shift may be tried: `rate` requests a second, for at most `seconds`."""

    canary: Arm = Arm()
    control: Arm = Arm()
    terms: Terms = TERMS
    rate: float = 50.0
    tick: float = 5.0
    seconds: float = 24 * 3600.0


class Ended(NamedTuple):
    """How it ended, after so many requests of the canary's, and so many seconds."""

    progress: Progress
    requests: int
    seconds: float

    @property
    def state(self) -> State:
        """Done, back, or where it had come when its time was over."""
        return self.progress.state


def run(trial: Trial, seed: int) -> Ended:
    """One shift, until it is done or taken back."""
    rng = np.random.default_rng(seed)
    progress, control, canary, now = begin(trial.terms, "r", 0.0), NOTHING, NOTHING, 0.0
    while now < trial.seconds and progress.state not in (State.DONE, State.BACK):
        now += trial.tick
        count = int(rng.poisson(trial.rate * trial.tick))
        there = int(rng.binomial(count, share(progress)))
        canary += trial.canary.serves(there, now, rng)
        control += trial.control.serves(count - there, now, rng)
        progress = advance(trial.terms, progress, control, canary, now)
    return Ended(progress, canary.requests, now)


class Tally(NamedTuple):
    """Many shifts: the shares of them that were done, or taken back, and the medians of those."""

    runs: int
    done: float
    back: float
    requests_done: float
    requests_back: float
    causes: dict[str, int]

    def __str__(self) -> str:
        return (
            f"{self.runs} runs: done {self.done:.2%} (median {self.requests_done:.0f} requests of "
            f"the canary's), back {self.back:.2%} (median {self.requests_back:.0f}) {self.causes}"
        )


@cache
def tally(trial: Trial, runs: int, first: int = 1) -> Tally:
    """The same shift, with `runs` seeds."""
    ended = [run(trial, seed) for seed in range(first, first + runs)]
    done = [each.requests for each in ended if each.state is State.DONE]
    back = [each for each in ended if each.state is State.BACK]
    causes: dict[str, int] = {}
    for each in back:
        word = each.progress.cause.split()[0]
        causes[word] = causes.get(word, 0) + 1
    return Tally(
        runs,
        len(done) / runs,
        len(back) / runs,
        float(np.median(done)) if done else 0.0,
        float(np.median([each.requests for each in back])) if back else 0.0,
        causes,
    )
