"""Who reserves quota elsewhere asks for the choice and the runner-up at once, and may switch."""

from random import Random

import pytest

from policies import (
    Engine,
    Facts,
    Limits,
    Outcome,
    Rate,
    Report,
    Request,
    Route,
    Send,
    Target,
    WeightedRoundRobin,
)

LIMITED = {name: Facts(Limits(tokens=[Rate(1000, 60)])) for name in ("a/m", "b/m", "c/m")}


def sent(engine, now=0.0, **more):
    course = engine.start(
        Request("chat", now + 60, input_tokens=100, output_tokens=100, **more), now
    )
    action = course.next(now)
    assert isinstance(action, Send)
    return course, action.attempt


def engine_of(*weights):
    targets = [Target(name, weight) for name, weight in zip(LIMITED, weights, strict=False)]
    route = Route(targets, WeightedRoundRobin())
    return Engine({"chat": route}, facts=LIMITED, rng=Random(1), now=0.0)


def test_the_runner_up_is_another_target_and_stays_the_same_when_asked_again():
    course, attempt = sent(engine_of(1, 1, 1))
    assert attempt.runner_up not in (None, attempt.target)
    assert len({attempt.runner_up for _ in range(20)}) == 1
    course.close(0.0)


def test_asking_for_the_runner_up_moves_no_share():
    engine, counts = engine_of(3, 1), {"a/m": 0, "b/m": 0}
    for step in range(400):
        course, attempt = sent(engine, float(step * 60))
        assert attempt.runner_up is not None
        counts[attempt.target] += 1
        attempt.settle(Report(Outcome.OK), float(step * 60))
        course.close(float(step * 60))
    assert counts == {"a/m": 300, "b/m": 100}


def test_a_switch_returns_the_place_and_the_quota_and_takes_the_runner_up_s():
    engine = engine_of(1, 1)
    course, attempt = sent(engine)
    first, second = attempt.target, attempt.runner_up
    attempt.switch(0.0)
    assert attempt.target == second
    snapshot = engine.snapshot(0.0)
    assert (snapshot[first].in_flight, snapshot[first].tokens_left) == (0, 1000)
    assert (snapshot[second].in_flight, snapshot[second].tokens_left) == (1, 800)
    attempt.settle(Report(Outcome.FAILED), 1.0)
    assert course.refusals(1.0).keys() == {second}
    course.close(1.0)


def test_where_there_is_no_other_there_is_nothing_to_switch_to():
    course, attempt = sent(engine_of(1))
    assert attempt.runner_up is None
    with pytest.raises(LookupError, match="nobody else"):
        attempt.switch(0.0)
    course.close(0.0)


def test_a_switch_away_from_a_probe_is_no_evidence():
    engine = engine_of(1, 1)
    failed, now = Report(Outcome.FAILED), 0.0
    while engine.snapshot(now)["a/m"].state != "ejected":
        course, attempt = sent(engine, now, only=frozenset({"a/m"}))
        attempt.settle(failed, now)
        course.close(now)
        now += 60.0
    course, attempt = sent(engine, now + 60)
    assert (attempt.target, attempt.probe) == ("a/m", True)
    attempt.switch(now + 60)
    assert (attempt.target, attempt.probe) == ("b/m", False)
    assert engine.snapshot(now + 60)["a/m"].state == "ejected"
    attempt.settle(Report(Outcome.OK), now + 61)
    course.close(now + 61)
    assert engine.in_flight == 0
