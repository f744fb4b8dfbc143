"""What is expected of inputs and answers, in tokens."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Facts, Limits, Outcome, Rate, Report, Route, Target
from policies.engine.learning.estimates import (
    ENOUGH,
    LEAST_FACTOR,
    MOST_FACTOR,
    SHORT,
    UNSEEN,
    Estimates,
    Length,
    Spread,
    Tally,
)
from tests.policies.driver import World

ESTIMATES = st.integers(0, 10**6)
COUNTS = st.integers(1, 10**9)


def taught(factor: float, times: int = 20) -> Estimates:
    rng, estimates = Random(1), Estimates()
    for _ in range(times):
        estimate = rng.randrange(SHORT, 20_000)
        estimates.read(estimate, round(estimate * factor * rng.uniform(0.9, 1.1)))
    return estimates


class TestInputs:
    def test_nothing_is_corrected_before_anything_was_counted(self) -> None:
        assert Estimates().input(1234) == 1234

    @pytest.mark.parametrize("factor", [0.3, 0.5, 0.8, 1.0, 1.3, 2.0, 4.0])
    def test_twenty_requests_teach_how_a_target_counts(self, factor: float) -> None:
        assert taught(factor).input(10_000) == pytest.approx(10_000 * factor, rel=0.1)

    @given(COUNTS)
    def test_one_wild_count_moves_little(self, counted: int) -> None:
        estimates = taught(1.2)
        before = estimates.factor
        estimates.read(1000, counted)
        assert 0.89 * before < estimates.factor < 1.11 * before

    @given(COUNTS)
    def test_nor_does_a_wild_one_among_few(self, counted: int) -> None:
        estimates = Estimates()
        estimates.read(1000, counted)
        assert 0.5 <= estimates.factor <= 1.5

    @given(st.lists(st.tuples(ESTIMATES, COUNTS)), ESTIMATES)
    def test_whatever_is_counted_it_stays_within_bounds(
        self, counts: list[tuple[int, int]], estimate: int
    ) -> None:
        estimates = Estimates()
        for estimated, counted in counts:
            estimates.read(estimated, counted)
        assert LEAST_FACTOR <= estimates.factor <= MOST_FACTOR
        assert 0 <= estimates.at_least(estimate) <= estimate / 2
        assert estimates.at_least(estimate) <= estimates.input(estimate)

    def test_short_inputs_say_nothing_of_a_tokenizer(self) -> None:
        estimates = Estimates()
        for _ in range(50):
            estimates.read(SHORT - 1, 10)
        assert estimates.factor == 1.0
        assert estimates.tallies()[0] == Tally(50 * (SHORT - 1), 500, 50 * (SHORT - 11))


class TestAnswers:
    def test_before_any_was_seen_a_bound_is_all_that_is_known(self) -> None:
        spread = Spread()
        assert (spread.output(None), spread.output(5000), spread.output(3)) == (UNSEEN, 5000, 3)

    def test_of_a_hundred_ninety_five_are_no_longer_than_expected(self) -> None:
        rng, spread = Random(1), Spread()
        lengths = [round(rng.lognormvariate(5, 1)) + 1 for _ in range(900)]
        for length in lengths:
            spread.answered(length)
        exact = sorted(lengths)[855]
        assert 0.9 * exact <= spread.output(None) <= 1.35 * exact
        assert spread.output(10**6) == spread.output(None)
        assert spread.output(7) == 7

    def test_few_short_answers_promise_no_short_ones(self) -> None:
        spread = Spread()
        for _ in range(ENOUGH - 1):
            spread.answered(5)
        assert (spread.output(None), spread.output(4000)) == (UNSEEN, 4000)
        for _ in range(ENOUGH):
            spread.answered(5)
        assert spread.output(None) == spread.output(4000) < 8

    def test_one_long_answer_among_few_is_enough_to_expect_more(self) -> None:
        spread = Spread()
        spread.answered(5000)
        assert spread.output(None) >= 5000

    def test_models_of_one_route_are_apart(self) -> None:
        length = Length()
        for _ in range(2 * ENOUGH):
            length.of("long").answered(4000)
            length.of("short").answered(10)
        assert length.of("short").output(None) < 20
        assert length.of("long").output(None) >= 4000


class TestInTheEngine:
    def world(self) -> World:
        facts = {"a/m": Facts(Limits(tokens=[Rate(10**6, 60)]), context=8000)}
        return World("a/m", Target("b/x", 1, 1), facts=facts)

    def left(self, world: World) -> float:
        return world.engine.snapshot(world.now)["a/m"].tokens_left

    def reserved(self, world: World, **asked: int) -> float:
        """What one more request takes of the limits of a/m before it is answered."""
        before = self.left(world)
        send = world.send(**asked)
        taken = before - self.left(world)
        send.attempt.give_back(world.now)
        return taken

    def answer(self, world: World, report: Report, times: int = 2 * ENOUGH) -> None:
        for _ in range(times):
            world.settle(world.send(input_tokens=1000), report)
            world.now += 60

    def test_what_is_reserved_follows_what_is_counted(self) -> None:
        world = self.world()
        assert self.reserved(world, input_tokens=1000) == 1000 + UNSEEN
        self.answer(world, Report(Outcome.OK, input_tokens=1500, output_tokens=40))
        assert self.reserved(world, input_tokens=1000) == pytest.approx(1545, abs=15)
        bounded = self.reserved(world, input_tokens=1000, output_tokens=8)
        assert bounded == pytest.approx(1503, abs=15)

    def test_what_the_driver_estimated_itself_teaches_nothing(self) -> None:
        world = self.world()
        self.answer(world, Report(Outcome.OK, input_tokens=9, output_tokens=9, estimated=True))
        assert self.reserved(world, input_tokens=1000) == 1000 + UNSEEN
        assert world.engine.snapshot(world.now)["a/m"].inputs == Tally(0, 0, 0)

    def test_nor_does_what_failed(self) -> None:
        world = self.world()
        failed = Report(Outcome.REJECTED, input_tokens=5000, output_tokens=5000)
        world.settle(world.send(input_tokens=1000), failed)
        assert world.engine.snapshot(world.now)["a/m"].factor == 1.0

    def test_a_target_that_counts_more_is_not_thought_too_small(self) -> None:
        world = self.world()
        self.answer(world, Report(Outcome.OK, input_tokens=4000, output_tokens=9))
        assert world.engine.snapshot(world.now)["a/m"].factor > 3
        assert world.ask(input_tokens=16_000).targets[:1] == ["a/m"]

    def test_one_that_counts_less_takes_longer_texts(self) -> None:
        world = self.world()
        assert world.ask(input_tokens=20_000).targets == ["b/x"]
        self.answer(world, Report(Outcome.OK, input_tokens=500, output_tokens=9))
        assert world.ask(input_tokens=20_000).targets[:1] == ["a/m"]

    def test_how_wrong_it_was_is_told(self) -> None:
        world = self.world()
        self.answer(world, Report(Outcome.OK, input_tokens=1500, output_tokens=40), times=1)
        shown = world.engine.snapshot(world.now)["a/m"]
        assert (shown.inputs, shown.answers) == (Tally(1000, 1500, 500), Tally(256, 40, 216))
        assert shown.factor == 1.25

    def test_it_is_kept_when_the_configuration_changes(self) -> None:
        world = self.world()
        self.answer(world, Report(Outcome.OK, input_tokens=1500, output_tokens=40))
        before = world.engine.snapshot(world.now)["a/m"]
        world.engine.replace({"m": Route([Target("a/m")])}, {"a/m": Facts()}, world.now)
        assert world.engine.snapshot(world.now)["a/m"].factor == before.factor
