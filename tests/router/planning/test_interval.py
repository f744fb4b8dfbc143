"""How sure a difference is: nothing is seen where there is nothing, and what is there is seen."""

from functools import cache
from itertools import chain
from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planning.interval import LEAST_BEYOND, Change, Figure, change, quantile, ratio

BLOCKS = 40
counts = st.lists(st.integers(0, 50), min_size=BLOCKS, max_size=BLOCKS)
waits = st.lists(
    st.lists(st.floats(0.0, 100.0), max_size=20).map(sorted), min_size=BLOCKS, max_size=BLOCKS
)


def spread_out(share: float, blocks: list[list[float]]) -> Figure | None:
    return quantile(share, sorted(chain.from_iterable(blocks)), blocks)


@given(numerators=counts, denominators=counts)
def test_what_blocks_contribute_to_the_error_of_a_ratio_adds_up_to_none(
    numerators: list[int], denominators: list[int]
) -> None:
    figure = ratio(numerators, denominators)
    if figure is None:
        assert not any(denominators)
    else:
        assert figure.value == sum(numerators) / sum(denominators)
        assert abs(sum(figure.blocks)) < 1e-9 * max(1.0, figure.value)


@given(blocks=waits, share=st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_one_of_the_values_and_as_many_as_it_says_are_below(
    blocks: list[list[float]], share: float
) -> None:
    values = sorted(value for block in blocks for value in block)
    figure = spread_out(share, blocks)
    if figure is None:
        assert len(values) * min(share, 1 - share) < LEAST_BEYOND
        return
    assert figure.value in values
    below = sum(value < figure.value for value in values)
    upto = sum(value <= figure.value for value in values)
    assert below <= share * len(values) <= upto


@given(blocks=waits)
def test_the_same_runs_differ_by_nothing_at_all_and_for_certain(blocks: list[list[float]]) -> None:
    figure = spread_out(0.99, blocks)
    told = change(figure, figure)
    if told is not None:
        assert (told.difference, told.half, told.seen) == (0.0, 0.0, False)


def test_without_a_value_on_either_side_there_is_no_change() -> None:
    figure = Figure(1.0, (0.0,) * BLOCKS)
    assert change(None, figure) is None
    assert change(figure, None) is None
    assert ratio([0], [0]) is None
    assert spread_out(0.5, [[]]) is None


def day(
    rng: Random, failing: float, factor: float = 1.0
) -> tuple[list[int], list[int], list[list[float]]]:
    """Blocks of a day on which load, errors and waits rise and fall."""
    requests, errors, spread = [], [], []
    for block in range(BLOCKS):
        busy = 1.0 + block * (BLOCKS - block) / 100
        many = round(40 * busy)
        requests.append(many)
        errors.append(sum(rng.random() < failing * busy for _ in range(many)))
        spread.append(sorted(factor * busy * rng.lognormvariate(0.0, 0.5) for _ in range(many)))
    return requests, errors, spread


def differences(seed: int, failing: float, factor: float) -> dict[str, Change]:
    rng = Random(seed)
    (requests, errors, spread), (_, more, wider) = day(rng, 0.02), day(rng, failing, factor)
    found = {
        "errors": change(ratio(errors, requests), ratio(more, requests)),
        "p50": change(spread_out(0.5, spread), spread_out(0.5, wider)),
        "p99": change(spread_out(0.99, spread), spread_out(0.99, wider)),
    }
    return {name: one for name, one in found.items() if one is not None}


@cache
def nothing() -> list[dict[str, Change]]:
    """Days beside days that only chance tells apart."""
    return [differences(seed, 0.02, 1.0) for seed in range(240)]


@pytest.mark.parametrize("figure", ["errors", "p50", "p99"])
def test_where_nothing_but_chance_differs_a_difference_is_seen_in_one_case_of_twenty(
    figure: str,
) -> None:
    seen = sum(told[figure].seen for told in nothing())
    assert 2 <= seen <= 24, seen


@pytest.mark.parametrize("figure", ["errors", "p50", "p99"])
def test_what_truly_differs_is_seen_though_the_day_goes_up_and_down(figure: str) -> None:
    assert all(differences(seed, 0.04, 1.25)[figure].seen for seed in range(30))


def modes(rng: Random, slow: float) -> list[list[float]]:
    """Blocks of waits of which more than half are short, and the others eight times as long."""
    return [
        sorted(rng.uniform(0.9, 1.1) * (8.0 if rng.random() < slow else 1.0) for _ in range(500))
        for _ in range(BLOCKS)
    ]


def test_a_median_that_moves_within_the_shorter_of_two_kinds_of_waits_is_seen() -> None:
    seen = []
    for seed in range(20):
        rng = Random(seed)
        told = change(spread_out(0.5, modes(rng, 0.1)), spread_out(0.5, modes(rng, 0.43)))
        assert told is not None
        seen.append(told.seen and 0.02 < told.difference < 0.1)
    assert all(seen)


def test_a_difference_without_any_scatter_is_seen_and_rounding_is_none() -> None:
    assert Change(1.0, 2.0, 0.0).seen
    assert not Change(0.1 + 0.2, 0.3, 0.0).seen
    assert not Change(1.0, 2.0, inf).seen
    assert (Change(1.0, 3.0, 0.5).low, Change(1.0, 3.0, 0.5).high) == (1.5, 2.5)
