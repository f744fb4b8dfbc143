from pickle import dumps, loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import (
    Facts,
    LeastLatency,
    Limits,
    Outcome,
    Phase,
    Price,
    Rate,
    Report,
    Retry,
    Route,
    Target,
)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), float("-inf")])
def test_a_weight_is_zero_or_a_finite_number_above(weight: float) -> None:
    with pytest.raises(ValueError, match="a/m"):
        Target("a/m", weight)


def test_a_target_is_named_once_in_a_route() -> None:
    with pytest.raises(ValueError, match="b/m is named twice"):
        Route([Target("a/m"), Target("b/m"), Target("b/m", tier=1)])


def test_the_default_policy_is_least_latency() -> None:
    assert Route([Target("a/m")]).policy == LeastLatency()
    assert Route([Target("a/m")]).retry == Retry(attempts=3, budget=0.2)


def test_limits_are_true_when_any_of_them_binds() -> None:
    assert not Limits()
    assert Limits([Rate(1, 1.0)])
    assert Limits(tokens=[Rate(1, 1.0)])
    assert Limits(concurrent=0)


def test_what_configures_the_engine_is_immutable() -> None:
    for value, name in ((Target("a/m"), "weight"), (Facts(), "context"), (Retry(), "attempts")):
        with pytest.raises(AttributeError):
            setattr(value, name, 1)


USED = Report(Outcome.OK, input_tokens=100, output_tokens=10)


@pytest.mark.parametrize(
    ("price", "report", "cost"),
    [
        (Price(10, 50), USED, 1500),
        (Price(10, 50), USED._replace(cached_tokens=90, stored_tokens=10), 1500),
        (Price(10, 50, 1), USED._replace(cached_tokens=90), 690),
        (Price(10, 50, 1, 20), USED._replace(cached_tokens=60, stored_tokens=30), 1260),
        (Price(10, 50, 1, 20, 30), USED._replace(stored_tokens=30, hour_tokens=10), 1900),
        (Price(10, 50), USED._replace(output_tokens=None), None),
        (Price(10, 50), Report(Outcome.FAILED, Phase.HEAD), None),
        (Price(10, 50), Report(Outcome.ABANDONED, Phase.CONNECT), 0),
        (Price(10, 50, served={"flex": Price(5, 25)}), USED._replace(service_tier="flex"), 750),
        (Price(10, 50, served={"fast": None}), USED._replace(service_tier="fast"), None),
        (Price(10, 50, served={"fast": None}), USED._replace(service_tier="odd"), 1500),
    ],
)
def test_an_attempt_costs_what_was_read_and_written_by_what_is_known(
    price: Price, report: Report, cost: int | None
) -> None:
    assert price.cost(report) == cost


@given(st.tuples(*[st.integers(0, 1000)] * 5), st.tuples(*[st.integers(0, 50)] * 5))
def test_whatever_a_provider_counts_nobody_is_paid_for_asking(
    tokens: tuple[int, ...], prices: tuple[int, ...]
) -> None:
    read, written, cached, stored, hour = tokens
    report = Report(
        Outcome.OK,
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached,
        stored_tokens=stored,
        hour_tokens=hour,
    )
    given, output, read_again, kept, long = prices
    cost = Price(given, output, read_again, kept, long).cost(report)
    assert cost is not None
    assert min(prices) * (read + written) <= cost <= max(prices) * (read + written)


def test_what_configures_the_engine_goes_to_another_process() -> None:
    """Simulations of many runs and plans are made in several."""
    price = Price(100, 300, served={"flex": Price(50, 150)})
    for one in (Price(100, 300), price):
        assert loads(dumps(one)) == one  # noqa: S301 - its own words
