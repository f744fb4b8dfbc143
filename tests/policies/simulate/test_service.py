from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.simulate import Arrival, Fault, Service
from policies.simulate.service import NEVER, SILENCE, Fate, fate

DRAWS = 10_000
SERVICE = Service(first_token=0.5, spread=0.2, per_token=0.02)


def drawn(*faults: Fault, tokens: int = 100) -> list[Fate]:
    rng = Random(1)
    return [fate(SERVICE, faults, Arrival(0.0, 100, tokens), rng) for _ in range(DRAWS)]


def within_three_sigma(count: int, share: float) -> bool:
    deviation: float = (DRAWS * share * (1 - share)) ** 0.5
    return abs(count - DRAWS * share) <= 3 * deviation


class TestHolds:
    def test_a_fault_is_there_from_its_start_to_its_end(self):
        fault = Fault("a/m", 10.0, 20.0)
        held = {now: fault.holds(now) for now in (0.0, 9.999, 10.0, 19.999, 20.0, 1e9)}
        assert [now for now, holds in held.items() if holds] == [10.0, 19.999]

    def test_a_fault_without_an_end_stays(self):
        assert Fault("a/m", 10.0).holds(1e9)

    def test_a_fault_with_a_period_comes_and_goes_from_its_start_on(self):
        fault = Fault("a/m", 10.0, 19.0, period=2.0)
        assert [now for now in range(30) if fault.holds(now)] == [10, 11, 14, 15, 18]

    @given(
        start=st.floats(0.0, 1000.0),
        end=st.floats(0.0, 2000.0) | st.just(NEVER),
        period=st.none() | st.floats(0.1, 500.0),
    )
    def test_it_changes_at_every_turn_and_only_there(
        self, start: float, end: float, period: float | None
    ):
        fault = Fault("a/m", start, max(start + 0.1, end), period=period)
        now, holds = -1.0, False
        for _ in range(20):
            turn = fault.turn(now)
            assert turn > now
            if turn == NEVER:
                return
            between = now + (turn - now) / 2
            assert not now < between < turn or fault.holds(between) == holds
            holds = not holds and turn < fault.end
            assert fault.holds(turn) == holds
            now = turn


class TestFate:
    def test_the_first_token_takes_its_median(self):
        assert median(one.first for one in drawn()) == pytest.approx(0.5, rel=0.02)

    def test_the_rest_takes_its_pace(self):
        assert all(one.end - one.first == pytest.approx(2.0) for one in drawn())

    def test_each_token_of_the_input_adds_to_the_first(self):
        service = Service(first_token=0.5, spread=0.0, per_input=0.001)
        slow = Fault("a/m", 0.0, slower=2.0)
        waits = [fate(service, (slow,), Arrival(0.0, n, 1), Random(1)).first for n in (1, 1000)]
        assert waits == pytest.approx([2 * 0.501, 2 * 1.5])
        assert service.expected_first_token(1000) == pytest.approx(1.5)

    def test_nothing_fails_without_a_fault(self):
        assert not any(one.failed for one in drawn())

    def test_slowness_multiplies_over_all_faults(self):
        slow = drawn(Fault("a/m", 0.0, slower=3.0, pace=2.0), Fault("a/m", 0.0, slower=2.0))
        assert median(one.first for one in slow) == pytest.approx(3.0, rel=0.02)
        assert all(one.end - one.first == pytest.approx(4.0) for one in slow)

    def test_errors_come_in_their_share_and_after_their_time(self):
        failed = [
            one for one in drawn(Fault("a/m", 0.0, errors=0.3, error_after=0.7)) if one.failed
        ]
        assert within_three_sigma(len(failed), 0.3)
        assert {(one.first, one.end) for one in failed} == {(NEVER, 0.7)}

    def test_cuts_come_in_their_share_and_after_some_content(self):
        cut = [one for one in drawn(Fault("a/m", 0.0, cuts=0.4)) if one.failed]
        assert within_three_sigma(len(cut), 0.4)
        assert {one.tokens for one in cut} == set(range(1, 101))
        assert all(one.first < one.end for one in cut)

    def test_silence_is_silence(self):
        assert set(drawn(Fault("a/m", 0.0, silent=True))) == {SILENCE}

    def test_the_same_seed_draws_the_same(self):
        fault = Fault("a/m", 0.0, errors=0.2, cuts=0.2)
        assert drawn(fault) == drawn(fault)
