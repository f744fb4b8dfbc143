from random import Random

import pytest

from policies import LeastLatency, Priority, Target, WeightedRoundRobin
from policies.simulate import SCENARIOS, Crowd, Scenario, Service
from policies.simulate.figures import FIGURES, SPECIAL

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
OF_OTHERS = {"regret", "p99 / best", "of most"}
"""Figures that need more than one run."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
class TestEach:
    def test_no_run_has_more_than_ten_thousand_requests(self, scenario: Scenario):
        assert scenario.rate * scenario.seconds < 9_700

    def test_something_is_asked_and_all_of_it_is_measured(self, scenario: Scenario):
        assert scenario.bounds
        known = {*FIGURES, *SPECIAL, *OF_OTHERS}
        assert {scenario.metric, *(bound.figure for bound in scenario.bounds)} <= known

    def test_trouble_is_with_targets_that_there_are(self, scenario: Scenario):
        names = {target.name for target in scenario.targets}
        assert {fault.target for fault in scenario.faults} <= names
        assert {*scenario.services, *scenario.facts} <= names
        assert scenario.added is None or scenario.added in names


def test_names_are_told_apart():
    assert len(BY_NAME) == len(SCENARIOS)


def test_one_run_is_another_with_the_same_seed():
    short = Scenario("short", seconds=40.0)
    first, second, other = (short.run(LeastLatency(), seed).answered for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_everyone_gets_the_same_requests():
    short = Scenario("short", seconds=20.0)
    runs = [short.run(policy, 1) for policy in (LeastLatency(), WeightedRoundRobin())]
    first, second = (sorted(each.arrival for each in run.answered) for run in runs)
    assert first == second == list(short.come(1))


def test_equal_targets_get_equal_shares():
    world = Scenario("calm", seconds=200.0).run(LeastLatency(), 1)
    for name in world.servers:
        assert sum(sent.target == name for sent in world.sent) / len(world.sent) > 0.22


def test_crowds_come_in_order_each_in_its_time():
    crowds = (Crowd(2.0, tenant="b"), Crowd(20.0, 10.0, 20.0, tenant="a"))
    come = list(Scenario("two", crowds=crowds, seconds=40.0).come(1))
    assert [one.at for one in come] == sorted(one.at for one in come)
    flood = [one.at for one in come if one.tenant == "a"]
    assert 120 < len(flood) < 280
    assert min(flood) >= 10.0
    assert max(flood) < 20.0
    assert Scenario("two", crowds=crowds, seconds=40.0).rate == pytest.approx(280 / 40)


def test_a_crowd_may_come_in_bursts():
    calm, wild = (Crowd(5.0, variation=many).come(400.0, Random(1)) for many in (None, 13.0))
    seconds = [len({int(one.at) for one in come}) for come in (calm, wild)]
    assert seconds[1] < seconds[0] / 2


def test_an_added_target_is_sent_nothing_before_and_something_after():
    world = BY_NAME["new target"].run(WeightedRoundRobin(), 1)
    instants = [sent.at for sent in world.sent if sent.target == "p0/m"]
    assert 60.0 <= min(instants) < 65.0


def test_in_tiers_a_policy_chooses_within_them():
    tiers = Scenario("tiers", targets=(Target("a/m"), Target("b/m", tier=1)))
    assert tiers.within(LeastLatency()) == Priority(LeastLatency())
    assert tiers.within(Priority()) == Priority()
    assert Scenario("flat").within(LeastLatency()) == LeastLatency()


def test_targets_are_equal_only_if_nothing_tells_them_apart():
    assert Scenario("calm").equal
    assert not Scenario("fast", services={"p1/m": Service(first_token=0.1)}).equal
    assert not Scenario("heavy", targets=(Target("a/m", 2), Target("b/m"))).equal
