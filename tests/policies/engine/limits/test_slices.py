import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.limits.windows import MICROSECONDS, Slices

AMOUNT, SECONDS, SLICE = 60, 6.0, 0.5  # 10 a second, 5 at once
UNIT = 100_000  # microseconds


class Bucket:
    """The same limit, the slow way: what is in the bucket is kept unit by unit with the time it
    came, and drains one by one.
    """

    def __init__(self) -> None:
        self.level = 0  # in microseconds of draining
        self.at = 0
        self.since = 0  # when it was empty for the last time

    def drain(self, now: int) -> None:
        for _ in range(self.at, now, UNIT // 4):
            self.level -= UNIT // 4
        self.at = now
        if self.level <= 0:
            self.level, self.since = 0, now

    def spare(self, now: int) -> int:
        self.drain(now)
        return (round(SLICE * MICROSECONDS) - self.level) // UNIT

    def fits(self, need: int, now: int) -> bool:
        return self.spare(now) >= need or self.level == 0

    def add(self, units: int, taken: int, now: int) -> None:
        self.drain(now)
        if units > 0 or taken >= self.since:
            self.level += units * UNIT
        self.drain(now)


steps = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9), st.sampled_from(["take", "back", "more"])),
    max_size=60,
)


@settings(max_examples=200)
@given(steps)
def test_it_answers_as_the_bucket_does(steps: list[tuple[int, int, str]]) -> None:
    slices, bucket = Slices(AMOUNT, SECONDS, SLICE), Bucket()
    taken: list[tuple[int, int]] = []
    now = 0
    for quarters, units, step in steps:
        now += quarters * UNIT // 4
        assert slices.spare(now) == bucket.spare(now)
        assert slices.fits(units, now) == bucket.fits(units, now)
        if step == "take" and slices.fits(units, now):
            slices.take(units, now)
            bucket.add(units, now, now)
            taken.append((now, units))
        elif step != "take" and taken:
            at, earlier = taken.pop()
            change = -earlier if step == "back" else units
            slices.correct(change, at, now)
            bucket.add(change, at, now)


@settings(max_examples=150)
@given(steps, st.integers(1, 200), st.sampled_from([0.3, 1.0, 2.5]))
def test_no_span_holds_more_than_its_length_allows_and_a_share(
    steps: list[tuple[int, int, str]], amount: int, slice_: float
) -> None:
    """Save an oversize request, which is let in when everything has drained."""
    slices = Slices(amount, SECONDS, slice_)
    share = max(1.0, amount * slice_ / SECONDS)
    taken: list[tuple[int, int]] = []
    now = 0
    for quarters, units, _ in steps:
        now += quarters * 7_919
        if units <= share and slices.fits(units, now):
            slices.take(units, now)
            taken.append((now, units))
    for begin, _ in taken:
        for end in {at for at, _ in taken if at >= begin}:
            inside = sum(units for at, units in taken if begin <= at <= end)
            allowed = amount * (end - begin) / SECONDS / MICROSECONDS + share
            assert inside <= allowed + 1e-3


@settings(max_examples=100)
@given(steps, st.integers(1, 200))
def test_waiting_as_long_as_it_says_is_enough_and_a_microsecond_less_is_not(
    steps: list[tuple[int, int, str]], amount: int
) -> None:
    slices = Slices(amount, SECONDS, SLICE)
    now = -7 * UNIT
    for quarters, units, _ in steps:
        now += quarters * 7_919
        if wait := slices.wait(units, now):
            assert not slices.fits(units, now + wait - 1)
            now += wait
            assert slices.fits(units, now)
        slices.take(units, now)


def test_a_slice_s_share_may_come_at_once_and_no_more() -> None:
    slices = Slices(600, 60.0, 1.0)
    for _ in range(10):
        assert slices.fits(1, 0)
        slices.take(1, 0)
    assert not slices.fits(1, 0)
    assert slices.wait(1, 0) == 100_000


def test_a_share_below_one_lets_one_through() -> None:
    slices = Slices(6, 60.0, 1.0)
    assert slices.spare(0) == 1
    slices.take(1, 0)
    assert slices.wait(1, 0) == 10 * MICROSECONDS


def test_a_steady_stream_gets_the_whole_limit() -> None:
    slices = Slices(7, 6.0, 1.0)
    takes = 0
    for tick in range(6000):  # ten a second for ten minutes
        now = tick * MICROSECONDS // 10
        if slices.fits(1, now):
            slices.take(1, now)
            takes += 1
    assert 695 <= takes <= 701


def test_an_oversize_request_passes_when_idle_and_is_a_debt() -> None:
    slices = Slices(60, 60.0, 1.0)
    slices.take(1, 0)
    assert not slices.fits(30, 0)
    assert slices.wait(30, 0) == MICROSECONDS
    slices.take(30, MICROSECONDS)
    assert slices.spare(MICROSECONDS) == -29
    assert slices.wait(1, MICROSECONDS) == 30 * MICROSECONDS


def test_what_is_given_back_is_available_again() -> None:
    slices = Slices(6000, 60.0, 1.0)
    slices.take(100, 0)
    slices.correct(-70, 0, 100_000)
    assert slices.spare(100_000) == 80


def test_what_has_drained_cannot_be_given_back() -> None:
    slices = Slices(6000, 60.0, 1.0)
    slices.take(100, 0)
    later = 5 * MICROSECONDS
    slices.take(80, later)
    slices.correct(-100, 0, later)
    assert slices.spare(later) == 20


def test_what_cost_more_than_was_taken_counts_from_now() -> None:
    slices = Slices(6000, 60.0, 1.0)
    slices.take(1, 0)
    later = 5 * MICROSECONDS
    slices.correct(150, 0, later)
    assert slices.spare(later) == -50


@pytest.mark.parametrize(
    ("limit", "seconds", "slice_"), [(0, 60.0, 1.0), (1, 0.0, 1.0), (1, 60.0, 0.0)]
)
def test_all_of_it_must_be_above_zero(limit: int, seconds: float, slice_: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Slices(limit, seconds, slice_)
