"""Whoever waits for one target must not keep the others idle."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Band, Cause, Fail, Route, Send, Target, Wait
from tests.policies.crowd import Caller, Crowd, Never, crowd, waiting
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, InOrder, World, limited

ONE = {"a/m": limited(concurrent=1)}


def test_waiting_for_one_target_does_not_keep_the_others_idle() -> None:
    here = crowd("a/m", "b/m", facts=ONE)
    here.come()
    picky = here.come(only=frozenset({"a/m"}))
    assert picky.waits
    assert all(here.come().send is not None for _ in range(5))
    here.close()


def test_a_failure_beside_a_resting_target_does_not_stop_the_route() -> None:
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


def test_a_place_goes_to_who_waits_longest_for_it_whatever_else_they_may_use() -> None:
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


def test_a_place_that_the_head_cannot_use_wakes_who_can() -> None:
    both = {"a/m": limited(concurrent=1), "b/m": limited(concurrent=1)}
    here = crowd("a/m", "b/m", facts=both)
    _, second = here.come(), here.come()
    picky, easy = here.come(only=frozenset({"a/m"})), here.come()
    second.settle()
    here.look()
    assert picky.waits
    assert easy.send is not None
    here.close()


def test_a_switch_to_the_runner_up_wakes_who_waits_for_the_place_it_leaves() -> None:
    here = crowd("a/m", "b/m", facts=ONE)
    first, picky = here.come(), here.come(only=frozenset({"a/m"}))
    assert first.send is not None
    first.send.attempt.switch(here.world.now)
    here.look()
    assert picky.send is not None
    here.close()


def test_a_pause_that_ends_meanwhile_is_not_slept_through() -> None:
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


def test_an_ejection_that_ends_meanwhile_is_not_slept_through() -> None:
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


def test_another_routes_place_at_the_same_provider_wakes_the_head() -> None:
    here = two_routes()
    inside, late = here.come(), here.come("other")
    assert late.waits
    inside.settle()
    here.look()
    assert late.send is not None
    here.close()


def test_routes_that_wait_for_the_same_provider_take_turns() -> None:
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


def test_a_reload_that_makes_room_wakes_the_head() -> None:
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
        st.sampled_from(Band),
        st.sampled_from(["a", "b"]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(arrivals, st.integers(1, 2), st.integers(1, 2))
def test_every_waiter_is_woken_or_times_out(
    arrivals: list[tuple[float, float, frozenset[str] | None, str, Band, str]], a: int, b: int
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
        while here.world.now < until:
            soonest = min([until, *(at for at, _ in ends.values()), *here.untils])
            here.world.now = soonest
            for caller, (at, how) in list(ends.items()):
                if at <= soonest:
                    del ends[caller]
                    if how == "leave":
                        caller.close()
                    else:
                        caller.settle(ANSWERED if how == "answer" else FAILED)
                        caller.look()
            go_on()

    for gap, hold, only, how, band, tenant in arrivals:
        run(here.world.now + gap)
        caller = here.come(only=only, band=band, tenant=tenant)
        holds[caller] = hold, how
        go_on()
    run(here.world.now + 60)
    left = Counter(type(caller.action) for caller in here.callers)
    assert left[Wait] == left[Send] == 0
    assert len(waiting(here)) == 0
    here.close()


def test_a_request_waits_ten_seconds_in_all_whatever_it_waits_for() -> None:
    here = crowd("a/m")
    patient = here.come()
    patient.settle(THROTTLED._replace(rest=7.0))
    assert isinstance(patient.look(), Wait)
    here.world.now += 7.0
    assert isinstance(patient.look(), Send)
    patient.settle(THROTTLED._replace(rest=7.0))
    end = patient.look()
    assert isinstance(end, Fail)
    assert end.retry_at == here.world.now + 7.0
    here.close()
