"""Whatever a shadow does, production's clients do not notice; and what it may cost holds.

Latencies are compared within one run, since the machine may be anything.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from router.testing import Answer, Reset, Silence, Status
from tests.router.shadowing import Two, two

GOOD = Answer("one two three").delayed(0.02)
REQUESTS = 40
AT_ONCE = 4
MARGIN = 0.1
"""Seconds: providers, router and client are one process here, on a machine with others. Whoever
waited for a shadow would wait for five."""


async def times(pair: Two, stream: bool = False) -> list[float]:
    """Seconds that each of some requests took, sorted."""
    found: list[float] = []

    async def one() -> None:
        began = time.perf_counter()
        told = await pair.chat(stream=stream)
        assert told.status == 200
        assert b"three" in told.body
        found.append(time.perf_counter() - began)

    for _ in range(REQUESTS // AT_ONCE):
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return sorted(found)


async def without(pair: Two) -> None:
    path = pair.router.path
    path.write_text(path.read_text().replace("share: 100%", "share: 0.0001%"))
    await pair.router.app.reload()


WAYS: dict[str, Callable[[], Any]] = {
    "hangs": Silence,
    "fails": lambda: Status(500),
    "resets": Reset,
    "throttles": lambda: Status(429),
    "floods": lambda: Answer("word " * 5_000),
    "dribbles": lambda: Answer("one two three").dribbled(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_shadow_that_does_anything_never_touches_production(tmp_path, way):
    async with two(tmp_path, GOOD, WAYS[way](), more="concurrent: 50") as pair:
        beside = await times(pair)
        pair.router.app._copying.stop()
        alone = await times(pair)
        assert len(pair.production.requests) == 2 * REQUESTS
        assert beside[REQUESTS // 2] < alone[REQUESTS // 2] + MARGIN
        assert pair.shadow.requests


async def test_a_shadow_that_is_down_never_touches_production_and_is_seen_to_be(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        await pair.shadow.down()
        beside = await times(pair)
        page = await pair.settled(REQUESTS)
        assert page["verdict"] == "not safe"
        assert page["shadow"]["outcomes"].keys() == {"failed", "ejected"}
        pair.router.app._copying.stop()
        alone = await times(pair)
        assert beside[REQUESTS // 2] < alone[REQUESTS // 2] + MARGIN


async def test_copies_that_hang_are_few_and_hold_little(tmp_path):
    async with two(tmp_path, GOOD, Silence(), more="concurrent: 3") as pair:
        await times(pair)
        await pair.copied(3)
        page = await pair.page()
        assert (len(pair.shadow.requests), page["running"]) == (3, 3)
        assert page["held"] == {"concurrent": REQUESTS - 3}
        assert pair.router.app._copying.shadows.memory.held < 10_000


async def test_a_flood_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("router.shadow.sinks.MOST_ANSWER", 10_000)
    async with two(tmp_path, GOOD, Answer("word " * 20_000)) as pair:
        await pair.chat(stream=True)
        told = await pair.evidence(1)
        assert told.failed.neither == told.tokens.count == 1
        assert told.characters.count == 0  # nobody knows what it said
        assert pair.router.app._copying.shadows.memory.held == 0


async def test_what_all_copies_hold_is_bounded(tmp_path):
    async with two(tmp_path, GOOD, Silence(), more="concurrent: 50") as pair:
        memory = pair.router.app._copying.shadows.memory
        memory.most = 5_000
        told = await asyncio.gather(*(pair.chat(user="x" * 1_000) for _ in range(20)))
        assert [one.status for one in told] == [200] * 20
        assert memory.held <= 5_000
        held = (await pair.page())["held"]
        assert held["memory"] >= 14


@pytest.mark.parametrize("stream", [True, False])
async def test_nothing_is_held_once_all_is_compared(tmp_path, stream):
    async with two(tmp_path, GOOD, GOOD) as pair:
        for _ in range(5):
            await pair.chat(stream=stream)
        await pair.settled(5)
        assert pair.router.app._copying.shadows.memory.held == 0
        assert pair.router.app._copying.running == 0


async def test_the_rate_holds(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        path = pair.router.path
        path.write_text(path.read_text().replace("rate: 6k/min", "rate: 7/hour"))
        await pair.router.app.reload()
        await times(pair)
        page = await pair.settled(REQUESTS)
        assert len(pair.shadow.requests) == page["pairs"] == 7
        assert page["held"] == {"rate": REQUESTS - 7}


@pytest.mark.parametrize("bound", [{"max_tokens": 50}, {}])
async def test_the_money_holds(tmp_path, bound):
    """A copy costs $0.00001 to $0.0001; what its length may cost is put aside before it is sent."""
    async with two(tmp_path, GOOD, GOOD, more="spend: $0.01/day, concurrent: 50") as pair:
        for _ in range(30):
            await asyncio.gather(*(pair.chat(**bound) for _ in range(20)))
        page = await pair.settled(600)
        assert page["dollars_spent"] <= 0.01
        assert page["held"]["spend"] > 0
        assert page["dollars_left"] == pytest.approx(0.01 - page["dollars_spent"])


async def test_of_a_shadow_without_a_price_nothing_is_copied_and_why_is_said(tmp_path):
    async with two(tmp_path, GOOD, GOOD, provider="preset: openai\n    api_key: k") as pair:
        path = pair.router.path
        head, _, tail = path.read_text().rpartition(" {price: {input: 2, output: 4}}")
        path.write_text(head + tail)
        await pair.router.app.reload()
        assert await pair.router.refused() == []
        await pair.chat()
        page = await pair.settled(1)
        assert (page["held"], page["priced"]) == ({"no price": 1}, False)


async def test_the_last_part_of_a_limit_is_production_s(tmp_path):
    limits = "limits: {requests: 10/hour}"
    async with two(tmp_path, GOOD, GOOD, provider=limits) as pair:
        for _ in range(12):
            await pair.chat()
        page = await pair.settled(12)
        assert (len(pair.shadow.requests), page["held"]) == (8, {"production": 4})
        for _ in range(2):
            assert (await pair.chat(model="shadow/m")).status == 200


async def test_a_copy_never_waits_for_a_place(tmp_path):
    limits = "limits: {concurrent: 100}"
    async with two(tmp_path, GOOD, [Status(429, retry_after=30), GOOD], provider=limits) as pair:
        for _ in range(3):
            await pair.chat()
        page = await pair.settled(3)
        assert page["shadow"]["outcomes"] == {"throttled": 1}
        assert page["held"] == {"room": 2}
        assert pair.router.app.state.runtime.engine.in_flight == 0
