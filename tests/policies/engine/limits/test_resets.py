import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Facts, Limits, Rate, Wait
from policies.engine.limits.quota import Quota
from policies.engine.limits.resets import Calendar
from policies.engine.limits.windows import MICROSECONDS
from tests.policies.driver import World

SPAN, FIRST, LIMIT = 100 * MICROSECONDS, 130 * MICROSECONDS, 10


def test_everything_is_there_again_at_the_reset_and_not_a_microsecond_before() -> None:
    calendar = Calendar(LIMIT, 100.0, 130.0)
    calendar.take(LIMIT, FIRST - 5)
    assert not calendar.fits(1, FIRST - 1)
    assert calendar.wait(1, FIRST - 5) == 5
    assert calendar.spare(FIRST) == LIMIT


def test_later_resets_follow_a_span_apart_also_after_long_silence() -> None:
    calendar = Calendar(LIMIT, 100.0, 130.0)
    now = FIRST + 7 * SPAN + 1
    calendar.take(LIMIT, now)
    assert calendar.wait(1, now) == SPAN - 1


def test_what_was_taken_before_a_reset_is_not_given_back_after_it_and_a_debt_counts() -> None:
    calendar = Calendar(LIMIT, 100.0, 130.0)
    calendar.take(4, FIRST - 1)
    calendar.correct(-4, FIRST - 1, FIRST)
    assert calendar.spare(FIRST) == LIMIT
    calendar.correct(3, FIRST - 1, FIRST)
    assert calendar.spare(FIRST) == LIMIT - 3


def test_one_larger_than_the_limit_goes_when_nothing_is_taken() -> None:
    calendar = Calendar(LIMIT, 100.0, 130.0)
    assert calendar.fits(50, 0)
    calendar.take(50, 0)
    assert not calendar.fits(1, 1)
    assert calendar.spare(FIRST) == LIMIT


@pytest.mark.parametrize(("limit", "seconds"), [(0, 1.0), (1, 0.0)])
def test_nothing_in_no_time_is_no_limit(limit: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Calendar(limit, seconds, 0.0)


steps = st.lists(
    st.tuples(st.integers(0, SPAN // 2), st.integers(1, 14), st.sampled_from(["take", "back"])),
    max_size=60,
)


@settings(max_examples=150)
@given(steps)
def test_it_answers_as_one_does_who_keeps_every_unit_with_its_day(
    steps: list[tuple[int, int, str]],
) -> None:
    calendar, taken, now = Calendar(LIMIT, 100.0, 130.0), list[tuple[int, int]](), 0
    for elapsed, units, step in steps:
        now += elapsed
        day = (now - FIRST) // SPAN
        used = sum(many for at, many in taken if (at - FIRST) // SPAN == day or now < FIRST)
        assert calendar.spare(now) == LIMIT - used
        fits = used + units <= LIMIT or used <= 0
        assert calendar.fits(units, now) == fits
        end = FIRST if now < FIRST else FIRST + (day + 1) * SPAN
        assert calendar.wait(units, now) == (0 if fits else end - now)
        if step == "take" and fits:
            calendar.take(units, now)
            taken.append((now, units))
        elif step == "back" and taken:
            at, given = taken.pop()
            calendar.correct(-given, at, now)


DAY = 86_400.0


def used_up(resets: float) -> Quota:
    quota = Quota(Limits([Rate(1, DAY, resets=resets)]))
    quota.take((0, 0, 1, 0, 0, 0))
    return quota


@pytest.mark.parametrize("moved", [-3600.0, -0.2, 0.0, 0.2, 3600.0])
def test_a_reset_that_clocks_have_moved_is_the_same_and_goes_on_counting(moved: float) -> None:
    quota = used_up(DAY)
    quota.refit(Limits([Rate(1, DAY, resets=DAY + moved)]))
    refused = quota.refused((0, 0, 0), 5.0)
    assert refused is not None
    assert refused.until == DAY + moved
    assert quota.refused((0, 0, 0), DAY + moved) is None


def test_where_the_next_day_s_reset_is_named_the_day_before_has_ended() -> None:
    quota = used_up(DAY)
    quota.refit(Limits([Rate(1, DAY, resets=2 * DAY + 3600)]))
    assert quota.refused((0, 0, 0), DAY + 1) is None


@pytest.mark.parametrize("limits", [Limits([Rate(1, DAY)]), Limits(input=[Rate(1, DAY)])])
def test_what_is_counted_otherwise_is_counted_anew(limits: Limits) -> None:
    quota = used_up(DAY)
    quota.refit(limits)
    assert quota.refused((0, 0, 0), 5.0) is None


def test_a_day_of_which_more_is_allowed_goes_on_counting() -> None:
    quota = used_up(DAY)
    quota.refit(Limits([Rate(2, DAY, resets=DAY)]))
    assert quota.room(5.0).requests == 1


def test_a_course_waits_for_a_reset_that_is_near() -> None:
    world = World("a/m", facts={"a/m": Facts(Limits([Rate(1, DAY, resets=1002.5)]))})
    world.settle(world.send())
    wait = world.start().next(world.now)
    assert isinstance(wait, Wait)
    assert wait.until == 1002.5
    world.close()
    world.now = wait.until
    world.settle(world.send())
