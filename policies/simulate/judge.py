"""What a policy does in every scenario, beside what others do: shares, regret, waste, time to
notice.

Regret is where the mean wait for a first token lies between the best that anyone could do who
knew everything but chance (0) and random choice (1); a request without an answer counts as its
whole deadline. It is told only where random choice is at least a fifth worse than the best:
elsewhere there is nothing to choose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from policies.least_latency import LeastLatency
from policies.policy import Policy
from policies.simulate.baselines import BASELINES
from policies.simulate.scenarios import POOL, SCENARIOS, SICK, Scenario
from policies.simulate.world import World

WORTH_CHOOSING = 1.2
FAIR = 1 / len(POOL)
STEP = 5.0
"""Seconds over which a share is counted."""


class Verdict(NamedTuple):
    """One policy in one scenario, the mean over seeds.

    `wait` is the mean wait for a first token in seconds, failures at the deadline; `tail` its 99th
    percentile among answers; `answered` a share; `sends` per request; `sick` the share of sends to
    the troubled target while the trouble lasts; `noticed` and `back` are the seconds from its
    beginning until its share is under a quarter of the fair one, and from its end until it is half
    of that again (None: never, or there is no trouble). `regret` is None where it is not told.
    """

    wait: float
    tail: float
    answered: float
    sends: float
    sick: float | None
    noticed: float | None
    back: float | None
    regret: float | None


def judge(
    policy: Policy | None = None,
    scenarios: Sequence[Scenario] = SCENARIOS,
    seeds: int = 3,
    tell: Callable[[str], None] = print,
) -> dict[str, dict[str, Verdict]]:
    """Run `policy` (default: least latency) and all baselines through the scenarios, tell a table
    for each, and return the verdicts by scenario and name.
    """
    judged = policy if policy is not None else LeastLatency()
    policies: Mapping[str, Policy] = {type(judged).__name__: judged, **BASELINES}
    verdicts = {}
    for scenario in scenarios:
        found = {
            name: mean([verdict(scenario, scenario.run(each, seed)) for seed in range(seeds)])
            for name, each in policies.items()
        }
        random_wait = found["random"].wait
        verdicts[scenario.name] = {
            name: each._replace(regret=regret(scenario, each.wait, random_wait))
            for name, each in found.items()
        }
        for line in table(scenario.name, verdicts[scenario.name]):
            tell(line)
    return verdicts


def verdict(scenario: Scenario, world: World) -> Verdict:
    """What one run came to."""
    waits = [scenario.deadline if each.first is None else each.first for each in world.answered]
    good = sorted(each.first for each in world.answered if each.first is not None)
    requests = len(world.answered)
    troubled = [sent for sent in world.sent if scenario.start <= sent.at < scenario.end]
    sick = sum(sent.target == SICK for sent in troubled) / len(troubled) if troubled else None
    return Verdict(
        wait=fmean(waits),
        tail=good[int(0.99 * len(good))] if good else scenario.deadline,
        answered=len(good) / requests,
        sends=len(world.sent) / requests,
        sick=sick,
        noticed=until(world, scenario.start, lambda share: share < FAIR / 4),
        back=until(world, scenario.end, lambda share: share >= FAIR / 2),
        regret=None,
    )


def until(world: World, begin: float, true: Callable[[float], bool]) -> float | None:
    """Seconds from `begin` until the troubled target's share of the sends is as it should be."""
    sick: Counter[int] = Counter()
    everyone: Counter[int] = Counter()
    for sent in world.sent:
        if sent.at >= begin:
            step = int((sent.at - begin) / STEP)
            everyone[step] += 1
            sick[step] += sent.target == SICK
    for step in sorted(everyone):
        if true(sick[step] / everyone[step]):
            return step * STEP
    return None


def regret(scenario: Scenario, wait: float, random_wait: float) -> float | None:
    """Where `wait` lies between the bound and random choice; None where there is nothing
    between.
    """
    steps = [second + 0.5 for second in range(int(scenario.seconds))]
    bound = fmean(scenario.best(at) for at in steps)
    if random_wait < WORTH_CHOOSING * bound:
        return None
    return (wait - bound) / (random_wait - bound)


def mean(verdicts: Sequence[Verdict]) -> Verdict:
    """The mean of each figure over those runs that have it."""
    columns: list[float | None] = []
    for values in zip(*verdicts, strict=True):
        known = [value for value in values if value is not None]
        columns.append(fmean(known) if known else None)
    return Verdict(*columns)  # type: ignore[arg-type]


def table(scenario: str, verdicts: Mapping[str, Verdict]) -> list[str]:
    """The verdicts of one scenario, as lines of text."""
    heads = ("wait s", "p99 s", "answered", "sends", "sick", "noticed s", "back s", "regret")
    lines = [f"{scenario:24}" + "".join(f"{head:>10}" for head in heads)]
    for name, each in verdicts.items():
        cells = "".join(f"{'–' if value is None else f'{value:.3f}':>10}" for value in each)
        lines.append(f"  {name:22}{cells}")
    return lines
