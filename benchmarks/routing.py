"""How well policies choose, in virtual time, beside baselines: `make bench-routing`.

Scenarios run in parallel processes, each with the same seeds for everyone, so a difference between
two policies is theirs and not chance's.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

from policies import LeastLatency, Policy, Priority, WeightedRoundRobin
from policies.simulate.judge import judge
from policies.simulate.scenarios import SCENARIOS

POLICIES: dict[str, Policy] = {
    "least_latency": LeastLatency(),
    "weighted_round_robin": WeightedRoundRobin(),
    "priority": Priority(),
}


def lines(index: int, policy: str, seeds: int) -> list[str]:
    """One scenario's table."""
    told: list[str] = []
    judge(POLICIES[policy], [SCENARIOS[index]], seeds, told.append)
    return told


def main() -> None:
    """Print every table, in the order of the scenarios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", choices=POLICIES, default="least_latency")
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    begin = perf_counter()
    with ProcessPoolExecutor() as pool:
        runs = [
            pool.submit(lines, index, asked.policy, asked.seeds) for index in range(len(SCENARIOS))
        ]
        for run in runs:
            print("\n".join(run.result()), flush=True)
    print(f"{asked.seeds} seeds, {perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
