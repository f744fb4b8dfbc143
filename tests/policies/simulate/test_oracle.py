from math import exp

import pytest

from policies.simulate import SCENARIOS, Arrival, Fault, Scenario, Service
from policies.simulate.oracle import Oracle, oracle

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def of(scenario: Scenario) -> Oracle:
    return oracle(scenario, list(scenario.come(1)))


def test_the_shortest_wait_is_that_of_the_fastest_target():
    assert of(BY_NAME["unequal"]).wait == pytest.approx(0.2 * exp(0.02))


def test_its_tail_is_that_of_the_lognormal():
    assert of(BY_NAME["unequal"]).tail == pytest.approx(0.2 * exp(2.326 * 0.2))


def test_where_all_fail_at_times_success_is_a_product_over_the_attempts():
    found = of(BY_NAME["errors everywhere"])
    assert found.answered == pytest.approx(1 - 0.3**3)
    assert found.sends == pytest.approx(1 + 0.3 + 0.09)


def test_one_sick_target_of_four_need_not_be_asked():
    found = of(BY_NAME["errors 30 %"])
    assert (found.answered, found.sends) == (1.0, 1.0)


def test_a_fault_counts_while_it_holds():
    slow = Scenario(
        "slow",
        tuple(Fault(f"p{number}/m", 10.0, 20.0, slower=3.0) for number in range(4)),
        seconds=30.0,
        start=10.0,
        end=30.0,
    )
    at = [Arrival(second + 0.2, 10, 10) for second in range(30)]
    assert oracle(slow, at).wait == pytest.approx(0.5 * exp(0.02) * (3.0 + 1.0) / 2)


def test_each_request_has_the_target_that_is_best_for_its_length():
    services = {"p0/m": Service(first_token=0.1, spread=0.0, per_input=0.01)}
    mixed = Scenario("mixed", services=services, service=Service(spread=0.0), seconds=10.0)
    assert oracle(mixed, [Arrival(1.0, 10, 1)]).wait == pytest.approx(0.2)
    assert oracle(mixed, [Arrival(1.0, 1000, 1)]).wait == pytest.approx(0.5)


def test_no_policy_waits_less():
    scenario = BY_NAME["brown-out"]
    world = scenario.run(scenario.policy, 1)
    waits = [one.first for one in world.answered if one.first is not None]
    assert sum(waits) / len(waits) > 0.98 * of(scenario).wait
