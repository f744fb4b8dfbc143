from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Cause, Fail, News, Route, Send, Target, Wait
from policies.engine.queue import LONGEST_WAIT, MOST_WAITING, Queue
from tests.policies.crowd import Caller, Crowd
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, InOrder, World, limited

ONE = {"a/m": limited(concurrent=1)}


class Never(Random):
    """No luck in any draw, and so no overflow to the ejected."""

    def random(self) -> float:
        return 0.0


def crowd(*targets: str, **options: object) -> Crowd:
    return Crowd(World(*targets, **options))  # type: ignore[arg-type]


def waiting(here: Crowd) -> Queue:
    return here.world.engine._pools["m"].queue


class TestOrder:
    def test_who_comes_first_is_served_first(self) -> None:
        here = crowd("a/m", facts=ONE)
        callers = [here.come() for _ in range(6)]
        served = []
        for caller in callers:
            here.look()
            served.append([other.send is not None for other in callers].index(True))
            caller.settle()
        assert served == list(range(6))
        here.close()

    def test_only_the_head_is_woken_when_a_place_comes_free(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, *others = (here.come() for _ in range(5))
        first.settle()
        assert [other.woken for other in others] == [True, False, False, False]
        here.close()

    def test_newcomers_stand_behind_even_when_a_place_is_free(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second = here.come(), here.come()
        first.settle()
        late = here.come()  # before the second has looked
        assert late.waits
        here.look()
        assert second.send is not None
        second.settle()
        here.look()
        assert late.send is not None
        here.close()

    def test_a_failover_stands_behind_who_waits_already(self) -> None:
        here = crowd("a/m", "b/m", facts={"b/m": limited(concurrent=1)})
        inside = here.come(only=frozenset({"b/m"}))
        waits = here.come(only=frozenset({"b/m"}))
        moved = here.come()
        here.world.now += 2.5  # too slow for another try on the spot
        moved.settle(FAILED)
        moved.look()
        assert moved.waits
        inside.settle()
        here.look()
        assert waits.send is not None
        assert moved.waits
        here.close()

    def test_another_try_on_the_spot_keeps_its_place(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second = here.come(), here.come()
        first.settle(FAILED)
        first.look()
        here.look()
        assert first.send is not None
        assert second.waits
        first.settle(FAILED)
        here.look()
        assert second.send is not None
        here.close()

    def test_a_probe_belongs_to_who_waits_longest(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        here.world.eject("b/m")
        here.world.engine.rng = Never()
        older = here.come()
        assert older.waits
        here.world.now = here.world.until("b/m")
        newer = here.come()
        assert newer.waits
        here.look()
        assert older.send is not None
        assert older.send.attempt.probe
        here.close()

    def test_only_the_head_looks_when_a_rest_ends(self) -> None:
        here = crowd("a/m")
        here.come().settle(THROTTLED._replace(rest=4.0))
        now = here.world.now
        waits = [here.come().action for _ in range(3)]
        assert waits == [Wait(now + 4.0, Cause.REST)] + [Wait(now + LONGEST_WAIT, Cause.REST)] * 2
        here.sleep(4.0)
        here.look()
        assert sum(caller.send is not None for caller in here.callers) == 3
        here.close()

    def test_what_is_given_back_wakes_the_head(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second = here.come(), here.come()
        assert first.send is not None
        first.send.attempt.give_back(here.world.now)
        assert second.woken
        here.close()

    def test_good_news_of_a_peer_wakes_the_head(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        here.world.eject("b/m")
        here.world.engine.rng = Never()
        late = here.come()
        assert late.waits
        here.world.engine.advise("b/m", News.WELL, here.world.now)
        here.look()
        assert late.send is not None
        here.close()

    def test_who_leaves_wakes_the_next(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second, third = (here.come() for _ in range(3))
        first.settle()
        second.close()
        here.look()
        assert third.send is not None
        here.close()

    def test_a_failed_course_has_left_the_queue(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come(within=2.0)
        assert len(waiting(here)) == 1
        here.sleep(2.0)
        here.look()
        assert isinstance(late.action, Fail)
        assert len(waiting(here)) == 0
        here.close()

    def test_closing_leaves_it(self) -> None:
        here = crowd("a/m", facts=ONE)
        callers = [here.come() for _ in range(4)]
        for caller in callers:
            caller.close()
        assert len(waiting(here)) == 0
        assert not here.world.engine._crowded
        here.close()


class TestEnds:
    def test_nobody_waits_longer_than_ten_seconds(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come()
        begin = here.world.now
        assert late.action == Wait(begin + LONGEST_WAIT, Cause.PLACE)
        here.sleep(LONGEST_WAIT)
        here.look()
        assert isinstance(late.action, Fail)
        assert late.action.cause is Cause.NO_TARGET
        here.close()

    def test_nobody_waits_past_the_deadline(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come(within=3.0)
        assert late.action == Wait(here.world.now + 3.0, Cause.PLACE)
        here.sleep(3.0)
        here.look()
        assert isinstance(late.action, Fail)
        assert late.action.cause is Cause.DEADLINE
        here.close()

    def test_a_rest_that_ends_soon_is_waited_for(self) -> None:
        world = World("a/m")
        world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
        told = world.ask()
        assert told.targets == ["a/m", "a/m"]
        (wait,) = told.waits
        assert wait.cause is Cause.REST
        assert wait.until == pytest.approx(told.sends[0].attempt.started + 0.1 + 4.0)

    def test_a_rest_that_is_too_long_is_refused_at_once_with_its_end(self) -> None:
        world = World("a/m")
        world.will("a/m", THROTTLED._replace(rest=40.0))
        told = world.ask()
        assert told.waits == []
        assert told.fail is not None
        assert told.fail.cause is Cause.NO_TARGET
        assert told.fail.retry_at == pytest.approx(world.now + 40.0)

    def test_a_full_queue_refuses_at_once(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        for _ in range(MOST_WAITING):
            assert here.come().waits
        refused = here.come()
        assert isinstance(refused.action, Fail)
        assert refused.action.cause is Cause.QUEUE_FULL
        here.close()


class TestOthers:
    """Whoever waits for one target must not keep the others idle."""

    def test_waiting_for_one_target_does_not_keep_the_others_idle(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        picky = here.come(only=frozenset({"a/m"}))
        assert picky.waits
        assert all(here.come().send is not None for _ in range(5))
        here.close()

    def test_a_failure_beside_a_resting_target_does_not_stop_the_route(self) -> None:
        here = crowd("a/m", "b/m")
        here.come().settle(THROTTLED._replace(rest=9.0))
        unlucky = here.come()
        assert unlucky.send is not None
        assert unlucky.send.target == "b/m"
        here.world.now += 2.5  # too slow for another try on the spot
        unlucky.settle(FAILED)
        assert isinstance(unlucky.look(), Wait)
        served = here.come()
        assert served.send is not None
        assert served.send.target == "b/m"
        here.close()

    def test_a_place_goes_to_who_waits_longest_for_it_whatever_else_they_may_use(self) -> None:
        both = {"a/m": limited(concurrent=1), "b/m": limited(concurrent=1)}
        here = crowd("a/m", "b/m", facts=both)
        first, second = here.come(), here.come()
        picky, easy = here.come(only=frozenset({"a/m"})), here.come()
        first.settle()
        here.look()
        assert picky.send is not None
        assert easy.waits
        second.settle()
        here.look()
        assert easy.send is not None
        here.close()

    def test_a_place_that_the_head_cannot_use_wakes_who_can(self) -> None:
        both = {"a/m": limited(concurrent=1), "b/m": limited(concurrent=1)}
        here = crowd("a/m", "b/m", facts=both)
        _, second = here.come(), here.come()
        picky, easy = here.come(only=frozenset({"a/m"})), here.come()
        second.settle()
        here.look()
        assert picky.waits
        assert easy.send is not None
        here.close()

    def test_a_pause_that_ends_meanwhile_is_not_slept_through(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        here.come().settle(THROTTLED._replace(rest=3.0))
        late = here.come()
        assert late.action == Wait(here.world.now + 3.0, Cause.REST)
        here.sleep(3.0)
        here.look()
        assert late.send is not None
        assert late.send.target == "b/m"
        here.close()

    def test_an_ejection_that_ends_meanwhile_is_not_slept_through(self) -> None:
        here = crowd("a/m", "b/m", facts={name: limited(concurrent=1) for name in ("a/m", "b/m")})
        here.come()
        here.world.eject("b/m")
        until = here.world.until("b/m")
        here.world.engine.rng = Never()
        late = here.come()
        assert late.action == Wait(until, Cause.PLACE)
        here.sleep(until - here.world.now)
        here.look()
        assert late.send is not None
        assert late.send.attempt.probe
        here.close()

    def test_another_routes_place_at_the_same_provider_wakes_the_head(self) -> None:
        here = two_routes()
        inside, late = here.come(), here.come("other")
        assert late.waits
        inside.settle()
        here.look()
        assert late.send is not None
        here.close()

    def test_routes_that_wait_for_the_same_provider_take_turns(self) -> None:
        here = two_routes()
        inside = here.come()
        for model in ("m", "other") * 4:
            here.come(model)
        served: list[str] = []
        while len(served) < 8:
            inside.settle()
            here.look()
            (inside,) = (caller for caller in here.callers if caller.send is not None)
            served.append(inside.course.request.model)
        assert served == ["m", "other"] * 4
        inside.settle()
        here.close()

    def test_a_reload_that_makes_room_wakes_the_head(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come()
        assert late.waits
        here.world.engine.replace(
            {"m": here.world.route}, {"a/m": limited(concurrent=2)}, here.world.now
        )
        here.look()
        assert late.send is not None
        here.close()


def two_routes() -> Crowd:
    """Two models at one provider that takes one request at a time."""
    world = World("p/a")
    routes = {"m": world.route, "other": Route([Target("p/b")], InOrder())}
    world.engine.replace(routes, {"p": limited(concurrent=1)}, world.now)
    return Crowd(world)


arrivals = st.lists(
    st.tuples(
        st.floats(0, 2),
        st.floats(0.1, 8),
        st.sampled_from([None, frozenset({"a/m"}), frozenset({"b/m"})]),
        st.sampled_from(["answer", "fail", "leave"]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(arrivals, st.integers(1, 2), st.integers(1, 2))
def test_every_waiter_is_woken_or_times_out(
    arrivals: list[tuple[float, float, frozenset[str] | None, str]], a: int, b: int
) -> None:
    facts = {"a/m": limited(concurrent=a), "b/m": limited(concurrent=b, requests=5, seconds=6.0)}
    here = crowd("a/m", "b/m", facts=facts)
    ends: dict[Caller, tuple[float, str]] = {}
    holds: dict[Caller, tuple[float, str]] = {}

    def go_on() -> None:
        here.look()
        for caller in here.callers:
            if caller.send is not None and caller not in ends:
                seconds, how = holds[caller]
                ends[caller] = here.world.now + seconds, how
        for caller in here.callers:
            assert not (caller.waits and caller.able), "somebody sleeps beside a free place"

    def run(until: float) -> None:
        while ends and min(ends.values())[0] <= until:
            caller = min(ends, key=lambda caller: ends[caller])
            at, how = ends.pop(caller)
            here.sleep(max(0.0, at - here.world.now))
            if how == "leave":
                caller.close()
            else:
                caller.settle(ANSWERED if how == "answer" else FAILED)
                caller.look()
            go_on()
        here.sleep(max(0.0, until - here.world.now))
        go_on()

    for gap, hold, only, how in arrivals:
        run(here.world.now + gap)
        caller = here.come(only=only)
        holds[caller] = hold, how
        go_on()
    run(here.world.now + 60)
    left = Counter(type(caller.action) for caller in here.callers)
    assert left[Wait] == left[Send] == 0
    assert len(waiting(here)) == 0
    here.close()
