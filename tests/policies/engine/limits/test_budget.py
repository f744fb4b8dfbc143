import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Cause, Retry, Target
from policies.engine.limits.budget import CAP, FLOOR, RetryBudget
from tests.policies.driver import FAILED, THROTTLED, World

events = st.lists(st.tuples(st.floats(-1, 30), st.booleans()), max_size=200)


@given(events, st.floats(0, 1))
def test_it_is_never_negative_and_never_above_its_cap(
    events: list[tuple[float, bool]], ratio: float
) -> None:
    budget, now = RetryBudget(ratio, 100.0), 100.0
    for elapsed, request in events:
        now += elapsed
        if request:
            budget.requests += 1
        else:
            budget.withdraw(now)
        assert 0.0 <= budget._level <= CAP


@given(events, st.floats(0, 1))
def test_it_pays_for_no_more_than_came_in(events: list[tuple[float, bool]], ratio: float) -> None:
    budget, now, latest = RetryBudget(ratio, 100.0), 100.0, 100.0
    requests = paid = 0
    for elapsed, request in events:
        now += elapsed
        latest = max(latest, now)
        if request:
            budget.requests += 1
            requests += 1
        else:
            paid += budget.withdraw(now)
    assert paid <= CAP + ratio * requests + FLOOR * (latest - 100.0) + 1e-6


@given(events, st.floats(0, 1))
def test_however_late_it_is_worked_out_it_pays_for_the_same(
    events: list[tuple[float, bool]], ratio: float
) -> None:
    often, seldom, now = RetryBudget(ratio, 100.0), RetryBudget(ratio, 100.0), 100.0
    for elapsed, request in events:
        now += max(0.0, elapsed)
        if request:
            for budget in (often, seldom):
                budget.requests += 1
            often.can_pay(now)
            continue
        both = often.can_pay(now), seldom.can_pay(now)
        assert often._level == pytest.approx(seldom._level, abs=1e-6)
        if all(both):
            assert (often.withdraw(now), seldom.withdraw(now)) == (True, True)


def test_it_starts_full() -> None:
    budget = RetryBudget(0.2, 0.0)
    assert sum(budget.withdraw(0.0) for _ in range(50)) == 20


def test_five_requests_pay_for_one_retry() -> None:
    budget = spent()
    for _ in range(4):
        budget.requests += 1
    assert not budget.withdraw(0.0)
    budget.requests += 1
    assert budget.withdraw(0.0)


def test_a_lone_user_can_fail_over_again_after_ten_seconds() -> None:
    budget = spent()
    assert not budget.withdraw(9.9)
    assert budget.withdraw(10.1)


def test_a_clock_that_steps_back_costs_nothing() -> None:
    budget = spent()
    for _ in range(5):
        budget.requests += 1
    assert budget.withdraw(-1000.0)


def spent() -> RetryBudget:
    """A budget with nothing left at 0."""
    budget = RetryBudget(0.2 + 1e-9, 0.0)
    while budget.withdraw(0.0):
        pass
    return budget


def drained(world: World) -> World:
    """The route has spent its whole budget."""
    while world.engine._pools["m"].budget.withdraw(world.now):
        pass
    return world


TIERS = [Target("a/m"), Target("b/m", tier=1), Target("c/m", tier=2)]


def test_the_first_failover_to_a_healthy_place_is_free() -> None:
    world = drained(World("a/m", "b/m"))
    world.will("a/m", FAILED)
    assert world.ask().targets == ["a/m", "b/m"]


def test_the_second_failover_pays() -> None:
    rich, poor = World("a/m", "b/m", "c/m"), drained(World("a/m", "b/m", "c/m"))
    for world in (rich, poor):
        world.will("a/m", FAILED)
        world.will("b/m", FAILED)
    assert rich.ask().targets == ["a/m", "b/m", "c/m"]
    told = poor.ask()
    assert told.targets == ["a/m", "b/m"]
    assert told.fail is not None
    assert told.fail.cause is Cause.BUDGET


def test_every_request_earns_a_part_of_a_retry_for_its_route() -> None:
    world = drained(World("a/m", "b/m", "c/m"))
    for name in ("a/m", "b/m"):
        world.will(name, FAILED)
    for _ in range(4):
        assert world.ask(only=frozenset({"c/m"})).fail is None
    assert world.ask().targets == ["a/m", "b/m", "c/m"]


def test_a_failover_to_a_sick_place_pays() -> None:
    world = World("a/m", "b/m")
    for _ in range(8):
        world.settle(world.send(only=frozenset({"b/m"})))
    world.settle(world.send(only=frozenset({"b/m"})), FAILED)  # 1 of 9: more than a tenth
    world.will("a/m", FAILED)
    assert drained(world).ask().targets == ["a/m"]


def test_an_empty_budget_takes_the_free_place_when_the_policy_prefers_a_sick_one() -> None:
    world = World("a/m", "sick/m", "well/m")
    world.settle(world.send(only=frozenset({"sick/m"})), FAILED)
    world.will("a/m", FAILED)
    assert drained(world).ask().targets == ["a/m", "well/m"]


def test_asking_the_same_target_again_after_its_rest_pays() -> None:
    rich, poor = World("a/m"), drained(World("a/m"))
    for world in (rich, poor):
        world.will("a/m", THROTTLED._replace(rest=1.0))
    assert rich.ask().targets == ["a/m"] * 3
    assert poor.ask().targets == ["a/m"]


def test_a_retry_on_the_spot_pays_and_leaves_the_failover_free() -> None:
    world = World(*TIERS)
    world.will("a/m", FAILED)
    drained(world)
    world.now += 10.0  # the price of one
    assert world.ask().targets == ["a/m", "a/m", "b/m"]


def test_without_a_budget_there_is_no_retry_on_the_spot_but_the_free_failover() -> None:
    world = World(*TIERS)
    world.will("a/m", FAILED)
    assert drained(world).ask().targets == ["a/m", "b/m"]


@pytest.mark.parametrize("targets", [1, 2, 3, 4])
@pytest.mark.parametrize("rate", [0.1, 1.0, 20.0])
def test_when_everything_fails_sends_stay_within_the_bound(targets: int, rate: float) -> None:
    world = World(*(f"p{index}/m" for index in range(targets)), retry=Retry(attempts=4))
    for member in world.members:
        world.will(member.name, FAILED)
    sends, requests, begin = 0, 600, world.now
    for _ in range(requests):
        told = world.ask()
        sends += len(told.targets)
        assert told.fail is not None
        world.now += 1 / rate
    # Free failovers end when nobody looks healthy any more: after some failures of each.
    free = 5 * targets
    assert sends <= requests * 1.2 + CAP + FLOOR * (world.now - begin) + free


def test_a_reload_does_not_refill_it() -> None:
    world = drained(World("a/m", "b/m", "c/m"))
    world.engine.replace({"m": world.route}, None, world.now)
    assert not world.engine._pools["m"].budget.withdraw(world.now)
