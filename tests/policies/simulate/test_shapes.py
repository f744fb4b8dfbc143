"""Traffic by name is what its name says, from a seed."""

from itertools import pairwise
from random import Random
from statistics import fmean, pstdev

import pytest

from policies.simulate.shapes import SHAPES

RATE, COUNT = 20.0, 6000


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_gives_as_many_requests_as_are_asked_for_in_order_and_about_as_often(
    name: str,
) -> None:
    arrivals = list(SHAPES[name](RATE, COUNT, Random(1)))
    assert len(arrivals) == COUNT
    assert arrivals == sorted(arrivals, key=lambda each: each.at)
    assert COUNT / arrivals[-1].at == pytest.approx(RATE, rel=0.35)
    assert all(each.input_tokens > 0 and each.output_tokens > 0 for each in arrivals)
    assert arrivals == list(SHAPES[name](RATE, COUNT, Random(1)))
    assert arrivals != list(SHAPES[name](RATE, COUNT, Random(2)))


def gaps(name: str) -> list[float]:
    arrivals = list(SHAPES[name](RATE, COUNT, Random(1)))
    return [after.at - before.at for before, after in pairwise(arrivals)]


def test_bursts_vary_far_more_than_steady_traffic() -> None:
    assert pstdev(gaps("steady")) / fmean(gaps("steady")) == pytest.approx(1.0, abs=0.1)
    assert pstdev(gaps("bursty")) / fmean(gaps("bursty")) > 5.0


def test_an_office_is_busy_by_day() -> None:
    arrivals = list(SHAPES["office-hours"](RATE, COUNT, Random(1)))
    day = COUNT / RATE
    hours = [int(each.at / day * 24) for each in arrivals]
    assert hours.count(10) > 10 * max(1, hours.count(3))


def test_an_agent_reads_more_with_every_call() -> None:
    one = [each.input_tokens for each in SHAPES["agents"](0.01, 12, Random(4))]
    assert max(one) > 2 * min(one)
