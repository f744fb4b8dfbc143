"""Rules that other routers choose by, as policies: what a policy of ours is measured against.

Each is the rule of its source and no better: where it herds, starves or forgets, that is what is
to be seen. They are for comparison, not for serving; but the smooth round robin of nginx is
`WeightedRoundRobin` itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Any, ClassVar, NamedTuple

from policies.engine.outcome import Health, Outcome, Report
from policies.policy import Candidate, Policy, Request
from policies.weighted_round_robin import MOST_NAMES, WeightedRoundRobin

Able = Sequence[Candidate]
"""Those who can serve, never empty."""
LAST = 10
"""Latencies of a target that `MeanOfLastTen` remembers."""
ALPHA = 0.3
"""Share of the newest sample in the averages of `Agentgateway`."""
CROWDING = 0.1
"""Share by which one attempt in flight lengthens a latency for `Agentgateway`."""
TAU = 10.0
"""Seconds in which an average of `PeakEwma` loses 63 % of its distance to what is lower."""
PENALTY = 1e6
"""Seconds, beyond any real load: for `PeakEwma`, a target that has not answered its first yet."""


class Rule:
    """One of them, which goes by who can serve and by what it remembers."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def choose(
        self, request: Request, candidates: Able, memory: Any, now: float, rng: Random
    ) -> Candidate:
        """See `Policy.choose`."""
        return self.pick(candidates, memory, now, rng)

    def pick(self, candidates: Able, memory: Any, now: float, rng: Random) -> Candidate:
        """The one that is asked."""
        raise NotImplementedError


class Learning(Rule):
    """One that remembers how attempts ended."""

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
        """See `Learner.learn`."""
        self.hear(candidate.name, report, seconds, memory, now)

    def hear(self, name: str, report: Report, seconds: float, memory: Any, now: float) -> None:
        """An attempt on the target of that name has ended, after so many seconds."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RoundRobin(Rule):
    """One after another (the common rule): a cursor over the list of those who can serve, blind
    to weights.
    """

    def fresh(self) -> list[int]:
        return [0]

    def pick(self, candidates: Able, memory: list[int], now: float, rng: Random) -> Candidate:
        place = memory[0] % len(candidates)
        memory[0] = place + 1
        return candidates[place]


@dataclass(frozen=True, slots=True)
class Randomly(Rule):
    """Drawn in proportion to the weights (LiteLLM's `simple-shuffle`)."""

    def fresh(self) -> None:
        """Nothing."""

    def pick(self, candidates: Able, memory: None, now: float, rng: Random) -> Candidate:
        return rng.choices(candidates, [candidate.weight for candidate in candidates])[0]


@dataclass(frozen=True, slots=True)
class LeastInFlight(Rule):
    """Fewest open attempts, the first of the list among equals (LiteLLM's `least-busy`): at low
    load, the first takes everything.
    """

    def fresh(self) -> None:
        """Nothing."""

    def pick(self, candidates: Able, memory: None, now: float, rng: Random) -> Candidate:
        return min(candidates, key=lambda candidate: candidate.in_flight)


@dataclass(frozen=True, slots=True)
class MeanOfLastTen(Learning):
    """Lowest mean of the last ten total latencies, unseen as 0, ties drawn (LiteLLM's
    `latency-based-routing`): it sees nothing that is still open, and forgets nothing of a target
    that it has left.
    """

    def fresh(self) -> dict[str, deque[float]]:
        """Latencies in seconds by target name."""
        return {}

    def pick(
        self, candidates: Able, memory: dict[str, deque[float]], now: float, rng: Random
    ) -> Candidate:
        means = [mean(memory.get(candidate.name)) for candidate in candidates]
        best = min(means)
        return candidates[rng.choice([place for place, one in enumerate(means) if one == best])]

    def hear(
        self, name: str, report: Report, seconds: float, memory: dict[str, deque[float]], now: float
    ) -> None:
        """Only answers count."""
        if report.outcome is Outcome.OK:
            make_room(memory, name)
            memory.setdefault(name, deque(maxlen=LAST)).append(seconds)


class Seen(NamedTuple):
    """What `Agentgateway` has learned of a target: a share in [0, 1], and seconds."""

    health: float = 1.0
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Agentgateway(Learning):
    """The better of two drawn at random by health / (1 + latency · (1 + 0.1 · in flight))
    (agentgateway's `EndpointInfo`): both averages move by sample and not by time, so that what
    was once learned stays until the next request; unseen is healthy and takes no time.
    """

    def fresh(self) -> dict[str, Seen]:
        """Averages by target name."""
        return {}

    def pick(self, candidates: Able, memory: dict[str, Seen], now: float, rng: Random) -> Candidate:
        """The higher score."""

        def score(candidate: Candidate) -> float:
            health, latency = memory.get(candidate.name, Seen())
            return health / (1 + latency * (1 + CROWDING * candidate.in_flight))

        return max(two(candidates, rng), key=score)

    def hear(
        self, name: str, report: Report, seconds: float, memory: dict[str, Seen], now: float
    ) -> None:
        """Answers and failures move the health; only answers the latency."""
        evidence = report.outcome.effect.health
        if evidence is Health.SILENT:
            return
        make_room(memory, name)
        health, latency = memory.get(name, Seen())
        good = evidence is Health.GOOD
        health += ALPHA * (good - health)
        if good:
            latency = latency + ALPHA * (seconds - latency) if latency else seconds
        memory[name] = Seen(health, latency)


class Peak(NamedTuple):
    """What `PeakEwma` has learned of a target: seconds, and when they were last looked at."""

    cost: float
    at: float


@dataclass(frozen=True, slots=True)
class PeakEwma(Learning):
    """The lighter of two drawn at random by average · (in flight + 1) (Finagle's `PeakEwma`):
    the average jumps up to a slower sample at once, and falls with time, to a faster one or, at
    each look, towards 0. Failures are samples as well, so a target that fails fast looks fast.
    """

    def fresh(self) -> dict[str, Peak]:
        """Averages by target name."""
        return {}

    def pick(self, candidates: Able, memory: dict[str, Peak], now: float, rng: Random) -> Candidate:
        """The lower load."""

        def load(candidate: Candidate) -> float:
            known = memory.get(candidate.name)
            if known is None:
                return PENALTY + candidate.in_flight if candidate.in_flight else 0.0
            memory[candidate.name] = seen = observed(known, 0.0, now)
            return seen.cost * (candidate.in_flight + 1)

        return min(two(candidates, rng), key=load)

    def hear(
        self, name: str, report: Report, seconds: float, memory: dict[str, Peak], now: float
    ) -> None:
        """Every end is a sample."""
        make_room(memory, name)
        before = memory.get(name, Peak(0.0, now))
        memory[name] = observed(before, seconds, now)


BASELINES: Mapping[str, Policy] = {
    "round_robin": RoundRobin(),
    "random": Randomly(),
    "least_in_flight": LeastInFlight(),
    "mean_of_last_ten": MeanOfLastTen(),
    "agentgateway": Agentgateway(),
    "peak_ewma": PeakEwma(),
    "smooth_round_robin": WeightedRoundRobin(),
}
"""All of them, by the name that a report gives them."""


def two(candidates: Sequence[Candidate], rng: Random) -> Sequence[Candidate]:
    """Two distinct candidates in a random order, or the only one."""
    return rng.sample(candidates, 2) if len(candidates) > 1 else candidates


def mean(latencies: deque[float] | None) -> float:
    """Their mean in seconds; 0 for a target that never answered."""
    return sum(latencies) / len(latencies) if latencies else 0.0


def observed(known: Peak, seconds: float, now: float) -> Peak:
    """The average after a sample: a peak counts whole, anything less by the time since the last
    look.
    """
    if seconds > known.cost:
        return Peak(seconds, now)
    kept = exp(-max(now - known.at, 0.0) / TAU)
    return Peak(known.cost * kept + seconds * (1 - kept), now)


def make_room(memory: dict[str, Any], target: str) -> None:
    """Start anew rather than remember more names than any route has."""
    if target not in memory and len(memory) >= MOST_NAMES:
        memory.clear()
