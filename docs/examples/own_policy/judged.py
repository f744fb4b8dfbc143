"""Home beside the baselines, in the simulator: what does it cost that tenants stay at home?

`python judged.py` takes half a minute, `python judged.py --quick` a second.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ours import Home

from policies import LeastLatency, Policy
from policies.simulate import Crowd, Fault, Scenario, judge

EVERYBODY = tuple(Crowd(0.6, tenant=f"tenant {number}") for number in range(40))
SICK = "p0/m"
SCENARIOS = (
    Scenario("forty tenants", crowds=EVERYBODY),
    Scenario(
        "a brown-out",
        faults=(Fault(SICK, 60.0, 180.0, slower=10.0, pace=5.0),),
        crowds=EVERYBODY,
        start=60.0,
        end=180.0,
    ),
)
"""Four equal targets and 24 requests a second for five minutes; in the second of them the first
target is ten times as slow for two minutes.
"""


def at_home(scenario: Scenario, policy: Policy) -> float:
    """The share of the requests that went where most of their tenant's went."""
    asked: dict[str, Counter[str]] = {}
    for sent in scenario.run(policy, seed=0).sent:
        asked.setdefault(sent.tenant, Counter())[sent.target] += 1
    whole = sum(counts.total() for counts in asked.values())
    return sum(max(counts.values()) for counts in asked.values()) / whole


def main(arguments: Sequence[str]) -> None:
    """Print a table for each scenario, and how many stayed at home."""
    quick = "--quick" in arguments
    scenarios = [replace(SCENARIOS[0], seconds=40.0)] if quick else SCENARIOS
    judge(Home(), scenarios, seeds=1 if quick else 3)
    for scenario in scenarios:
        for policy in (Home(), LeastLatency()):
            share = at_home(scenario, policy)
            print(f"{scenario.name}: by {type(policy).__name__} {share:.0%} are at home")


if __name__ == "__main__":
    main(sys.argv[1:])
