"""How well policies choose, in virtual time, beside baselines and bounds: `make bench-routing`.

Every seed of every scenario is a piece of work for one of the processes; all policies get the same
requests, so a difference between two of them is theirs and not chance's. `--quick` asks less: its
seeds are fixed, and it ends with 1 when the shipped policies do worse than they are known to.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.bound import most
from benchmarks.regression import QUICK_SEEDS, REGRESSION
from benchmarks.traces import replays
from policies import LeastLatency, Policy, Priority, WeightedRoundRobin
from policies.simulate import BASELINES, SCENARIOS, Scenario
from policies.simulate.judge import Trial, field, judged_by, trial
from policies.simulate.tables import Judgement, beside, summary, table

POLICIES: dict[str, Policy] = {
    "least_latency": LeastLatency(),
    "weighted_round_robin": WeightedRoundRobin(),
    "priority": Priority(),
}
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
TRACE_SEEDS = 5
"""A trace is what it is: seeds only change what the targets do with it."""


def piece(scenario: Scenario, policy: Policy, seed: int, *, alone: bool) -> Trial:
    """One seed of one scenario: the policy beside all baselines, or beside random choice alone."""
    policies = field(policy)
    if alone:
        policies = {type(policy).__name__: policy, "random": BASELINES["random"]}
    return trial(scenario, policies, seed, most)


def run(
    pool: ProcessPoolExecutor,
    scenarios: Sequence[Scenario],
    policy: Policy | None,
    seeds: int,
    *,
    alone: bool = False,
) -> list[Judgement]:
    """All of it, in the order of the scenarios, told as it comes unless it is `alone`."""
    begun = [
        [
            pool.submit(piece, scenario, policy or scenario.policy, seed, alone=alone)
            for seed in range(seeds)
        ]
        for scenario in scenarios
    ]
    judgements = []
    for scenario, trials in zip(scenarios, begun, strict=True):
        name = type(policy or scenario.policy).__name__
        judgement = judged_by(scenario, name, [each.result() for each in trials])
        if not alone:
            print("\n".join(table(judgement)), flush=True)
        judgements.append(judgement)
    return judgements


def worse(judgements: Sequence[Judgement]) -> list[str]:
    """What has become worse than it is known to be."""
    return [
        f"{each.scenario.name}: {bound} is missed: {bound.of(estimate):.4f}"
        for each in judgements
        for bound in REGRESSION[each.scenario.name]
        if not bound.holds(estimate := each.judged.figures[bound.figure])
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every table, and a summary; 1 if the quick form found something worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", choices=POLICIES, help="judge this one everywhere")
    parser.add_argument("--scenario", choices=BY_NAME, help="run this one alone")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--data", type=Path, help="a folder with recorded traffic to replay as well"
    )
    parser.add_argument("--quick", action="store_true", help="fixed seeds, bounds on regressions")
    asked = parser.parse_args(arguments)
    policy = POLICIES[asked.policy] if asked.policy else None
    scenarios = [BY_NAME[asked.scenario]] if asked.scenario else SCENARIOS
    seeds = QUICK_SEEDS if asked.quick else asked.seeds
    begin = perf_counter()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        judgements = told = run(pool, scenarios, policy, seeds, alone=asked.quick)
        if asked.data is not None:
            print("\nRecorded traffic\n")
            few = min(seeds, TRACE_SEEDS)
            told = judgements + run(pool, replays(asked.data), policy, few, alone=asked.quick)
    if not asked.quick:
        print("", *summary(told), sep="\n")
        print("", *beside(told), sep="\n")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{len(told)} scenarios, {seeds} seeds, {python}, {perf_counter() - begin:.0f} s")
    lost = worse(judgements) if asked.quick else []
    print(*lost, sep="\n", end="\n" if lost else "")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
