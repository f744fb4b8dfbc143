"""What was recorded of a world is what a replay of it decides."""

from collections import Counter
from itertools import count
from random import Random

import pytest

from policies import (
    Engine,
    Facts,
    LeastLatency,
    Limits,
    Policy,
    Priority,
    Rate,
    Request,
    Retry,
    Route,
    Send,
    Target,
    WeightedRoundRobin,
)
from policies.engine.course import Course
from policies.engine.showing.record import Choice, Record, Verb
from policies.simulate import Fault, Service, World, poisson
from policies.simulate.replay import Replayed, replay

NAMES = ("p/a", "p/b", "q/c")
SERVICES = {
    "p/a": Service(0.3),
    "p/b": Service(0.5, capacity=4, queue=2, rest=3.0),
    "q/c": Service(0.4, per_minute=120),
}
FAULTS = (
    Fault("p/a", 20.0, 45.0, errors=0.6),
    Fault("q/c", 30.0, 50.0, silent=True),
    Fault("p/b", 40.0, 60.0, cuts=0.3, slower=4.0),
)
FACTS = {
    "p/a": Facts(Limits(concurrent=5), first_token=6.0),
    "p/b": Facts(Limits(tokens=[Rate(200_000, 60.0)]), first_token=6.0),
    "q/c": Facts(first_token=6.0),
    "q": Facts(Limits(requests=[Rate(150, 60.0)])),
}


def engine_of(policy: Policy, seed: int = 7, kind: type[Engine] = Engine) -> Engine:
    targets = [Target("p/a", 3), Target("p/b", 2), Target("q/c", 1, tier=1)]
    route = Route(targets, policy, Retry(attempts=3))
    return kind({"chat": route}, rng=Random(seed), now=0.0, facts=FACTS)


def recorded(policy: Policy, seconds: float = 80.0) -> tuple[World, list[Record]]:
    """A world of trouble, with a record of each request."""
    orders = count()
    records: list[Record] = []

    class Keeping(Engine):
        def start(self, request, now, wake=None, record=None) -> Course:
            records.append(Record(orders))
            return super().start(request, now, wake, records[-1])

    world = World(engine_of(policy, kind=Keeping), SERVICES, Random(3), FAULTS, deadline=30.0)
    return world.run(poisson(12.0, seconds, Random(5))), records


def different(told: list[Replayed]) -> list[Replayed]:
    return [each for each in told if each.recorded != each.replayed]


@pytest.mark.parametrize(
    "policy", [LeastLatency(), WeightedRoundRobin(), Priority(WeightedRoundRobin())]
)
def test_a_world_of_trouble_is_decided_again_as_it_was(policy: Policy) -> None:
    world, records = recorded(policy)
    told = list(replay(engine_of(policy), records))
    sends = [each.replayed.target for each in told if isinstance(each.replayed, Choice)]
    assert Counter(sends) == Counter(sent.target for sent in world.sent)
    assert different(told) == []
    kinds = Counter(type(each.recorded).__name__ for each in told)
    assert min(kinds[kind] for kind in ("Choice", "Wait", "Fail")) > 5, kinds
    assert any(each.probe for each in choices(told))
    assert not any(record.left_out for record in records)


def choices(told: list[Replayed]) -> list[Choice]:
    return [each.recorded for each in told if isinstance(each.recorded, Choice)]


def test_keeping_records_changes_nothing() -> None:
    with_records, _ = recorded(WeightedRoundRobin())
    without = World(engine_of(WeightedRoundRobin()), SERVICES, Random(3), FAULTS, deadline=30.0)
    without.run(poisson(12.0, 80.0, Random(5)))
    assert with_records.sent == without.sent


def test_another_seed_or_a_missing_record_shows() -> None:
    _, records = recorded(LeastLatency(), 30.0)
    assert different(list(replay(engine_of(LeastLatency(), seed=8), records)))
    assert different(list(replay(engine_of(LeastLatency()), records[1:])))


def test_places_given_back_and_switched_are_played_again() -> None:
    orders = count()
    records = [Record(orders) for _ in range(3)]
    engine = engine_of(LeastLatency())
    for now, record in enumerate(records):
        course = engine.start(Request("chat", 60.0), now, record=record)
        send = course.next(now)
        assert isinstance(send, Send)
        assert send.attempt.runner_up is not None
        send.attempt.switch(now)
        send.attempt.give_back(now, now + 0.5)
        again = course.next(now)
        assert isinstance(again, Send)
        again.attempt.sent(now)
        course.close(now + 0.5)
    verbs = [step.verb for step in records[0].steps]
    assert verbs == [
        Verb.START, Verb.NEXT, Verb.RUNNER_UP, Verb.SWITCH, Verb.GIVE_BACK,
        Verb.NEXT, Verb.SENT, Verb.SETTLE, Verb.CLOSE,
    ]  # fmt: skip
    told = list(replay(engine_of(LeastLatency()), records))
    assert len(told) == 6
    assert different(told) == []
