"""Levels of what a provider says is left, whatever it says."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Headroom, Limits, Measurement, Rate
from policies.engine.limits.levels import Levels, to_microseconds
from policies.engine.limits.notes import refund, reservation
from policies.engine.limits.quota import Quota

DAY = 86_400.0
NEEDS = tuple((units, units, units) for units in (1, 50, 5000, 20_000))
PARTS = (None, lambda _: 0, lambda _: 1, lambda limit: limit // 2)


def drawn(rng: Random) -> Headroom:
    return Headroom(
        rng.choice(("requests", "tokens", "input")),
        rng.choice((0, 1, 5, 100)),
        rng.choice((None, 1, 10, 100, 10_000)),
        rng.choice((None, 0, 1, 60, 3600, DAY)),
        rng.choice((None, 60.0, DAY)),
    )


@pytest.mark.parametrize("seed", range(150))
def test_whatever_was_said_starves_nobody_for_longer_than_its_span_and_a_debt(seed: int) -> None:
    rng, now = Random(seed), 1000.0
    quota = Quota(Limits((Rate(100, 60.0),), (Rate(10_000, 60.0),)), Levels())
    under_way = []
    for _ in range(rng.randrange(60)):
        now += rng.choice((0, 0.01, 0.3, 2, 20, 70))
        need, draw = rng.choice(NEEDS), rng.random()
        if draw < 0.4 and quota.refused(need, now) is None:
            under_way.append(note := reservation(need, now))
            quota.take(note)
        elif draw < 0.6 and under_way:
            quota.settle(refund(under_way.pop(rng.randrange(len(under_way))), now))
        elif draw < 0.8:
            quota.observe(Measurement((drawn(rng),)), now - rng.choice((0, 0.5, 3)), now)
        elif draw < 0.9:
            quota.throttled(reservation(need, now), now - 0.1, now)
        else:
            quota.confine(rng.choice(PARTS), now)
    for note in under_way:
        quota.settle(refund(note, now))
    quota.confine(None, now)
    assert quota.refused(NEEDS[0], now + 3 * DAY) is None


def test_a_limit_that_cannot_be_true_is_over_with_its_time() -> None:
    quota = Quota(Limits(), Levels())
    quota.take(reservation(NEEDS[3], 0.0))
    said = Headroom("tokens", 0, 1, None, DAY)
    quota.observe(Measurement((said,)), -1.0, 1.0)  # of one token a day, and 20,000 are under way
    assert quota.refused(NEEDS[0], DAY) is not None
    assert quota.refused(NEEDS[0], 2 * DAY + 2.0) is None


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), min_size=1, max_size=60))
def test_what_is_read_together_leaves_no_more_and_hardly_less(steps: list[tuple[int, int]]) -> None:
    said = Measurement((Headroom("tokens", 6000, 6000, 0.0),))
    together, apart = Levels(), Levels()
    now = 0.0
    for levels in (together, apart):
        levels.observe(said, Limits(), -1.0, now)
    for gap, units in steps:
        now += gap / 1000
        for levels in (together, apart):
            levels.take(reservation((units, units, 0), now))
        apart.look(to_microseconds(now))
    left, exactly = (levels.room("tokens", to_microseconds(now)) for levels in (together, apart))
    assert exactly - 6000 / 600 - 1 <= left <= exactly
