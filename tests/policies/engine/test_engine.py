from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import pytest

from policies import (
    Candidate,
    Engine,
    Facts,
    LeastLatency,
    News,
    Outcome,
    Policy,
    Priority,
    Report,
    Request,
    Route,
    Send,
    Target,
    WeightedRoundRobin,
)
from tests.policies.driver import ANSWERED, DENIED, FAILED, THROTTLED, World, limited


@dataclass(frozen=True)
class Broken:
    """A policy of a user's, that does what it should not."""

    how: str

    needs: ClassVar[frozenset[str]] = frozenset()

    def fresh(self) -> None:
        return None

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: None,
        now: float,
        rng: Random,
    ) -> Any:
        if self.how == "raises":
            raise ZeroDivisionError("oh no")
        return candidates[0].name if self.how == "a name" else None


class TestBrokenPolicy:
    @pytest.mark.parametrize("how", ["raises", "a name", "nothing"])
    def test_it_is_reported_and_served_around(self, how: str) -> None:
        world = World("a/m", "b/m", policy=Broken(how))
        sends = world.shares(200)
        assert 60 < sends["a/m"] < 140
        assert len(world.errors) == 200
        assert world.errors[0].startswith("Broken: ")

    def test_it_is_served_around_inside_tiers(self) -> None:
        world = World("a/m", Target("b/m", tier=1), policy=Priority(Broken("raises")))
        assert world.ask().fail is None
        assert world.errors == ["Priority: oh no"]

    def test_a_request_that_brings_one_is_served_around_it(self) -> None:
        world = World("a/m")
        assert world.ask(policy=Broken("raises")).fail is None
        assert world.errors == ["Broken: oh no"]

    def test_nobody_needs_to_listen(self) -> None:
        route = Route([Target("a/m")], Broken("raises"))
        engine = Engine({"m": route}, rng=Random(1), now=0.0)
        course = engine.start(Request("m", 60.0), 0.0)
        assert isinstance(course.next(0.0), Send)
        course.close(0.0)

    def test_it_is_explained_without_odds(self) -> None:
        world = World("a/m", "b/m", policy=Broken("raises"))
        explained = world.engine.explain(world.request(), world.now)
        assert explained.policy == "Broken"
        assert [target.odds for target in explained.targets] == [0.0, 0.0]


def test_the_policies_that_come_with_it_are_policies() -> None:
    for make in (WeightedRoundRobin, LeastLatency, Priority):
        policy = make()
        assert isinstance(policy, Policy)
        assert (policy, hash(policy)) == (make(), hash(make()))
        assert policy.needs == frozenset()


def test_the_same_history_and_seed_give_the_same_decisions() -> None:
    def run() -> list[str]:
        world = World(*(f"p{index}/m" for index in range(5)), policy=LeastLatency())
        chance = Random(1)
        for member in world.members:
            world.will(member.name, *(chance.choice([ANSWERED, FAILED]) for _ in range(100)))
        return [target for _ in range(200) for target in world.ask().targets]

    assert run() == run()


def test_a_request_may_bring_its_own_policy_with_a_memory_of_its_own() -> None:
    world = World(Target("a/m", 1), Target("b/m", 1))
    mine = WeightedRoundRobin()
    own = [world.ask(policy=mine).targets[0] for _ in range(10)]
    assert sorted(own) == ["a/m"] * 5 + ["b/m"] * 5
    assert world.shares(10) == {"a/m": 10}


class TestReplace:
    """A new configuration in one step."""

    def learned(self, **options: Any) -> World:
        """A world that knows something of `a/m`: its latency, a failure, a turn it has had."""
        world = World("a/m", "b/m", policy=WeightedRoundRobin(), **options)
        world.teach("a/m", 3.0)
        world.settle(world.send(only=frozenset({"a/m"})), FAILED)
        return world

    def test_what_was_learned_of_the_same_place_is_kept(self) -> None:
        world = self.learned()
        before = world.engine.snapshot(world.now)["a/m"]
        world.engine.replace(
            {"m": Route([Target("a/m", 7)])}, {"a/m": Facts(context=5, first_token=9)}, world.now
        )
        after = world.engine.snapshot(world.now)["a/m"]
        assert after == before
        assert world.engine.explain(world.request(input_tokens=12), world.now).targets[0].refused

    def test_it_is_forgotten_of_another_place_with_the_same_name(self) -> None:
        world = self.learned()
        world.engine.replace({"m": world.route}, {"a/m": Facts(identity="elsewhere")}, world.now)
        shown = world.engine.snapshot(world.now)["a/m"]
        assert (shown.first_token, shown.factors.availability) == (None, 1.0)
        assert shown.state == "recovering"

    def test_a_new_target_begins_with_a_ramp(self) -> None:
        world = World("a/m", policy=WeightedRoundRobin())
        world.ask()
        route = Route([Target("a/m"), Target("b/m")], WeightedRoundRobin())
        world.engine.replace({"m": route}, None, world.now)
        shown = world.engine.snapshot(world.now)
        assert (shown["a/m"].state, shown["b/m"].state) == ("healthy", "recovering")
        assert shown["b/m"].factors.ramp == 0.1
        sends = [world.send() for _ in range(110)]
        assert 2 <= sum(send.target == "b/m" for send in sends) <= 9  # a tenth of its half
        world.close()

    def test_where_a_route_knows_no_ramp_a_new_target_has_its_share_at_once(self) -> None:
        world = World("a/m", policy=WeightedRoundRobin())
        route = Route([Target("a/m"), Target("b/m", ramps=False)], WeightedRoundRobin())
        world.engine.replace({"m": route}, None, world.now)
        shown = world.engine.explain(world.request(), world.now).targets
        assert [(each.odds, each.factors.ramp) for each in shown] == [(0.5, 1.0), (0.5, 1.0)]
        sends = [world.send() for _ in range(110)]
        assert sum(send.target == "b/m" for send in sends) == 55
        world.close()

    def test_at_the_start_nothing_is_new(self) -> None:
        world = World("a/m", "b/m")
        assert {shown.state for shown in world.engine.snapshot(world.now).values()} == {"healthy"}

    def test_whose_turn_it_is_is_kept(self) -> None:
        targets = [Target("a/m", 3), Target("b/m", 2), Target("c/m", 1)]
        kept = World(*targets, policy=WeightedRoundRobin())
        told = World(*targets, policy=WeightedRoundRobin())
        sequence = []
        for turn in range(60):
            if turn % 7 == 3:
                told.engine.replace({"m": told.route}, None, told.now)
            sequence.append((kept.ask().targets, told.ask().targets))
        assert all(one == other for one, other in sequence)

    def test_another_policy_begins_afresh(self) -> None:
        world = World("a/m", "b/m", policy=WeightedRoundRobin())
        world.ask()
        world.engine.replace({"m": Route(world.route.targets, LeastLatency())}, None, world.now)
        assert world.ask().fail is None
        assert world.errors == []

    def test_attempts_on_targets_that_are_gone_settle_without_harm(self) -> None:
        world = World("a/m", "b/m", facts={"a/m": limited(10, 1000, 4)})
        sends = [world.send() for _ in range(3)]
        world.engine.replace({"m": Route([Target("b/m")])}, None, world.now)
        assert world.engine.in_flight == 0
        for send, report in zip(sends, (ANSWERED, FAILED, THROTTLED), strict=True):
            world.settle(send, report)
        assert list(world.engine.snapshot(world.now)) == ["b/m"]
        world.close()

    def test_attempts_on_targets_that_stay_go_on_counting(self) -> None:
        world = World("a/m", facts={"a/m": limited(concurrent=2)})
        sends = [world.send(), world.send()]
        world.engine.replace({"m": world.route}, {"a/m": limited(concurrent=2)}, world.now)
        assert world.engine.in_flight == 2
        assert world.ask(within=1.0).fail is not None
        for send in sends:
            world.settle(send)
        assert world.engine.in_flight == 0
        world.close()

    def test_what_a_limit_has_counted_is_kept_also_where_it_changes(self) -> None:
        facts = {"a/m": limited(requests=5), "a": limited(tokens=10_000)}
        world = World("a/m", facts=facts)
        world.ask()
        before = world.engine.snapshot(world.now)["a/m"]
        world.engine.replace({"m": world.route}, dict(facts), world.now)
        assert world.engine.snapshot(world.now)["a/m"] == before
        world.engine.replace({"m": world.route}, {"a/m": limited(requests=9)}, world.now)
        assert world.engine.snapshot(world.now)["a/m"].requests_left == 8

    def test_a_providers_rest_outlives_a_change_of_its_limits(self) -> None:
        world = World("p/a", "q/b")
        world.settle(world.send(), DENIED)
        world.engine.replace({"m": world.route}, {"p": limited(requests=5)}, world.now)
        assert world.state("p/a") == "denied"
        world.engine.replace({"m": world.route}, {"p": Facts(identity="new key")}, world.now)
        assert world.state("p/a") == "healthy"
        world.close()

    def test_courses_under_way_finish_on_the_route_they_started_with(self) -> None:
        world = World("a/m", "b/m")
        course = world.start()
        send = course.next(world.now)
        assert isinstance(send, Send)
        world.engine.replace({"m": Route([Target("c/m")])}, None, world.now)
        world.settle(send, FAILED)
        again = course.next(world.now)
        assert isinstance(again, Send)
        assert again.target == "b/m"
        world.settle(again)
        assert world.ask().targets == ["c/m"]
        world.close()

    def test_a_route_that_is_gone_is_unknown(self) -> None:
        world = World("a/m")
        world.engine.replace({}, None, world.now)
        assert world.ask().fail is not None
        assert world.engine.snapshot(world.now) == {}


def test_routes_that_name_the_same_target_know_the_same_of_it() -> None:
    world = World("a/m", "b/m")
    routes = {"m": world.route, "other": Route([Target("a/m", 5)])}
    world.engine.replace(routes, None, world.now)
    world.teach("a/m", 2.0)
    send = world.send()
    other = world.engine.explain(world.request()._replace(model="other"), world.now).targets[0]
    assert (other.predicted, other.in_flight, other.weight) == (2.0, 1, 5)
    world.settle(send)
    world.close()


def test_news_and_measurements_of_strangers_are_ignored() -> None:
    world = World("a/m")
    world.engine.advise("nope/m", News.SICK, world.now)
    assert world.ask().fail is None


def test_sick_news_alone_ejects_nobody() -> None:
    world = World("a/m", "b/m")
    for _ in range(100):
        world.engine.advise("a/m", News.SICK, world.now)
    assert world.state("a/m") == "healthy"
    assert world.shares(10) == {"a/m": 10}


def test_a_pool_that_fails_as_a_whole_ejects_nobody_for_its_share() -> None:
    """Every third answer of everybody fails: that is an incident, not an outlier."""
    world = World("a/m", "b/m", "c/m", policy=WeightedRoundRobin())
    for turn in range(20):  # it has been well before
        for member in world.members:
            world.settle(world.send(only=frozenset({member.name})), Report(Outcome.OK))
        world.now += turn * 0.01
    for turn in range(60):
        for member in world.members:
            report = FAILED if turn % 3 == 0 else ANSWERED
            world.settle(world.send(only=frozenset({member.name})), report)
    assert {world.state(member.name) for member in world.members} == {"healthy"}
    world.close()


def test_the_one_that_fails_more_than_the_others_is_ejected() -> None:
    world = World("a/m", "b/m", "c/m", policy=WeightedRoundRobin())
    world.will("b/m", *([ANSWERED, FAILED, ANSWERED] * 100))
    for _ in range(150):
        world.ask()
    snapshot = world.engine.snapshot(world.now)
    assert snapshot["b/m"].state != "healthy"
    assert snapshot["a/m"].state == snapshot["c/m"].state == "healthy"
