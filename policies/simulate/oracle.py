"""What nobody can beat who knows everything but chance: bounds in closed form.

The wait is that of the target which is best at each instant, with room for everyone; success and
sends are those of a request that is tried on the surest targets, one after another, until its
attempts are used. Where limits or places bind, a bound needs more than a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from statistics import fmean
from typing import NamedTuple

from policies.simulate.arrivals import Arrival
from policies.simulate.scenario import Scenario
from policies.simulate.service import NEVER

Z99 = 2.326
"""The 99th percentile of the normal distribution."""


class Oracle(NamedTuple):
    """Mean wait for the first token and its 99th percentile in seconds, the share of requests that
    can be answered, and the fewest sends per request with which that is done.
    """

    wait: float
    tail: float
    answered: float
    sends: float


class Instant(NamedTuple):
    """The targets at one instant: expected wait without any input, what each token of it adds (both
    NEVER where nothing can be expected), and the chances to fail.
    """

    waits: tuple[tuple[float, float], ...]
    failing: tuple[float, ...]


def oracle(scenario: Scenario, arrivals: Sequence[Arrival]) -> Oracle:
    """The bounds for those requests that belong to the trouble (all, where there is none)."""
    troubled = scenario.start < NEVER
    begin, end = (scenario.start, scenario.end) if troubled else (0.0, scenario.seconds)
    asked = [arrival for arrival in arrivals if begin <= arrival.at < end]
    seconds = [instant(scenario, second + 0.5) for second in range(int(scenario.seconds) + 1)]
    waits = [best(seconds[int(arrival.at)], arrival.input_tokens) for arrival in asked]
    chances = [tried(each.failing, scenario.retry.attempts) for each in seconds]
    spread = max(service.spread for service in scenario.pool().values())
    return Oracle(
        wait=fmean(waits),
        # Those waits are means: exp(σ²/2) above the medians.
        tail=sorted(waits)[int(0.99 * len(waits))] * exp(Z99 * spread - spread**2 / 2),
        answered=fmean(chances[int(arrival.at)][0] for arrival in asked),
        sends=fmean(chances[int(arrival.at)][1] for arrival in asked),
    )


def instant(scenario: Scenario, now: float) -> Instant:
    """The targets as they are at `now`."""
    waits, failing = [], []
    for name, service in scenario.pool().items():
        there = name != scenario.added or now >= scenario.start
        slower, fails = 1.0, 0.0 if there else 1.0
        for fault in scenario.faults:
            if fault.target == name and fault.holds(now):
                slower *= fault.slower
                fails = 1.0 if fault.silent else max(fails, fault.errors)
        expected = service.expected_first_token(0) * slower, service.per_input * slower
        waits.append(expected if fails == 0.0 else (NEVER, 0.0))
        failing.append(fails)
    return Instant(tuple(waits), tuple(sorted(failing)))


def best(seen: Instant, input_tokens: int) -> float:
    """The shortest wait that anyone could expect then."""
    return min(wait + per_input * input_tokens for wait, per_input in seen.waits)


def tried(failing: Sequence[float], attempts: int) -> tuple[float, float]:
    """The chance of an answer on the surest distinct targets, and the sends it takes."""
    lost, sends = 1.0, 0.0
    for chance in failing[:attempts]:
        sends += lost
        lost *= chance
    return 1 - lost, sends
