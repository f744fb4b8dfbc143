from collections import Counter
from math import inf

import pytest

from policies import (
    Explained,
    Facts,
    Headroom,
    LeastLatency,
    Measurement,
    News,
    Policy,
    Priority,
    Refusal,
    Target,
    WeightedRoundRobin,
)
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, InOrder, World, limited


class TestExplain:
    @pytest.mark.parametrize(
        "policy", [WeightedRoundRobin(), LeastLatency(), Priority(WeightedRoundRobin())]
    )
    def test_its_odds_are_the_shares_that_follow(self, policy: Policy) -> None:
        world = World(Target("a/m", 6), Target("b/m", 3), Target("c/m", 1), policy=policy)
        for name, seconds in (("a/m", 3.0), ("b/m", 1.45), ("c/m", 0.5)):
            world.teach(name, seconds)
        explained = world.engine.explain(world.request(), world.now)
        counts: Counter[str] = Counter()
        for _ in range(1000):
            send = world.send()
            counts[send.target] += 1
            send.attempt.give_back(world.now)
        for target in explained.targets:
            assert target.odds == pytest.approx(counts[target.target] / 1000, abs=0.08)
        assert sum(target.odds for target in explained.targets) == pytest.approx(1.0)

    def test_it_takes_nothing_and_changes_nothing(self) -> None:
        facts = {name: limited(20, 20_000, 2) for name in ("a/m", "b/m")}
        asked = World("a/m", "b/m", policy=WeightedRoundRobin(), facts=facts)
        quiet = World("a/m", "b/m", policy=WeightedRoundRobin(), facts=facts)
        for world in (asked, quiet):
            world.eject("a/m")
            world.now = world.until("a/m") + 1
        before = asked.engine.snapshot(asked.now)
        for _ in range(50):
            asked.engine.explain(asked.request(), asked.now)
        assert asked.engine.snapshot(asked.now) == before
        assert [asked.ask().targets for _ in range(4)] == [quiet.ask().targets for _ in range(4)]

    def test_it_refuses_by_the_same_estimate_as_a_request(self) -> None:
        world = World("a/m", facts={"a/m": limited(tokens=300)})
        world.settle(world.send(input_tokens=40))
        (target,) = world.engine.explain(world.request(input_tokens=40), world.now).targets
        assert target.refused is not None
        assert target.refused.refusal is Refusal.LIMITED
        assert world.ask(input_tokens=40, within=1.0).fail is not None

    def test_it_names_every_target_with_its_refusal_or_its_factors(self) -> None:
        world = World("a/m", Target("b/m", 2, tier=1), facts={"a/m": Facts(context=10)})
        world.teach("b/m", 2.0)
        explained = world.engine.explain(world.request(input_tokens=22), world.now)
        first, second = explained.targets
        assert (explained.model, explained.policy) == ("m", "InOrder")
        assert first.refused is not None
        assert (first.refused.refusal, first.odds) == (Refusal.CONTEXT, 0.0)
        assert (second.refused, second.tier, second.weight, second.odds) == (None, 1, 2, 1.0)
        assert second.predicted == 2.0
        assert second.factors.score == 1.0

    def test_it_explains_the_policy_that_the_request_brings(self) -> None:
        world = World("a/m", "b/m")
        explained = world.engine.explain(world.request(policy=WeightedRoundRobin()), world.now)
        assert explained.policy == "WeightedRoundRobin"
        assert [target.odds for target in explained.targets] == [0.5, 0.5]
        assert world.engine.explain(world.request(), world.now).policy == "InOrder"

    def test_an_unknown_model_has_no_targets(self) -> None:
        world = World("a/m")
        request = world.request()._replace(model="nope")
        assert world.engine.explain(request, world.now) == Explained("nope", "", ())

    def test_a_memory_that_cannot_be_copied_costs_only_the_odds(self) -> None:
        world = World("a/m", policy=Priority(Uncopied()))
        world.ask()
        (target,) = world.engine.explain(world.request(), world.now).targets
        assert target.odds == 0.0
        assert target.refused is None


class Uncopied(InOrder):
    """A policy whose memory is a generator."""

    def fresh(self) -> None:
        return (turn for turn in range(10))  # type: ignore[return-value]


class TestSnapshot:
    def test_of_a_fresh_target(self) -> None:
        world = World("a/m", facts={"a/m": limited(10, 1000, 4)})
        shown = world.engine.snapshot(world.now)["a/m"]
        assert (shown.state, shown.cause, shown.until) == ("healthy", "", world.now)
        assert (shown.factors, shown.factors.score) == ((1.0, 1.0, 1.0), 1.0)
        assert (shown.first_token, shown.per_token, shown.in_flight) == (None, None, 0)
        assert (shown.requests_left, shown.tokens_left, shown.places_left) == (10, 1000, 4)

    def test_what_nothing_bounds_is_infinite(self) -> None:
        shown = World("a/m").engine.snapshot(0.0)["a/m"]
        assert (shown.requests_left, shown.tokens_left, shown.places_left) == (inf, inf, inf)

    def test_the_narrowest_limit_is_shown(self) -> None:
        world = World("p/a", "p/b", facts={"p/a": limited(requests=10), "p": limited(requests=3)})
        assert world.engine.snapshot(world.now)["p/a"].requests_left == 3

    def test_a_pause_is_shown_with_its_cause_and_end(self) -> None:
        world = World("a/m")
        world.settle(world.send(), THROTTLED)
        shown = world.engine.snapshot(world.now)["a/m"]
        assert (shown.state, shown.until) == ("resting", world.now + 30)
        assert shown.cause == "rests for 30 s: its provider asked for it (429 or 529)"
        world.now += 30
        assert world.engine.snapshot(world.now)["a/m"].state == "healthy"
        world.close()

    def test_an_ejection_is_shown_with_its_cause_and_end(self) -> None:
        world = World("a/m", "b/m")
        world.eject("a/m")
        shown = world.engine.snapshot(world.now)["a/m"]
        assert shown.state == "ejected"
        assert shown.cause == "ejected just now: 5 failures in a row; next look in 4.6 s"
        assert shown.factors.availability < 0.2
        assert 4.0 <= shown.until - world.now <= 6.0
        world.close()

    def test_a_target_that_is_well_again_has_no_cause(self) -> None:
        world = World("a/m", "b/m")
        world.eject("a/m")
        world.engine.advise("a/m", News.WELL, world.now)
        assert world.engine.snapshot(world.now)["a/m"].cause == (
            "recovering for 0 s, at 10 % of its share"
        )
        world.now += 61
        shown = world.engine.snapshot(world.now)["a/m"]
        assert (shown.state, shown.cause) == ("healthy", "")
        world.close()

    def test_the_score_is_the_product_of_its_factors(self) -> None:
        world = World("a/m")
        world.teach("a/m", 0.2)
        world.teach("a/m", 4.0)
        world.settle(world.send(), FAILED)
        factors = world.engine.snapshot(world.now)["a/m"].factors
        assert 0 < factors.availability < 1
        assert 0 < factors.latency < 1
        assert factors.score == factors.availability * factors.latency * factors.ramp
        world.close()

    def test_what_is_in_flight_is_counted(self) -> None:
        world = World("a/m", "b/m")
        sends = [world.send() for _ in range(3)]
        assert world.engine.snapshot(world.now)["a/m"].in_flight == 3
        world.settle(sends[0])
        sends[1].attempt.give_back(world.now)
        assert world.engine.snapshot(world.now)["a/m"].in_flight == 1
        world.close()


def test_measurements_only_lower_what_is_allowed() -> None:
    world = World("a/m", "b/m", facts={"a/m": limited(requests=10)})
    for left in (3, 8):
        said = Measurement((Headroom("requests", left, limit=10, reset=60.0),))
        world.engine.observe("a/m", said, sent=world.now, now=world.now)
    world.will("a/m", ANSWERED)
    assert world.shares(10) == {"a/m": 3, "b/m": 7}
