from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.learning.breaker import Breaker, Others, State, Why

HEALTHY, EJECTED, PROBING, RECOVERING = State


class Patient:
    """A breaker, and outcomes as `+` and `-` every tenth of a second."""

    def __init__(self, *, ramp: bool = False, others: float | None = None, usual: float = 0.01):
        self.now = 0.0
        self.rng = Random(3)
        self.others = None if others is None else Others(round(others * 50), 50)
        self.usual = usual
        self.breaker = Breaker(self.now, lambda: None, ramp=ramp)

    def outcome(self, bad: bool, *, epoch: int | None = None, probe: bool = False) -> None:
        epoch = self.breaker.epoch if epoch is None else epoch
        if bad:
            self.breaker.failed(epoch, self.now, self.usual, self.others, self.rng, probe=probe)
        else:
            self.breaker.answered(epoch, self.now, probe=probe)

    def has(self, outcomes: str, every: float = 0.1) -> State:
        for outcome in outcomes:
            self.now += every
            self.outcome(outcome == "-")
        return self.breaker.state

    def probed(self, outcome: str) -> State:
        """Wait until a probe is wanted, and send it."""
        self.now = max(self.now, self.breaker.until)
        assert self.breaker.wants_probe(self.now)
        self.breaker.probe()
        self.outcome(outcome == "-", probe=True)
        return self.breaker.state

    @property
    def rest(self) -> float:
        return self.breaker.until - self.now


class TestTrips:
    def test_five_failures_in_a_row(self) -> None:
        patient = Patient()
        assert patient.has("+" * 60 + "----") is HEALTHY
        assert patient.has("-") is EJECTED
        trip = patient.breaker.last_trip
        assert trip is not None
        assert (trip.why, trip.bad) == (Why.ROW, 5)

    def test_one_that_never_answered_by_the_fifth(self) -> None:
        assert Patient().has("----") is HEALTHY
        assert Patient().has("-----") is EJECTED

    def test_an_answer_between_them_breaks_the_row(self) -> None:
        assert Patient(others=0.9).has("----+" * 3) is HEALTHY

    def test_three_failures_never_do_while_it_is_healthy(self) -> None:
        assert Patient().has("---") is HEALTHY

    @pytest.mark.parametrize("seed", range(20))
    def test_thirty_percent_of_errors_are_seen_soon(self, seed: int) -> None:
        patient, chance = Patient(others=0.01), Random(seed)
        outcomes = 0
        while patient.breaker.state is HEALTHY:
            patient.has("-" if chance.random() < 0.3 else "+")
            outcomes += 1
        assert outcomes <= 50

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("others", [None, 0.02])
    def test_two_percent_never_trip_it(self, seed: int, others: float | None) -> None:
        patient, chance = Patient(others=others), Random(seed)
        for _ in range(20_000):
            patient.outcome(chance.random() < 0.02)
            patient.now += 0.05
            assert patient.breaker.state is HEALTHY

    def test_a_pool_that_fails_as_a_whole_is_no_outlier(self) -> None:
        assert Patient(others=0.3).has("+-+-+" * 20) is HEALTHY
        assert Patient(others=0.1).has("+-+-+" * 20) is EJECTED

    @pytest.mark.parametrize(
        ("bad", "of", "more"), [(1, 1, False), (1, 5, False), (6, 50, False), (10, 50, True)]
    )
    def test_others_fail_more_only_beyond_chance(self, bad: int, of: int, more: bool) -> None:
        assert Others(bad, of).fail_more_than(0.1) is more

    def test_what_usually_fails_more_is_given_more(self) -> None:
        outcomes = "+++++-" * 20
        assert Patient(usual=0.05).has(outcomes) is HEALTHY
        assert Patient(usual=0.01).has("+++-" * 20) is EJECTED

    def test_failures_of_more_than_ten_minutes_ago_do_not_count(self) -> None:
        patient = Patient()
        patient.has("-+-+")  # 2 of 4
        patient.now += 601
        assert patient.has("-+-+") is HEALTHY
        assert patient.breaker.failures(patient.now) == (2, 4)


class TestComesBack:
    def test_it_is_probed_when_its_time_is_over_and_not_before(self) -> None:
        patient = Patient()
        patient.has("-----")
        assert not patient.breaker.admits()
        assert not patient.breaker.wants_probe(patient.breaker.until - 0.001)
        assert patient.breaker.wants_probe(patient.breaker.until)

    def test_one_probe_is_enough_at_a_time(self) -> None:
        patient = Patient()
        patient.has("-----")
        patient.now = patient.breaker.until
        patient.breaker.probe()
        assert not patient.breaker.wants_probe(patient.now)

    def test_an_answered_probe_lets_it_recover(self) -> None:
        patient = Patient()
        patient.has("+" * 60 + "-----")
        assert patient.probed("+") is RECOVERING
        assert patient.breaker.admits()
        assert patient.breaker.ramp(patient.now) == 0.1

    def test_a_failed_probe_ejects_it_for_longer_up_to_a_minute(self) -> None:
        patient = Patient()
        patient.has("-----")
        rests = [patient.rest]
        for _ in range(8):
            assert patient.probed("-") is EJECTED
            rests.append(patient.rest)
        for count, rest in enumerate(rests):
            assert 0.8 * min(60, 5 * 2**count) <= rest <= min(60.0, 1.2 * 5 * 2**count) + 1e-9

    def test_rests_of_several_are_not_in_step(self) -> None:
        rests = set()
        for seed in range(10):
            patient = Patient()
            patient.rng = Random(seed)
            patient.has("-----")
            rests.add(round(patient.rest, 3))
        assert len(rests) == 10

    def test_a_cancelled_probe_is_no_evidence(self) -> None:
        patient = Patient()
        patient.has("-----")
        patient.now = until = patient.breaker.until
        patient.breaker.probe()
        patient.breaker.probe_cancelled(patient.breaker.epoch)
        assert patient.breaker.state is EJECTED
        assert patient.breaker.until == until
        assert patient.breaker.wants_probe(patient.now)

    @pytest.mark.parametrize("outcome", ["+", "-"])
    def test_an_old_outcome_says_nothing_of_a_newer_state(self, outcome: str) -> None:
        patient = Patient()
        old = patient.breaker.epoch
        patient.has("-----")
        until = patient.breaker.until
        patient.outcome(outcome == "-", epoch=old)
        assert (patient.breaker.state, patient.breaker.until) == (EJECTED, until)
        patient.probed("+")
        for _ in range(10):
            patient.outcome(outcome == "-", epoch=old)
        assert patient.breaker.state is RECOVERING
        assert patient.breaker.ramp(patient.now) == 0.1

    @pytest.mark.parametrize("outcome", ["+", "-", "cancelled"])
    def test_an_old_probe_says_nothing_of_a_newer_state(self, outcome: str) -> None:
        patient = Patient()
        patient.has("-----")
        patient.now = patient.breaker.until
        patient.breaker.probe()
        old = patient.breaker.epoch
        patient.breaker.advised(patient.now, well=True)
        patient.has("---")
        patient.now = until = patient.breaker.until
        patient.breaker.probe()
        if outcome == "cancelled":
            patient.breaker.probe_cancelled(old)
        else:
            patient.outcome(outcome == "-", epoch=old, probe=True)
        assert (patient.breaker.state, patient.breaker.until) == (PROBING, until)

    def test_three_in_a_row_eject_it_again_while_it_recovers(self) -> None:
        patient = Patient(others=0.4)
        patient.has("-----")
        patient.probed("+")
        assert patient.has("+--") is RECOVERING
        assert patient.has("-") is EJECTED

    def test_each_clean_minute_takes_back_one_doubling(self) -> None:
        patient = Patient()
        patient.has("-----")
        for _ in range(4):
            patient.probed("-")
        patient.probed("+")
        patient.now += 60  # the ramp
        patient.has("+", every=0.0)
        patient.now += 3 * 60 + 1
        patient.has("-----", every=0.0)
        assert 0.8 * 20 <= patient.rest <= 1.2 * 20


class TestRamp:
    def test_it_ends_after_a_minute(self) -> None:
        patient = Patient(ramp=True)
        ramps = [patient.breaker.ramp(seconds) for seconds in (0, 3, 15, 30, 45, 60)]
        assert ramps == [0.1, 0.1, 0.25, 0.5, 0.75, 1.0]
        assert patient.breaker.state is HEALTHY
        assert patient.breaker.last_trip is None

    def test_it_ends_after_twenty_answers(self) -> None:
        patient = Patient(ramp=True)
        ramps = []
        for _ in range(20):
            patient.has("+", every=0.001)
            ramps.append(patient.breaker.ramp(patient.now))
        assert ramps == sorted(ramps)
        assert ramps[9] == 0.5
        assert patient.breaker.state is HEALTHY

    def test_it_ends_though_nobody_looks_at_it(self) -> None:
        patient = Patient(ramp=True, others=0.9)
        patient.now += 3600
        assert patient.has("----") is HEALTHY  # three would do while it recovers
        assert patient.has("-") is EJECTED

    def test_looking_at_it_changes_nothing(self) -> None:
        seen, unseen = Patient(), Patient()
        for patient in (seen, unseen):
            patient.has("-----")
            patient.probed("-")
            patient.probed("-")
            patient.probed("+")
        for _ in range(100):
            seen.now += 5
            seen.breaker.ramp(seen.now)
        unseen.now += 500
        for patient in (seen, unseen):
            patient.has("-----")
        assert seen.rest == pytest.approx(unseen.rest)


class TestAdvice:
    def test_bad_news_only_lowers_the_threshold(self) -> None:
        patient = Patient(others=0.9)
        patient.has("+" * 60)
        patient.breaker.advised(patient.now, well=False)
        assert patient.has("--") is HEALTHY
        assert patient.has("-") is EJECTED

    def test_an_own_answer_forgets_bad_news(self) -> None:
        patient = Patient(others=0.9)
        patient.breaker.advised(patient.now, well=False)
        assert patient.has("+----") is HEALTHY

    def test_good_news_ends_an_ejection_by_ramp(self) -> None:
        patient = Patient()
        patient.has("-----")
        patient.breaker.advised(patient.now, well=True)
        assert patient.breaker.state is RECOVERING
        assert patient.breaker.ramp(patient.now) == 0.1

    def test_good_news_of_a_healthy_target_is_no_news(self) -> None:
        patient = Patient()
        patient.has("+--")
        patient.breaker.advised(patient.now, well=True)
        assert patient.breaker.state is HEALTHY
        assert patient.breaker.failures(patient.now) == (2, 3)


@given(st.lists(st.tuples(st.sampled_from("+-?pgb"), st.floats(0, 40)), max_size=80), st.integers())
def test_whatever_happens_the_breaker_stays_within_its_bounds(
    events: list[tuple[str, float]], seed: int
) -> None:
    patient = Patient(ramp=bool(seed % 2))
    patient.rng = Random(seed)
    breaker = patient.breaker
    for event, elapsed in events:
        patient.now += elapsed
        if event in "+-":
            patient.outcome(event == "-", probe=breaker.state is PROBING)
        elif event == "?":
            breaker.probe_cancelled(breaker.epoch)
        elif event == "p" and breaker.wants_probe(patient.now):
            breaker.probe()
        elif event in "gb":
            breaker.advised(patient.now, well=event == "g")
        assert 0.1 <= breaker.ramp(patient.now) <= 1.0
        assert breaker.until <= patient.now + 60.0
        assert len(breaker.outcomes) <= 50
        assert breaker.admits() == (breaker.state in (HEALTHY, RECOVERING))
