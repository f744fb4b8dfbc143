"""What the shipped policy is held to, with fixed seeds; the long run is `make bench-routing`."""

import pytest

from policies import LeastLatency, Policy, WeightedRoundRobin
from policies.simulate import BASELINES, SCENARIOS, Scenario, judge
from policies.simulate.judge import Verdict, mean, until, verdict

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def of(name: str, policy: Policy | None = None, seeds: int = 2) -> Verdict:
    scenario = BY_NAME[name]
    chosen = policy or LeastLatency()
    return mean([verdict(scenario, scenario.run(chosen, seed)) for seed in range(seeds)])


def test_equal_targets_get_equal_shares() -> None:
    world = BY_NAME["steady"].run(LeastLatency(), 1)
    for name in world.servers:
        assert sum(sent.target == name for sent in world.sent) / len(world.sent) > 0.22


def test_a_brown_out_is_left_at_once_and_come_back_from() -> None:
    found = of("brown-out")
    assert found.sick is not None
    assert found.sick < 0.03
    assert found.noticed is not None
    assert found.noticed <= 15
    assert found.back is not None
    assert found.back <= 120
    assert found.tail < 1.0


@pytest.mark.parametrize("policy", [LeastLatency(), WeightedRoundRobin()])
def test_thirty_percent_errors_reach_nobody_and_cost_little(policy: Policy) -> None:
    found = of("errors 30 %", policy)
    assert found.answered >= 0.997
    assert found.sends <= 1.10


def test_flapping_reaches_nobody() -> None:
    assert of("flapping").answered >= 0.995


def test_one_run_is_another_with_the_same_seed() -> None:
    short = Scenario("short", seconds=60.0)
    first, second, other = (short.run(LeastLatency(), seed).answered for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_regret_is_one_for_random_choice_and_near_zero_for_the_shipped_policy() -> None:
    told: list[str] = []
    short = Scenario("unequal", services=BY_NAME["unequal"].services, seconds=120.0)
    found = judge(scenarios=[short], seeds=1, tell=told.append)["unequal"]
    assert found["random"].regret == pytest.approx(1.0)
    best = found["LeastLatency"].regret
    assert best is not None
    assert -0.05 < best < 0.15
    assert found.keys() == {"LeastLatency", *BASELINES}
    assert len(told) == 2 + len(BASELINES)


def test_where_there_is_nothing_to_choose_no_regret_is_told() -> None:
    told: list[str] = []
    found = judge(scenarios=[Scenario("calm", seconds=60.0)], seeds=1, tell=told.append)
    assert all(each.regret is None for each in found["calm"].values())


def test_a_share_that_never_changes_is_never_noticed() -> None:
    world = Scenario("calm", seconds=60.0).run(WeightedRoundRobin(), 1)
    assert until(world, 0.0, lambda share: share > 0.9) is None
