from collections.abc import Callable, Iterator
from itertools import pairwise
from math import exp
from random import Random
from statistics import fmean, median, pstdev

import pytest

from policies.simulate import CODE, CONVERSATION, Arrival, Lengths, bursts, poisson

Coming = Callable[[float, float, Random], Iterator[Arrival]]


def gaps(arrivals: list[Arrival]) -> list[float]:
    instants = [arrival.at for arrival in arrivals]
    return [after - before for before, after in pairwise(instants)]


def variation(arrivals: list[Arrival]) -> float:
    return pstdev(gaps(arrivals)) / fmean(gaps(arrivals))


def test_independent_arrivals_come_at_the_rate_asked_for():
    count = len(list(poisson(50.0, 400.0, Random(1))))
    assert abs(count - 20_000) <= 3 * 20_000**0.5


def test_independent_arrivals_vary_as_much_as_their_mean():
    assert variation(list(poisson(50.0, 400.0, Random(2)))) == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("asked", [4.0, 13.0])
def test_bursts_have_the_rate_and_the_variation_asked_for(asked: float):
    arrivals = list(bursts(100.0, 1000.0, Random(3), variation=asked))
    assert abs(len(arrivals) - 100_000) <= 3 * asked * 100_000**0.5
    assert variation(arrivals) == pytest.approx(asked, rel=0.15)


@pytest.mark.parametrize("lengths", [CONVERSATION, CODE])
def test_lengths_have_the_medians_they_were_fitted_with(lengths: Lengths):
    rng = Random(4)
    drawn = [lengths.draw(rng) for _ in range(20_000)]
    half = 0.5  # a token is whole
    assert median(tokens for tokens, _ in drawn) == pytest.approx(
        exp(lengths.input_mu), rel=0.04, abs=half
    )
    assert median(tokens for _, tokens in drawn) == pytest.approx(
        exp(lengths.output_mu), rel=0.04, abs=half
    )


def test_no_request_is_without_tokens():
    rng = Random(5)
    tiny = Lengths(-9.0, 0.1, -9.0, 0.1)
    assert {tiny.draw(rng) for _ in range(100)} == {(1, 1)}


@pytest.mark.parametrize("come", [poisson, bursts])
class TestBoth:
    def test_arrivals_are_in_order_and_within_the_time_asked_for(self, come: Coming):
        instants = [arrival.at for arrival in come(20.0, 50.0, Random(6))]
        assert instants == sorted(instants)
        assert instants[0] >= 0.0
        assert instants[-1] < 50.0

    def test_the_same_seed_gives_the_same_arrivals(self, come: Coming):
        first = list(come(20.0, 50.0, Random(7)))
        assert first == list(come(20.0, 50.0, Random(7)))

    def test_another_seed_gives_others(self, come: Coming):
        assert list(come(20.0, 50.0, Random(8))) != list(come(20.0, 50.0, Random(9)))


def test_requests_are_streamed_unless_asked_otherwise():
    assert all(arrival.stream for arrival in poisson(5.0, 10.0, Random(10)))
    assert not any(arrival.stream for arrival in poisson(5.0, 10.0, Random(10), stream=False))
