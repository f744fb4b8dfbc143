"""Somebody else's code, and how long it may keep everybody waiting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.starting.leash import LIMIT, LONGEST, Leash, Overran

SLOW = 2 * LIMIT


def switched_off(leash: Leash, now: float) -> float:
    """Overrun thrice at `now`; for how long it is away then."""
    leash.took(SLOW, now)
    leash.took(SLOW, now)
    with pytest.raises(Overran) as caught:
        leash.took(SLOW, now)
    return float(str(caught.value).rpartition("for ")[2].removesuffix(" s"))


def test_three_overruns_within_a_minute_switch_it_off_for_one():
    leash = Leash()
    assert switched_off(leash, 100.0) == 60
    assert leash.away(159.9)
    assert not leash.away(160.0)


def test_what_keeps_its_limit_is_never_switched_off():
    leash = Leash()
    for now in range(1000):
        leash.took(LIMIT, now / 100)
    assert not leash.away(10.0)


def test_two_overruns_or_three_in_more_than_a_minute_change_nothing():
    leash = Leash()
    for now in (0.0, 31.0, 61.0, 92.0):
        leash.took(SLOW, now)
        assert not leash.away(now)


def test_the_time_doubles_up_to_an_hour_and_begins_anew_after_as_long_without():
    leash, now, rests = Leash(), 0.0, []
    for _ in range(8):
        rests.append(switched_off(leash, now))
        now += rests[-1]
    assert rests == [60, 120, 240, 480, 960, 1920, LONGEST, LONGEST]
    now += LONGEST
    assert switched_off(leash, now) == 60


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), max_size=60))
def test_it_is_away_after_three_overruns_at_most(calls: list[tuple[float, float]]):
    leash, now, paid = Leash(), 0.0, 0
    for seconds, pause in calls:
        now += pause
        if leash.away(now):
            paid = 0
            continue
        try:
            leash.took(seconds, now)
        except Overran:
            assert leash.away(now)
        paid = paid + 1 if seconds > LIMIT and pause < 20 else int(seconds > LIMIT)
        assert paid <= 3
