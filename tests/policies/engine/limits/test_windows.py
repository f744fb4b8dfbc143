import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.limits.windows import CELLS, MICROSECONDS, Window

SPAN = 6 * MICROSECONDS
CELL = SPAN // CELLS


class Ledger:
    """The same limit, the slow way: every unit is kept with the time at which it was taken."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: list[tuple[int, int]] = []

    def used(self, now: int) -> int:
        return sum(units for at, units in self.taken if now // CELL - at // CELL <= CELLS)

    def fits(self, need: int, now: int) -> bool:
        used = self.used(now)
        return used <= 0 or used + need <= self.limit

    def wait(self, need: int, now: int) -> int:
        ends = sorted({0, *((at // CELL + CELLS + 1) * CELL - now for at, _ in self.taken)})
        return next(end for end in ends if end >= 0 and self.fits(need, now + end))


steps = st.lists(
    st.tuples(st.integers(0, SPAN // 3), st.integers(1, 14), st.sampled_from(["take", "back"])),
    max_size=60,
)
starts = st.integers(-5 * SPAN, 10**15)


@settings(max_examples=150)
@given(starts, steps)
def test_it_answers_as_the_ledger_does(start: int, steps: list[tuple[int, int, str]]) -> None:
    window, ledger = Window(10, 6.0), Ledger(10)
    now = start
    for elapsed, units, step in steps:
        now += elapsed
        assert window.spare(now) == 10 - ledger.used(now)
        assert window.fits(units, now) == ledger.fits(units, now)
        assert window.wait(units, now) == ledger.wait(units, now)
        if step == "take" and window.fits(units, now):
            window.take(units, now)
            ledger.taken.append((now, units))
        elif step == "back" and ledger.taken:
            at, given = ledger.taken.pop()
            window.correct(-given, at, now)


@settings(max_examples=150)
@given(starts, steps)
def test_no_span_ever_holds_more_than_the_limit(
    start: int, steps: list[tuple[int, int, str]]
) -> None:
    """Save one oversize request, which is let into an empty window."""
    window = Window(10, 6.0)
    taken: list[tuple[int, int]] = []
    now = start
    for elapsed, units, _ in steps:
        now += elapsed
        if window.fits(units, now):
            window.take(units, now)
            taken.append((now, units))
    for end, _ in taken:
        inside = [(at, units) for at, units in taken if end - SPAN < at <= end]
        assert sum(units for _, units in inside if units <= 10) <= 10
        if any(units > 10 for _, units in inside):
            assert len(inside) == 1


@settings(max_examples=100)
@given(starts, steps)
def test_waiting_as_long_as_it_says_is_enough_and_a_microsecond_less_is_not(
    start: int, steps: list[tuple[int, int, str]]
) -> None:
    window = Window(10, 6.0)
    now = start
    for elapsed, units, _ in steps:
        now += elapsed
        if wait := window.wait(units, now):
            assert not window.fits(units, now + wait - 1)
            now += wait
            assert window.fits(units, now)
        window.take(units, now)


def test_the_whole_limit_may_come_at_once() -> None:
    window = Window(500, 60.0)
    for _ in range(500):
        assert window.fits(1, 0)
        window.take(1, 0)
    assert not window.fits(1, 0)


def test_the_last_one_of_the_limit_is_let_through() -> None:
    window = Window(10, 60.0)
    window.take(9, 0)
    assert window.fits(1, 0)
    assert not window.fits(2, 0)


def test_a_boundary_of_minutes_admits_no_second_limit() -> None:
    window = Window(100, 60.0)
    window.take(100, 59 * MICROSECONDS)
    assert not window.fits(1, 61 * MICROSECONDS)
    assert window.fits(100, 120 * MICROSECONDS)


def test_it_forgets_at_most_a_sixtieth_of_the_span_late() -> None:
    for at in (0, 123_456, 999_999):
        window = Window(1, 60.0)
        window.take(1, at)
        assert 60 * MICROSECONDS < window.wait(1, at) <= 61 * MICROSECONDS


def test_what_comes_in_steps_leaves_in_steps() -> None:
    window = Window(60, 60.0)
    for second in range(60):
        window.take(1, second * MICROSECONDS)
    used = [60 - window.spare(second * MICROSECONDS) for second in range(60, 66)]
    assert used == [60, 59, 58, 57, 56, 55]


def test_what_is_given_back_is_available_again() -> None:
    window = Window(100, 60.0)
    window.take(100, 0)
    window.correct(-70, 0, 30 * MICROSECONDS)
    assert window.fits(70, 30 * MICROSECONDS)
    assert not window.fits(71, 30 * MICROSECONDS)


def test_what_has_left_the_window_cannot_be_given_back() -> None:
    window = Window(100, 60.0)
    window.take(100, 0)
    later = 70 * MICROSECONDS
    window.take(80, later)
    window.correct(-100, 0, later)
    assert window.spare(later) == 20
    assert not window.fits(21, later)


def test_what_is_about_to_leave_the_window_can_still_be_given_back() -> None:
    window = Window(100, 60.0)
    window.take(100, 0)
    last = 61 * MICROSECONDS - 1
    window.correct(-100, 0, last)
    assert window.fits(100, last)


def test_a_debt_is_paid_before_anything_else_fits() -> None:
    window = Window(100, 60.0)
    window.take(10, 0)
    window.correct(490, 0, 20 * MICROSECONDS)  # the answer was longer than reserved
    assert window.spare(20 * MICROSECONDS) == -400
    assert window.wait(1, 20 * MICROSECONDS) == 41 * MICROSECONDS


def test_a_debt_of_what_has_left_the_window_counts_from_now() -> None:
    window = Window(100, 60.0)
    window.take(10, 0)
    later = 300 * MICROSECONDS
    window.correct(200, 0, later)
    assert window.wait(1, later) == 61 * MICROSECONDS


@pytest.mark.parametrize("need", [101, 10**9])
def test_an_oversize_request_passes_when_the_window_is_empty(need: int) -> None:
    window = Window(100, 60.0)
    window.take(1, 0)
    assert not window.fits(need, 0)
    wait = window.wait(need, 0)
    assert window.fits(need, wait)
    window.take(need, wait)
    assert not window.fits(1, wait)


def test_a_clock_that_steps_back_forgets_nothing() -> None:
    window = Window(10, 60.0)
    window.take(10, 100 * MICROSECONDS)
    assert not window.fits(1, 50 * MICROSECONDS)
    assert window.spare(50 * MICROSECONDS) == 0


def test_a_steady_stream_gets_the_whole_limit() -> None:
    window = Window(60, 60.0)
    takes = 0
    for tick in range(6000):  # ten requests a second for ten minutes
        now = tick * MICROSECONDS // 10
        if window.fits(1, now):
            window.take(1, now)
            takes += 1
    assert 580 <= takes <= 600


def test_longer_spans_have_longer_cells() -> None:
    day = 86400
    window = Window(10, float(day))
    for hour in range(10):
        window.take(1, hour * 3600 * MICROSECONDS)
    assert window.wait(1, 9 * 3600 * MICROSECONDS) == (day + day // 60 - 9 * 3600) * MICROSECONDS


@pytest.mark.parametrize(("limit", "seconds"), [(0, 60.0), (-1, 60.0), (10, 0.0), (10, -1.0)])
def test_a_limit_must_be_above_zero(limit: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Window(limit, seconds)
