import pytest

from benchmarks.bound import most
from policies import Target
from policies.simulate import SCENARIOS, Arrival, Fault, Scenario, Service

LONE = (Target("a/m"),)
STEADY = [Arrival(number / 2 + 0.1, 100, 100) for number in range(240)]
"""Two a second for two minutes; 2.5 s each."""


def alone(service: Service, *faults: Fault, **told: object) -> Scenario:
    return Scenario(
        "alone", faults, targets=LONE, service=service, seconds=120.0, **told  # type: ignore[arg-type]
    )  # fmt: skip


def test_without_limits_everything_can_be_answered():
    assert most(alone(Service()), STEADY) == pytest.approx(1.0)


def test_no_sixty_seconds_hold_more_than_the_limit():
    # Two minutes hold 60 each; the four of the last two seconds may begin in the third.
    assert most(alone(Service(per_minute=60)), STEADY) == pytest.approx(124 / 240)


def test_places_bind_by_little_s_law():
    # 2 a second · 2.5 s need 5 places; the first seconds need fewer.
    assert most(alone(Service(capacity=4)), STEADY) == pytest.approx(0.8, abs=0.02)
    assert most(alone(Service(capacity=5)), STEADY) == pytest.approx(1.0)


def test_two_targets_that_are_alike_take_twice_as_many():
    pair = Scenario(
        "pair", targets=(*LONE, Target("b/m")), service=Service(per_minute=60), seconds=120.0
    )
    assert most(pair, STEADY) == pytest.approx(1.0)


def test_whoever_may_wait_fills_the_gaps():
    crowd = [Arrival(0.5, 100, 100)] * 10
    room = alone(Service(capacity=1), slo=2.0), alone(Service(capacity=1), slo=20.0)
    impatient, patient = (most(scenario, crowd) for scenario in room)
    assert impatient < 0.25
    assert patient > 0.8


def test_capacity_that_is_lost_is_not_there():
    half = Fault("a/m", 0.0, 120.0, capacity=2)
    assert most(alone(Service(capacity=8), half), STEADY) < 0.5


def test_only_requests_of_the_trouble_and_of_the_tenant_count():
    both = [
        one._replace(tenant="b" if number % 10 == 0 else "a") for number, one in enumerate(STEADY)
    ]
    scenario = alone(Service(per_minute=60), tenant="b", start=20.0, end=60.0)
    assert most(scenario, both) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["429 storm", "capacity loss"])
def test_no_policy_does_better(name: str):
    (scenario,) = [one for one in SCENARIOS if one.name == name]
    world = scenario.run(scenario.policy, 1)
    counted = [one for one in world.answered if scenario.start > one.at or one.at < scenario.end]
    good = sum(one.first is not None and one.first <= scenario.slo for one in counted)
    assert good / len(counted) <= most(scenario, [one.arrival for one in world.answered]) + 0.005
