"""The script's arithmetic is that of the engine: the same histories get the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.limits.keeping import Windows
from policies.engine.limits.resets import Calendar
from policies.engine.limits.windows import CELLS, Slices, Window
from tests.router.quota.servers import server

ROOT = Path(__file__).parents[3]
SCRIPT = (ROOT / "router" / "quota" / "quota.lua").read_text()
CLOCKED = SCRIPT.replace("redis.call('TIME')", "{ARGV[2], ARGV[3]}")
"""The same with a clock that the test moves."""
LEASE = 15_000_000
START = 1_790_000_000_000_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with server(tmp_path_factory.mktemp("valkey")) as url, redis.Redis.from_url(url) as client:
        client.ping()
        yield client


class Step(NamedTuple):
    """Microseconds that pass, units that are wanted, and by how much the last but so many is
    corrected.
    """

    passes: int
    units: int
    back: int
    correction: int


def call(client: redis.Redis, now: int, limit: Any, settlements: Any, reservations: Any) -> Any:
    asked = msgspec.msgpack.encode(["me", LEASE, [limit], settlements, reservations])
    clock = (now // 1_000_000, now % 1_000_000)
    told = client.eval(CLOCKED, 1, "{pm:t}:limit", asked, *clock)
    return msgspec.msgpack.decode(told)


def agree(client: redis.Redis, limit: Any, own: Windows, steps: list[Step]) -> None:
    client.flushall()
    now, taken = START, [(START, 0)]
    for step in steps:
        now += step.passes
        at, units = taken[-1 - step.back % len(taken)]
        more = max(step.correction, -units) if step.correction < 0 else step.correction
        settlements = [[1, more, at]] if more else []
        told = call(client, now, limit, settlements, [[[[1, step.units]]]])
        if more:
            own.correct(more, at, now)
        assert told[0] == now
        wait = own.wait(step.units, now)
        if not wait:
            own.take(step.units, now)
            taken.append((now, step.units))
        assert told[1] == [[0 if wait else 1, [[wait]], [own.spare(now)]]]


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from([0, 1, 999, 16_666, 1_000_000, 1_000_001, 30_000_000, 61_000_000])
        | st.integers(0, 70_000_000),
        st.integers(1, 40) | st.sampled_from([100, 150]),
        st.integers(0, 4),
        st.integers(-40, 40),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([1.0, 60.0, 3600.0]), st.integers(1, 100), steps)
def test_windows_agree(client: redis.Redis, seconds: float, most: int, steps: list[Step]) -> None:
    width = max(1, round(seconds * 1_000_000) // CELLS)
    agree(client, [1, most, width, 0], Window(most, seconds), steps)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([1.0, 10.0]), st.integers(1, 600), steps)
def test_slices_agree(client: redis.Redis, slice_: float, most: int, steps: list[Step]) -> None:
    limit = [2, most, 60_000_000, round(slice_ * 1_000_000)]
    agree(client, limit, Slices(most, 60.0, slice_), steps)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([60, 86_400]), st.integers(1, 100), st.integers(1, 59), steps)
def test_calendars_agree(
    client: redis.Redis, seconds: int, most: int, left: int, steps: list[Step]
) -> None:
    resets = START // 1_000_000 + left
    limit = [4, most, seconds * 1_000_000, resets * 1_000_000]
    agree(client, limit, Calendar(most, seconds, resets), steps)


@pytest.mark.parametrize("moved", [-3600, 0, 3600])
def test_a_reset_that_clocks_have_moved_is_the_same_for_the_fleet(
    client: redis.Redis, moved: int
) -> None:
    client.flushall()
    day, resets = 86_400_000_000, START + 7_200_000_000
    own = Calendar(5, 86_400.0, resets / 1_000_000)
    for now, end in ((START, resets), (START + 9, resets + moved * 1_000_000)):
        own.aim(end / 1_000_000)
        told = call(client, now, [4, 5, day, end], [], [[[[1, 4]]]])
        wait = own.wait(4, now)
        assert told[1][0][:2] == [0 if wait else 1, [[wait]]]
        if not wait:
            own.take(4, now)
    now = resets + moved * 1_000_000
    assert call(client, now, [4, 5, day, now + day], [], [[[[1, 5]]]])[1][0][0] == 1


SECOND = 1_000_000
BY_THE_MINUTE = {
    "window": [1, 10, SECOND, 0],
    "slices": [2, 10, 60 * SECOND, 60 * SECOND],
    "places": [3, 10, 0, 0],
}


def admitted(client: redis.Redis, now: int, kind: str, wanted: int = 1) -> int:
    told = call(client, now, BY_THE_MINUTE[kind], [], [[[[1, wanted]]]])
    taken: int = told[1][0][0]
    return taken


@pytest.mark.parametrize("kind", ["window", "slices"])
@pytest.mark.parametrize("back", [1, 30, 3600, 90_000])
def test_a_clock_that_steps_back_admits_no_more_and_holds_for_a_minute_at_most(
    client: redis.Redis, kind: str, back: int
) -> None:
    client.flushall()
    assert admitted(client, START, kind, 10)
    now = START - back * SECOND
    assert not admitted(client, now, kind)
    assert not admitted(client, now + 5 * SECOND, kind)
    assert admitted(client, now + 62 * SECOND, kind, 10)


@pytest.mark.parametrize("kind", ["window", "slices"])
def test_a_clock_that_leaps_ahead_forgets_a_minute_and_no_more(
    client: redis.Redis, kind: str
) -> None:
    client.flushall()
    assert admitted(client, START, kind, 10)
    ahead = START + 3600 * SECOND
    assert admitted(client, ahead, kind, 10)
    assert not admitted(client, ahead, kind)
    assert not admitted(client, START, kind)  # and back again
    assert admitted(client, START + 62 * SECOND, kind, 10)


def test_places_are_not_lost_by_a_clock_that_steps_back(client: redis.Redis) -> None:
    client.flushall()
    assert admitted(client, START, "places")
    for back in (1, 3600):
        assert admitted(client, START - back * SECOND, "places")
