"""What a policy does in every scenario, beside what others do.

Regret is where the mean wait for a first token lies between the best that anyone could do who
knew everything but chance (0) and random choice (1). It is told only where the wait is what counts
and random choice is at least a fifth worse than the best: elsewhere there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from statistics import fmean
from typing import NamedTuple

from policies.policy import Policy
from policies.simulate.arrivals import Arrival
from policies.simulate.baselines import BASELINES
from policies.simulate.estimate import Estimate
from policies.simulate.figures import FIGURES, LATENCY, SPECIAL
from policies.simulate.oracle import Oracle, oracle
from policies.simulate.run import Run
from policies.simulate.scenario import Scenario
from policies.simulate.scenarios import SCENARIOS
from policies.simulate.tables import Judgement, Verdict, table

WORTH_CHOOSING = 1.2

Most = Callable[[Scenario, Sequence[Arrival]], float]
"""The most that anyone could reach of a scenario's metric, where it asks for a share of that."""


class Seen(NamedTuple):
    """One run: its figures, and each target's share."""

    figures: dict[str, float]
    shares: dict[str, float]


class Trial(NamedTuple):
    """The runs of one seed, by policy, and what nobody can beat."""

    best: Oracle
    seen: Mapping[str, Seen]


def judge(
    policy: Policy | None = None,
    scenarios: Sequence[Scenario] = SCENARIOS,
    seeds: int = 3,
    tell: Callable[[str], None] = print,
) -> dict[str, dict[str, Verdict]]:
    """Run `policy` (default: the one that each scenario recommends) and all baselines through the
    scenarios, tell a table for each, and return the verdicts by scenario and name.
    """
    verdicts = {}
    for scenario in scenarios:
        judged = policy or scenario.policy
        trials = [trial(scenario, field(judged), seed) for seed in range(seeds)]
        judgement = judged_by(scenario, type(judged).__name__, trials)
        verdicts[scenario.name] = dict(judgement.verdicts)
        for line in table(judgement):
            tell(line)
    return verdicts


def field(judged: Policy) -> dict[str, Policy]:
    """The policy and all baselines, by name."""
    return {type(judged).__name__: judged, **BASELINES}


def trial(
    scenario: Scenario, policies: Mapping[str, Policy], seed: int, most: Most | None = None
) -> Trial:
    """Run each policy once, all with the same requests: a difference is theirs, not chance's."""
    arrivals = list(scenario.come(seed))
    best = oracle(scenario, arrivals)
    asked = {bound.figure for bound in scenario.bounds}
    bound = most(scenario, arrivals) if most is not None and "of most" in asked else None
    seen: dict[str, Seen] = {}
    ran: dict[Policy, Seen] = {}
    for name, policy in policies.items():
        if policy not in ran:
            ran[policy] = see(scenario, policy, seed, arrivals, best, bound)
        seen[name] = ran[policy]
    return Trial(best, seen)


def see(
    scenario: Scenario,
    policy: Policy,
    seed: int,
    arrivals: Sequence[Arrival],
    best: Oracle,
    most: float | None,
) -> Seen:
    """One run as figures: those of every run, and those that the scenario asks for."""
    run = Run(scenario, scenario.run(policy, seed, arrivals))
    asked = {scenario.metric, *(bound.figure for bound in scenario.bounds)}
    measures = {**FIGURES, **{name: SPECIAL[name] for name in asked if name in SPECIAL}}
    figures = {}
    for name, measure in measures.items():
        if (value := measure(run)) is not None:
            figures[name] = value
    if "p99 / best" in asked and "p99" in figures:
        figures["p99 / best"] = figures["p99"] / best.tail
    if most is not None and scenario.metric in figures:
        figures["of most"] = figures[scenario.metric] / most
    return Seen(figures, run.shares())


def judged_by(scenario: Scenario, name: str, trials: Sequence[Trial]) -> Judgement:
    """All seeds together; `name` is the policy that is judged."""
    best = Oracle(*map(fmean, zip(*(each.best for each in trials), strict=True)))
    verdicts = {}
    for policy in trials[0].seen:
        seen = [each.seen[policy] for each in trials]
        figures = {
            figure: Estimate(tuple(each.figures[figure] for each in seen if figure in each.figures))
            for figure in seen[0].figures
        }
        shares = {target: fmean(each.shares[target] for each in seen) for target in seen[0].shares}
        verdicts[policy] = Verdict(figures, shares)
    if scenario.metric in LATENCY and "random" in verdicts:
        waits = {policy: each.figures["wait"] for policy, each in verdicts.items()}
        for policy, estimate in regrets(waits, [each.best.wait for each in trials]).items():
            verdicts[policy].figures["regret"] = estimate
    return Judgement(scenario, name, verdicts, best)


def regrets(waits: Mapping[str, Estimate], best: Sequence[float]) -> dict[str, Estimate]:
    """Where each mean wait lies between the bound and random choice; empty where there is nothing
    between.
    """
    if not all(map(isfinite, best)) or waits["random"].mean < WORTH_CHOOSING * fmean(best):
        return {}
    span = waits["random"].mean - fmean(best)
    return {
        policy: Estimate(
            tuple((value - bound) / span for value, bound in zip(wait.values, best, strict=True))
        )
        for policy, wait in waits.items()
    }
