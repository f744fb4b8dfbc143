"""How providers count: what is reserved, what it is settled to, and that who counts as a provider
does is not refused by it.
"""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Charge, Counting, Facts, Limits, Outcome, Phase, Rate, Report
from policies.engine.limits.counting import AS_WRITTEN, Need
from policies.engine.limits.notes import reservation
from policies.engine.limits.quota import Quota
from policies.engine.limits.windows import Note
from tests.policies.driver import World

MOST = 4096
WHOLE = Counting(Charge.WHOLE)
LARGER = Counting(Charge.LARGER)
INPUT_ALONE = Counting(Charge.NOTHING)
UNCACHED = Counting(cached=False)
BURNING = Counting(Charge.BOUND, cached=False, times=5, unbounded=MOST)


@pytest.mark.parametrize(
    ("counting", "bound", "need"),
    [
        (AS_WRITTEN, 700, (1030, 1000, 30)),
        (AS_WRITTEN, None, (1030, 1000, 30)),
        (UNCACHED, 700, (1030, 1000, 30)),
        (WHOLE, 700, (1700, 1000, 700)),
        (WHOLE, None, (1030, 1000, 30)),
        (LARGER, 700, (1000, 1000, 30)),
        (LARGER, 7000, (7000, 1000, 30)),
        (LARGER, None, (1000, 1000, 30)),
        (INPUT_ALONE, 700, (1000, 1000, 30)),
        (BURNING, 700, (1700, 1000, 700)),
        (BURNING, None, (1000 + MOST, 1000, MOST)),
    ],
)
def test_what_is_reserved_for_1000_tokens_and_an_answer_that_is_expected_to_have_30(
    counting: Counting, bound: int | None, need: Need
) -> None:
    assert counting.reserved(1000, 30, bound) == need


@pytest.mark.parametrize(
    ("counting", "used"),
    [
        (AS_WRITTEN, (920, 900, 20)),
        (UNCACHED, (120, 100, 20)),
        (WHOLE, (1700, 900, 20)),
        (LARGER, (1000, 900, 20)),
        (INPUT_ALONE, (900, 900, 20)),
        (BURNING, (200, 100, 20)),
    ],
)
def test_what_it_is_settled_to_when_900_were_read_800_of_them_cached_and_20_written(
    counting: Counting, used: Need
) -> None:
    report = Report(Outcome.OK, input_tokens=900, output_tokens=20, cached_tokens=800)
    taken = reservation(counting.reserved(1000, 30, 700), 1.0)
    settled = counting.settled(taken, report, 2.0)
    assert tuple(a + b for a, b in zip(taken[3:], settled[3:], strict=True)) == used
    assert settled[:3] == (1_000_000, 2_000_000, 0)


@pytest.mark.parametrize("counting", [AS_WRITTEN, UNCACHED, WHOLE, LARGER, INPUT_ALONE, BURNING])
def test_what_nobody_counted_stays_as_it_was_reserved(counting: Counting) -> None:
    taken = reservation(counting.reserved(1000, 30, 700), 1.0)
    assert counting.settled(taken, Report(Outcome.FAILED), 2.0)[2:] == (0, 0, 0, 0)


def left(world: World) -> tuple[float, float, float]:
    shown = world.engine.snapshot(world.now)["a/m"]
    return shown.tokens_left, shown.input_left, shown.output_left


def bounded(counting: Counting = AS_WRITTEN, amount: int = 10_000) -> Facts:
    rates = [Rate(amount, 60.0)]
    return Facts(Limits(tokens=rates, input=rates, output=rates), counting=counting)


@pytest.mark.parametrize(
    ("counting", "reserved", "settled"),
    [
        (AS_WRITTEN, (9850, 9900, 9950), (9880, 9900, 9980)),
        (UNCACHED, (9850, 9900, 9950), (9960, 9980, 9980)),
        (WHOLE, (9850, 9900, 9950), (9850, 9900, 9980)),
        (LARGER, (9900, 9900, 9950), (9900, 9900, 9980)),
        (INPUT_ALONE, (9900, 9900, 9950), (9900, 9900, 9980)),
        (BURNING, (9850, 9900, 9950), (9880, 9980, 9980)),
    ],
)
def test_a_course_reserves_and_settles_as_the_target_s_provider_counts(
    counting: Counting, reserved: Need, settled: Need
) -> None:
    world = World("a/m", facts={"a/m": bounded(counting)})
    send = world.send(input_tokens=100, output_tokens=50)
    assert left(world) == reserved
    world.settle(send, Report(Outcome.OK, input_tokens=100, output_tokens=20, cached_tokens=80))
    assert left(world) == settled


def test_what_never_reached_a_provider_is_refunded_in_all_dimensions() -> None:
    world = World("a/m", facts={"a/m": bounded(BURNING)})
    world.settle(world.send(input_tokens=100), Report(Outcome.FAILED, Phase.CONNECT))
    assert left(world) == (10_000, 10_000, 10_000)


def test_a_runner_up_reserves_by_its_own_counting() -> None:
    facts = {"a/m": bounded(WHOLE), "b/m": bounded(INPUT_ALONE)}
    world = World("a/m", "b/m", facts=facts)
    send = world.send(input_tokens=100, output_tokens=5000)
    assert send.target == "a/m"
    send.attempt.switch(world.now)
    assert left(world) == (10_000, 10_000, 10_000)
    assert world.engine.snapshot(world.now)["b/m"].tokens_left == 9_900
    world.settle(send)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(tokens=[Rate(500, 60.0)]),
        Limits(input=[Rate(500, 60.0)]),
        Limits(output=[Rate(500, 60.0)]),
    ],
)
def test_each_limit_on_tokens_binds(limits: Limits) -> None:
    world = World("a/m", "b/m", facts={"a/m": Facts(limits)})
    asked = {"input_tokens": 300, "output_tokens": 300}
    sends = [world.send(**asked), world.send(**asked)]
    assert [send.target for send in sends] == ["a/m", "b/m"]
    world.close()


def test_where_what_anybody_may_need_does_not_fit_each_target_is_asked_for_its_own_need() -> None:
    """The pool's largest need, a model's longest answer, is no target's but its own."""
    facts = {
        "a/m": Facts(Limits(tokens=[Rate(MOST, 60.0)]), counting=INPUT_ALONE),
        "b/m": Facts(counting=BURNING),
    }
    world = World("a/m", "b/m", facts=facts)
    sends = [world.send(input_tokens=1000) for _ in range(5)]
    assert [send.target for send in sends] == ["a/m"] * 4 + ["b/m"]
    world.close()


class Step(NamedTuple):
    """Seconds pass, a request comes with so much of each; so many requests later, its answer."""

    passes: int
    input: int
    bound: int | None
    written: int
    cached: int
    later: int


steps = st.lists(
    st.builds(
        Step,
        st.integers(0, 40),
        st.integers(1, 1500),
        st.none() | st.integers(1, 900),
        st.integers(0, 900),
        st.integers(0, 1500),
        st.integers(0, 4),
    ),
    max_size=40,
)


class Provider:
    """Counts for itself, the slow way: who came when, and what is charged for it by now."""

    def __init__(self, counting: Counting, limit: int) -> None:
        self.counting = counting
        self.limit = limit
        self.charged: dict[int, tuple[float, int]] = {}

    def up_front(self, step: Step) -> int:
        bound = step.bound
        match self.counting.charge:
            case Charge.WRITTEN | Charge.NOTHING:
                return step.input
            case Charge.LARGER:
                return max(step.input, bound or 0)
            case Charge.WHOLE:
                return step.input + (bound or 0)
            case Charge.BOUND:
                return step.input + (MOST if bound is None else bound)

    def in_the_end(self, step: Step) -> int:
        read = step.input if self.counting.cached else max(0, step.input - step.cached)
        match self.counting.charge:
            case Charge.WRITTEN | Charge.BOUND:
                return read + self.counting.times * step.written
            case Charge.NOTHING:
                return read
            case _:
                return self.up_front(step)

    def takes(self, number: int, step: Step, now: float) -> bool:
        used = sum(units for at, units in self.charged.values() if now - at < 60.0)
        need = self.up_front(step)
        self.charged[number] = now, need
        return used + need <= self.limit or used <= 0


@settings(max_examples=150)
@given(st.sampled_from([AS_WRITTEN, UNCACHED, WHOLE, LARGER, INPUT_ALONE, BURNING]), steps)
def test_whom_we_admit_a_provider_that_counts_so_admits_as_well(
    counting: Counting, steps: list[Step]
) -> None:
    """It may let one go that is larger than its limit when it has counted nothing; so do we."""
    limit = 6000
    quota, provider = Quota(Limits(tokens=[Rate(limit, 60.0)])), Provider(counting, limit)
    open_: dict[int, tuple[int, Step, Note]] = {}
    now = 0.0
    for number, step in enumerate(steps):
        now += step.passes
        for other in [n for n, (end, _, _) in open_.items() if end <= number]:
            _, was, note = open_.pop(other)
            report = Report(
                Outcome.OK,
                input_tokens=was.input,
                output_tokens=was.written,
                cached_tokens=min(was.cached, was.input),
            )
            quota.settle(counting.settled(note, report, now))
            provider.charged[other] = provider.charged[other][0], provider.in_the_end(was)
        need = counting.reserved(step.input, step.written, step.bound)
        if quota.refused(need, now) is None:
            note = reservation(need, now)
            quota.take(note)
            open_[number] = number + step.later, step, note
            assert provider.takes(number, step, now)
