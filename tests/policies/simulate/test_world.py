from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Cause, Facts, LeastLatency, Limits, Outcome, Retry
from policies.simulate import Arrival, Fault, Service, bursts, poisson
from policies.simulate.service import NEVER
from tests.policies.simulate.stage import PROMPT, Watched, coming, stage

NAMES = ("a/m", "b/m", "c/n")
ROUNDING = 1e-6

services = st.builds(
    Service,
    first_token=st.sampled_from([0.0, 0.3, 3.0]),
    per_token=st.sampled_from([0.0, 0.02]),
    capacity=st.none() | st.integers(1, 5),
    queue=st.sampled_from([0, 2, 1000]),
    per_minute=st.none() | st.integers(1, 60),
    rest=st.sampled_from([None, 0.5, 5.0]),
)
faults = st.builds(
    Fault,
    target=st.sampled_from(NAMES),
    start=st.floats(0.0, 20.0),
    end=st.floats(0.0, 40.0) | st.just(NEVER),
    slower=st.sampled_from([1.0, 20.0]),
    pace=st.sampled_from([1.0, 10.0]),
    errors=st.sampled_from([0.0, 0.3, 1.0]),
    silent=st.booleans(),
    cuts=st.sampled_from([0.0, 0.5]),
    capacity=st.none() | st.integers(0, 3),
    period=st.none() | st.floats(0.1, 10.0),
)
facts = st.builds(
    Facts,
    limits=st.builds(Limits, concurrent=st.none() | st.integers(1, 4)),
    first_token=st.sampled_from([1.0, 10.0, 120.0]),
)


def crowd(seed: int) -> list[Arrival]:
    """Some streamed, some in one piece, in bursts."""
    rng = Random(seed)
    come = bursts(2.0, 20.0, rng, variation=3.0)
    return [arrival._replace(stream=rng.random() < 0.7) for arrival in come]


def busy(seed: int) -> Watched:
    """A world in which everything happens."""
    world = stage(
        {name: Service(capacity=8, queue=5, per_minute=200) for name in NAMES},
        Fault("a/m", 10.0, 30.0, errors=0.5, cuts=0.1),
        Fault("b/m", 20.0, 40.0, silent=True, period=5.0),
        facts=dict.fromkeys(NAMES, Facts(first_token=4.0)),
        policy=LeastLatency(),
        seed=seed,
    )
    world.run(poisson(5.0, 60.0, Random(seed)))
    return world


class TestWhatever:
    @settings(max_examples=150, deadline=None)
    @given(
        served=st.tuples(services, services, services),
        wrong=st.lists(faults, max_size=4),
        known=st.tuples(facts, facts, facts),
        attempts=st.integers(1, 4),
        deadline=st.sampled_from([0.5, 5.0, 60.0]),
        seed=st.integers(0, 1000),
    )
    def test_every_request_ends_once_in_time_and_nothing_stays_open(
        self,
        served: tuple[Service, ...],
        wrong: list[Fault],
        known: tuple[Facts, ...],
        attempts: int,
        deadline: float,
        seed: int,
    ):
        arrivals = crowd(seed)
        world = stage(
            dict(zip(NAMES, served, strict=True)),
            *wrong,
            facts=dict(zip(NAMES, known, strict=True)),
            retry=Retry(attempts=attempts),
            policy=LeastLatency(),
            deadline=deadline,
            seed=seed,
        )
        world.run(arrivals)

        assert Counter(one.at for one in world.answered) == Counter(one.at for one in arrivals)
        assert sum(one.sends for one in world.answered) == len(world.sent)
        assert all(one.sends <= attempts for one in world.answered)
        assert all((one.target is None) == (one.cause is not None) for one in world.answered)
        assert all((one.target is None) == (one.first is None) for one in world.answered)
        assert all(one.total <= deadline + ROUNDING for one in world.answered)
        assert all((one.first or 0.0) <= one.total for one in world.answered)
        assert world.in_flight == 0
        assert all(server.serving == 0 for server in world.servers.values())
        assert world.instants == sorted(world.instants)
        for name, service, fact in zip(NAMES, served, known, strict=True):
            places = [fault.capacity for fault in wrong if fault.target == name]
            allowed = [place for place in (service.capacity, *places) if place is not None]
            if service.capacity is not None:
                assert world.most[name] <= max(allowed)
            if fact.limits.concurrent is not None:
                assert world.most[name] <= fact.limits.concurrent


class TestSeed:
    def test_the_same_seed_is_the_same_run(self):
        once, again = busy(1), busy(1)
        assert once.answered == again.answered
        assert once.sent == again.sent
        assert once.instants == again.instants

    def test_another_seed_is_another_run(self):
        assert busy(1).answered != busy(2).answered


class TestFaults:
    def test_silence_ends_at_the_limit_for_the_first_token_and_is_failed_over(self):
        world = stage(
            {"a/m": PROMPT, "b/m": PROMPT},
            Fault("a/m", 0.0, silent=True),
            facts={"a/m": Facts(first_token=3.0)},
        )
        world.run(coming([0.0]))
        assert [(sent.target, sent.outcome) for sent in world.sent] == [
            ("a/m", Outcome.FAILED),
            ("b/m", Outcome.OK),
        ]
        (answered,) = world.answered
        assert (answered.target, answered.first, answered.sends) == ("b/m", 4.0, 2)

    def test_a_stream_that_breaks_off_after_content_is_interrupted(self):
        world = stage({"a/m": PROMPT, "b/m": PROMPT}, Fault("a/m", 0.0, cuts=1.0))
        world.run(coming([0.0]))
        (answered,) = world.answered
        assert (answered.cause, answered.sends) == (Cause.INTERRUPTED, 1)

    def test_an_answer_in_one_piece_that_breaks_off_is_failed_over(self):
        world = stage({"a/m": PROMPT, "b/m": PROMPT}, Fault("a/m", 0.0, cuts=1.0))
        world.run(coming([0.0], stream=False))
        (answered,) = world.answered
        assert (answered.target, answered.sends) == ("b/m", 2)

    def test_a_fault_with_a_period_strikes_only_while_it_is_there(self):
        world = stage(
            {"a/m": PROMPT, "b/m": PROMPT}, Fault("a/m", 10.0, 50.0, errors=1.0, period=4.0)
        )
        world.run(poisson(5.0, 80.0, Random(3)))
        failed = {sent.at for sent in world.sent if sent.outcome is Outcome.FAILED}
        served = {sent.at for sent in world.sent if sent.target == "a/m"} - failed
        assert failed
        assert all(10.0 <= at < 50.0 and (at - 10.0) // 4 % 2 == 0 for at in failed)
        assert not any(10.0 <= at < 50.0 and (at - 10.0) // 4 % 2 == 0 for at in served)

    def test_a_fault_of_one_target_leaves_the_others_alone(self):
        world = stage({"a/m": PROMPT, "b/m": PROMPT}, Fault("b/m", 0.0, errors=1.0))
        world.run(poisson(5.0, 20.0, Random(4)))
        assert {sent.outcome for sent in world.sent if sent.target == "a/m"} == {Outcome.OK}


class TestLimits:
    @pytest.mark.parametrize("places", [1, 3])
    def test_places_in_the_engine_are_honoured_and_used(self, places: int):
        world = stage(
            {"a/m": replace(PROMPT, capacity=places, queue=0)},
            facts={"a/m": Facts(Limits(concurrent=places))},
        )
        world.run(coming([0.0] * 8))
        assert world.most["a/m"] == places
        assert world.servers["a/m"].refused == 0
        assert [one.total for one in world.answered] == [1.0 + k // places for k in range(8)]

    def test_an_answer_that_takes_too_long_ends_at_the_deadline(self):
        world = stage({"a/m": Service(per_token=1.0)}, deadline=30.0)
        world.run(coming([5.0], tokens=1000))
        (answered,) = world.answered
        assert (answered.cause, answered.total) == (Cause.DEADLINE, 30.0)
        assert [sent.outcome for sent in world.sent] == [Outcome.ABANDONED]


def test_the_first_content_of_a_stream_is_told_apart_from_its_end():
    world = stage({"a/m": replace(PROMPT, per_token=0.5)})
    world.run([*coming([0.0], tokens=4), *coming([0.0], tokens=4, stream=False)])
    assert [(one.first, one.total) for one in world.answered] == [(1.0, 3.0), (3.0, 3.0)]


def test_content_that_comes_at_once_came_at_once():
    world = stage({"a/m": replace(PROMPT, first_token=0.0, per_token=0.5)})
    world.run(coming([2.0], tokens=4))
    assert [(one.first, one.total) for one in world.answered] == [(0.0, 2.0)]


def test_a_world_in_which_nothing_comes_is_over_at_once():
    world = stage({"a/m": PROMPT}).run([])
    assert (world.answered, world.sent, world.now) == ([], [], 0.0)
