"""A part of every limit, for an instance that stands alone for a while."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Engine, Facts, Fail, Limits, Rate, Refusal, Route, Send, Target, Wait
from policies.engine.limits.notes import reservation
from policies.engine.limits.quota import Quota
from policies.engine.limits.windows import MICROSECONDS, Slices, Window
from tests.policies.driver import World, limited

NOW = 1000.0


def need(tokens: int) -> tuple[int, int, int]:
    return tokens, tokens, 0


def quota(**limits: object) -> Quota:
    return Quota(Limits(**limits))  # type: ignore[arg-type]


def half(limit: int) -> int:
    return limit // 2


def none_of_it(_: int) -> int:
    return 0


def admitted(quota: Quota, now: float, tokens: int = 0, most: int = 1000) -> int:
    """How many requests it lets through at once."""
    count = 0
    while count < most and quota.refused(need(tokens), now) is None:
        quota.take(reservation(need(tokens), now))
        count += 1
    return count


def test_a_part_of_every_limit_binds_and_what_was_used_stays_used() -> None:
    one = quota(requests=[Rate(100, 60.0)])
    assert admitted(one, NOW, most=30) == 30
    one.confine(half, NOW)
    assert one.room(NOW)[0] == 20
    assert admitted(one, NOW) == 20


def test_it_is_no_full_bucket_when_it_ends() -> None:
    one = quota(requests=[Rate(100, 60.0)], tokens=[Rate(1000, 60.0)])
    one.confine(half, NOW)
    assert admitted(one, NOW, tokens=10) == 50
    one.confine(None, NOW + 1)
    assert one.room(NOW + 1)[:2] == (50, 500)
    assert admitted(one, NOW + 1, tokens=10) == 50
    assert admitted(one, NOW + 61) == 50  # only what left the window is there again


def test_who_used_more_than_its_part_waits_until_enough_of_it_is_over() -> None:
    one = quota(requests=[Rate(100, 60.0)])
    assert admitted(one, NOW, most=80) == 80
    one.confine(half, NOW)
    refused = one.refused(need(0), NOW)
    assert refused is not None
    assert refused.refusal is Refusal.LIMITED
    assert NOW + 59 < refused.until <= NOW + 61


def test_places_are_confined_and_those_taken_stay_taken() -> None:
    one = quota(concurrent=4)
    notes = [reservation(need(0), NOW) for _ in range(3)]
    for note in notes:
        one.take(note)
    one.confine(half, NOW)
    refused = one.refused(need(0), NOW)
    assert refused is not None
    assert refused.refusal is Refusal.BUSY
    for note in notes[:2]:
        one.settle((*note[:2], 0, 0, 0, 0))
    assert admitted(one, NOW) == 1


@pytest.mark.parametrize(
    "limits",
    [
        {"requests": [Rate(100, 60.0)]},
        {"tokens": [Rate(100, 60.0)]},
        {"tokens": [Rate(100, 60.0, slice=1.0)]},
        {"concurrent": 5},
    ],
    ids=["requests", "tokens", "slices", "places"],
)
@pytest.mark.parametrize("tokens", [0, 1, 1000], ids=["nothing", "little", "oversize"])
def test_a_part_of_nothing_admits_nothing(limits: dict[str, object], tokens: int) -> None:
    one = quota(**limits)
    one.confine(none_of_it, NOW)
    refused = one.refused(need(tokens), NOW + 3600)
    assert refused is not None
    assert refused.refusal is Refusal.LIMITED
    assert refused.until == float("inf")
    one.confine(None, NOW + 3600)
    assert one.refused(need(tokens), NOW + 3600) is None


def test_one_limit_of_which_nothing_is_left_shuts_all() -> None:
    one = quota(requests=[Rate(1, 60.0), Rate(1000, 3600.0)])
    one.confine(half, NOW)
    assert one.refused(need(0), NOW) is not None


def test_a_limit_in_slices_is_confined_with_what_has_not_drained() -> None:
    one = Slices(60, 60.0, 10.0)  # ten at once
    one.take(6, 0)
    one.resize(30, 0)  # five at once, of which six are taken
    assert one.spare(0) == -1
    assert one.spare(2 * MICROSECONDS) == 0
    one.resize(60, 2 * MICROSECONDS)  # five of the six have not drained
    assert one.spare(2 * MICROSECONDS) == 5


@given(
    limit=st.integers(1, 50),
    parts=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 50)), max_size=8),
    asks=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 5)), max_size=40),
)
def test_no_span_holds_more_than_the_largest_limit_it_saw_or_one_oversize(
    limit: int, parts: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    window = Window(limit, 60.0)
    events = sorted([(at, 0, part) for at, part in parts] + [(at, 1, need) for at, need in asks])
    took: list[tuple[int, int]] = []
    for second, kind, amount in events:
        at = second * MICROSECONDS
        if kind == 0:
            window.resize(min(amount, limit), at)
        elif window.fits(amount, at):
            before = sum(units for when, units in took if second - when < 60)
            assert before + amount <= window.limit or not before
            window.take(amount, at)
            took.append((second, amount))


def test_predictions_go_by_the_part() -> None:
    one = quota(requests=[Rate(60, 60.0)])
    assert one.pace(need(0), None) == 1.0
    one.confine(half, NOW)
    assert one.pace(need(0), None) == 0.5


def test_what_was_spent_is_told_by_limit_with_its_age() -> None:
    one = quota(requests=[Rate(100, 60.0)], tokens=[Rate(1000, 60.0), Rate(10_000, 3600.0)])
    first = reservation((100, 60, 40), NOW)
    one.take(first)
    one.take(reservation((30, 20, 10), NOW + 10))
    one.settle((*first[:2], 0, -30, 0, 0))
    told = one.spent(NOW + 20)
    assert [[units for _, units in cells] for cells in told] == [[1, 1], [30, 70], [100]]
    assert [round(ago / 1e6) for ago, _ in told[1]] == [10, 20]
    [(ago, units)] = one.spent(NOW + 62)[1]
    assert (round(ago / 1e6), units) == (52, 30)


def test_of_a_limit_in_slices_what_has_not_drained_is_told() -> None:
    one = quota(tokens=[Rate(60, 60.0, slice=10.0)])
    one.take(reservation((6, 6, 0), NOW))
    assert one.spent(NOW + 2) == [[(0, 4)]]
    assert one.spent(NOW + 6) == [[]]


def test_of_a_day_all_since_midnight_is_told() -> None:
    one = quota(requests=[Rate(60, 86_400.0, resets=NOW + 100)])
    one.take(reservation((6, 6, 0), NOW))
    assert one.spent(NOW + 99) == [[(0, 1)]]
    assert one.spent(NOW + 101) == [[]]


def test_how_much_is_used_is_told_of_the_fullest_limit() -> None:
    one = quota(requests=[Rate(100, 60.0)], tokens=[Rate(1000, 60.0)], concurrent=10)
    assert one.used(NOW) == 0.0
    one.take(reservation(need(250), NOW))
    assert one.used(NOW) == 0.25
    one.confine(half, NOW)
    assert one.used(NOW) == 0.25  # of the whole limit, whatever the part
    assert one.used(NOW + 62) == 0.1  # the place


def test_an_engine_confines_targets_and_groups_by_name() -> None:
    world = World("a/m", "b/m", facts={"a": limited(10), "b/m": limited(10)})
    asked: list[tuple[str, int]] = []

    def part(name: str, limit: int) -> int:
        asked.append((name, limit))
        return 3 if name == "a" else 2

    world.engine.confine(part, world.now)
    assert sorted(asked) == [("a", 10), ("b/m", 10)]
    targets = [world.send().target for _ in range(5)]
    assert targets == ["a/m", "a/m", "a/m", "b/m", "b/m"]
    assert not isinstance(world.start().next(world.now), Send)
    world.engine.confine(None, world.now)
    assert world.send().target == "a/m"
    assert world.engine.used(world.now) == {"a": 0.4, "b/m": 0.2}
    spent = world.engine.spent(world.now)
    assert {name: [units for _, units in told] for name, (told,) in spent.items()} == {
        "a": [4],
        "b/m": [2],
    }
    world.close()


def test_new_limits_are_confined_as_well_until_it_ends() -> None:
    world = World("a/m", facts={"a/m": limited(10)})
    world.engine.confine(lambda _, limit: limit // 5, world.now)
    world.engine.replace({"m": world.route}, {"a/m": limited(20)}, world.now)
    assert world.engine.snapshot(world.now)["a/m"].requests_left == 4
    world.engine.confine(None, world.now)
    assert world.engine.snapshot(world.now)["a/m"].requests_left == 20


def test_who_may_send_nothing_anywhere_is_told_so_at_once() -> None:
    world = World("a/m", facts={"a/m": limited(10)})
    world.engine.confine(lambda _name, _limit: 0, world.now)
    told = world.start().next(world.now)
    assert isinstance(told, Fail)
    assert told.refusals["a/m"].refusal is Refusal.LIMITED
    explained = world.engine.explain(world.request(), world.now).targets[0]
    assert "rate limit" in explained.words
    world.close()


def test_who_waits_for_room_is_woken_when_all_is_whole_again() -> None:
    woken: list[None] = []
    route = Route([Target("a/m")])
    facts = {"a/m": Facts(Limits(concurrent=2))}
    engine = Engine({"m": route}, rng=Random(7), now=NOW, facts=facts)
    engine.confine(lambda _name, limit: limit // 2, NOW)
    world = World("a/m")
    open_one, waiting = (
        engine.start(world.request(), NOW, wake=lambda: woken.append(None)) for _ in range(2)
    )
    assert isinstance(open_one.next(NOW), Send)
    assert isinstance(waiting.next(NOW), Wait)
    engine.confine(None, NOW)
    assert woken
    assert isinstance(waiting.next(NOW), Send)
    for course in (open_one, waiting):
        course.close(NOW)
