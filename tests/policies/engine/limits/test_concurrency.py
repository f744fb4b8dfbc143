"""Adaptive concurrency: none until a target signals overload, then learned down and back up."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Engine, Outcome, Phase, Refusal, Report, Route, Target
from policies.engine.limits.concurrency import MEMORY, PATIENCE, Pressure
from policies.simulate import Arrival, Fault, Service, World
from tests.policies.driver import OVERLOADED, THROTTLED, limited
from tests.policies.driver import World as Script

UNNAMED = Report(Outcome.THROTTLED, Phase.HEAD)


def grown(pressure: Pressure, times: int, now: float) -> list[int | None]:
    """The limit after each growth, as it is always reached."""
    limits: list[int | None] = []
    for _ in range(times):
        now += PATIENCE
        assert pressure.limit is not None
        assert not pressure.full(pressure.limit, now)
        pressure.sent(pressure.limit + 1, now)
        limits.append(pressure.limit)
    return limits


def test_there_is_no_limit_until_a_target_complains() -> None:
    pressure = Pressure(lambda: None)
    assert pressure.limit is None
    assert not pressure.full(10_000, 0.0)


def test_a_refusal_says_how_many_it_bears() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(15, 0.0, 0.0)
    assert not pressure.full(14, 1.0)
    assert pressure.full(15, 1.0)


def test_refusals_of_one_burst_leave_the_least() -> None:
    pressure = Pressure(lambda: None)
    for others in (29, 28, 15, 17):
        pressure.overloaded(others, 0.0, 0.0)
    assert pressure.limit == 15


def test_one_may_always_be_sent() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(0, 0.0, 0.0)
    assert not pressure.full(0, 0.1)
    assert pressure.full(1, 0.1)


def test_it_grows_in_doubling_steps_while_nobody_complains() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(15, 0.0, 0.0)
    assert grown(pressure, 6, 0.0) == [16, 18, 22, 30, 46, 78]


def test_a_complaint_begins_it_again() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(15, 0.0, 0.0)
    grown(pressure, 4, 0.0)
    pressure.overloaded(20, 30.0, 30.0)
    assert pressure.limit == 20
    assert pressure.full(20, 33.9)
    assert grown(pressure, 2, 30.0) == [21, 23]


def test_it_does_not_grow_where_it_is_not_reached() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(15, 0.0, 0.0)
    pressure.sent(4, 500.0)
    assert pressure.limit == 15


def test_looking_changes_nothing() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(15, 0.0, 0.0)
    assert not pressure.full(15, PATIENCE)
    assert not pressure.full(15, PATIENCE)
    assert pressure.limit == 15
    pressure.sent(16, PATIENCE)
    assert pressure.full(16, PATIENCE)


def test_it_is_forgotten_after_ten_minutes_without_a_complaint() -> None:
    pressure = Pressure(lambda: None)
    pressure.overloaded(15, 0.0, 0.0)
    assert not pressure.full(15, MEMORY)
    pressure.sent(16, MEMORY)
    assert pressure.limit is None


@given(st.lists(st.tuples(st.floats(0, 700), st.integers(0, 200), st.booleans()), max_size=50))
def test_it_is_never_below_one_and_never_above_what_was_tried_for_long(
    steps: list[tuple[float, int, bool]],
) -> None:
    pressure, now = Pressure(lambda: None), 0.0
    for elapsed, in_flight, complains in steps:
        now += elapsed
        before = pressure.limit
        if complains:
            pressure.overloaded(in_flight, now, now)
            assert pressure.limit == max(1, min(in_flight, before or in_flight))
        elif not pressure.full(in_flight, now):
            pressure.sent(in_flight + 1, now)
            assert pressure.limit is None or in_flight < pressure.limit
        assert pressure.limit is None or pressure.limit >= 1


class TestSignals:
    @pytest.mark.parametrize("report", [OVERLOADED, UNNAMED], ids=["529", "429 without a rest"])
    def test_overload_and_a_throttle_that_names_no_rest_are_signals(self, report: Report) -> None:
        world = Script("a/m")
        first, second = world.send(), world.send()
        world.settle(second, report)
        world.now += 3.0
        told = world.ask(within=0.5)
        assert told.sends == []
        world.settle(first)
        assert world.ask().targets == ["a/m"]

    def test_a_throttle_that_names_its_rest_is_a_matter_of_rates(self) -> None:
        world = Script("a/m")
        first, second = world.send(), world.send()
        world.settle(second, THROTTLED)
        world.now += 31.0
        world.settle(world.send())
        world.settle(first)

    def test_whoever_refuses_again_with_fewer_under_way_does_not_lack_places(self) -> None:
        world = Script("a/m")
        pressure = world.members[0].standing.pressure
        sends = [world.send() for _ in range(10)]
        world.now += 0.1
        world.settle(sends[0], UNNAMED)
        assert pressure.limit == 9
        for send in sends[1:6]:
            world.settle(send)
        world.now += 1.0
        world.settle(world.send(), UNNAMED)
        assert pressure.limit is None
        world.close()

    def test_whoever_is_refused_for_it_is_told_when_it_grows(self) -> None:
        world = Script("a/m")
        world.send()
        world.settle(world.send(), UNNAMED)
        world.now += 3.0
        refused = world.engine.explain(world.request(), world.now).targets[0].refused
        assert refused is not None
        assert refused.refusal is Refusal.BUSY
        assert refused.until == world.now - 3.0 + 1.0 + PATIENCE  # after the rest
        world.close()

    def test_the_written_limit_stays_the_ceiling(self) -> None:
        world = Script("a/m", facts={"a/m": limited(concurrent=3)})
        world.send()
        world.send()
        world.settle(world.send(), UNNAMED)
        for _ in range(20):
            world.now += PATIENCE
            told = world.ask(within=0.1)
            assert world.engine.in_flight == 2
            assert len(told.sends) <= 1
        world.send()
        told = world.ask(within=0.1)
        assert told.sends == []
        world.close()


@pytest.mark.parametrize("seed", range(2))
def test_a_capacity_that_shrinks_and_returns_is_followed(seed: int) -> None:
    """60 places become 15 for two minutes, under 20 requests a second of nearly 3 s each."""
    rng = Random(seed)
    shrinks, returns, ends = 20.0, 110.0, 190.0
    service = Service(1.0, 0.1, per_token=0.0175, capacity=60, queue=0, rest=None)
    engine = Engine({"chat": Route([Target("a/m")])}, rng=rng, now=0.0)
    faults = [Fault("a/m", shrinks, returns, capacity=15)]
    world = World(engine, {"a/m": service}, rng, faults, deadline=30.0)
    pressure = engine._standings["a/m"].pressure
    limits: list[int | None] = []
    for second in range(30, int(returns - shrinks)):
        world.at(shrinks + second, lambda: limits.append(pressure.limit))
    world.run(Arrival(at / 20, 100, 100) for at in range(int(ends * 20)))
    assert all(limit is not None and 12 <= limit <= 18 for limit in limits)
    late = [sent.outcome for sent in world.sent if shrinks + 30 <= sent.at < returns]
    assert late.count(Outcome.THROTTLED) <= 0.06 * len(late)
    assert late.count(Outcome.OK) >= 0.9 * 5.4 * (returns - shrinks - 30)
    back = [sent.outcome for sent in world.sent if returns + 60 <= sent.at < ends - 3]
    assert back.count(Outcome.OK) >= 0.97 * 20 * (ends - 3 - returns - 60)
    assert back.count(Outcome.THROTTLED) <= 0.01 * len(back)
