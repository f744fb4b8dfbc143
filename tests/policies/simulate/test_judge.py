"""What the shipped policies are held to, with fixed seeds; the long run is `make bench-routing`."""

import pytest

from policies import LeastLatency, Policy, WeightedRoundRobin
from policies.simulate import BASELINES, SCENARIOS, Bound, Scenario, Verdict, judge
from policies.simulate.judge import judged_by, trial

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def of(name: str, policy: Policy, seeds: int = 2) -> dict[str, float]:
    trials = [trial(BY_NAME[name], {"it": policy}, seed) for seed in range(seeds)]
    figures = judged_by(BY_NAME[name], "it", trials).judged.figures
    return {figure: estimate.mean for figure, estimate in figures.items()}


def judged(scenario: Scenario) -> tuple[dict[str, Verdict], list[str]]:
    told: list[str] = []
    return judge(scenarios=[scenario], seeds=1, tell=told.append)[scenario.name], told


def test_a_brown_out_is_left_at_once_and_come_back_from() -> None:
    found = of("brown-out", LeastLatency())
    assert found["late"] < 0.03
    assert found["noticed"] <= 15
    assert found["back"] < 120
    assert found["p99"] < 1.1


@pytest.mark.parametrize("policy", [LeastLatency(), WeightedRoundRobin()])
def test_thirty_percent_errors_reach_nobody_and_cost_little(policy: Policy) -> None:
    found = of("errors 30 %", policy)
    assert found["answered"] >= 0.997
    assert found["sends"] <= 1.10


def test_flapping_reaches_nobody() -> None:
    assert of("flapping", WeightedRoundRobin())["answered"] >= 0.995


def test_regret_is_one_for_random_choice_and_near_zero_for_the_shipped_policy() -> None:
    short = Scenario("unequal", services=BY_NAME["unequal"].services, seconds=60.0)
    found, told = judged(short)
    assert found["random"].figures["regret"].mean == pytest.approx(1.0)
    assert -0.05 < found["LeastLatency"].figures["regret"].mean < 0.15
    assert found.keys() == {"LeastLatency", *BASELINES}
    assert any("by wait: best" in line for line in told)


def test_where_there_is_nothing_to_choose_no_regret_is_told() -> None:
    found, _ = judged(Scenario("calm", seconds=30.0))
    assert not any("regret" in each.figures for each in found.values())


def test_a_table_tells_shares_herding_waste_and_what_is_missed() -> None:
    asked = (Bound("sends", most=1.0), Bound("wait", most=0.1), Bound("of most", least=0.5))
    _, told = judged(Scenario("calm", seconds=30.0, bounds=asked))
    assert "shares %" in told[0]
    assert "herd" in told[0]
    assert "waste" in told[0]
    assert "  sends ≤ 1: 1.000 pass" in told
    assert any(line.startswith("  wait ≤ 0.1: 0.5") and line.endswith(" MISS") for line in told)
    assert "  of most ≥ 0.5: not taken" in told


def test_a_policy_of_one_s_own_is_judged_by_its_name() -> None:
    found = judge(WeightedRoundRobin(), [Scenario("calm", seconds=20.0)], 1, tell=lambda _: None)
    assert found["calm"].keys() == {"WeightedRoundRobin", *BASELINES}
    shares = found["calm"]["WeightedRoundRobin"].shares
    assert shares == pytest.approx(dict.fromkeys(shares, 0.25), abs=0.01)
