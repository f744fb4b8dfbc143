"""A router that drains has what was asked of it checked as long as there is time, and no longer."""

from __future__ import annotations

import asyncio
from pathlib import Path

from router.testing import Answer, Provider, Silence
from tests.router.cascade.climbers import Climbers, climbers
from tests.router.cascade.test_cascades import AUDITED, CASCADE, DEAR, GOOD

JUDGED = "{checks: [{judge: judges}]}"


async def drained(place: Climbers, judge: Provider) -> str:
    """What the client is told whose answer is judged while the router drains."""
    asked = asyncio.create_task(place.chat())
    while not judge.requests:  # noqa: ASYNC110 - a test looks from outside
        await asyncio.sleep(0.005)
    await place.router.app.drain(announce=False)
    told = await asked
    assert told.status == 200, told.body
    assert told.told["choices"][0]["message"]["content"] == "that way"
    return told.headers[CASCADE]


async def test_a_check_under_way_ends_within_the_drain(tmp_path: Path) -> None:
    server, late = "drain: {announce: 0s, wait: 5s}", Answer("YES").delayed(0.2)
    async with climbers(tmp_path, GOOD, DEAR, late, cascade=JUDGED, server=server) as place:
        assert await drained(place, place.judge) == "accepted"


async def test_who_waits_for_a_check_when_the_drain_ends_gets_the_best_there_is(
    tmp_path: Path,
) -> None:
    server = "drain: {announce: 0s, wait: 50ms}"
    async with climbers(tmp_path, GOOD, DEAR, Silence(), cascade=JUDGED, server=server) as place:
        assert await drained(place, place.judge) == "best; cheap/m=draining"


async def test_audits_end_when_a_drain_begins(tmp_path: Path) -> None:
    server, late = "drain: {announce: 200ms, wait: 5s}", Silence()
    async with climbers(tmp_path, GOOD, late, cascade=AUDITED, server=server) as place:
        await place.chat()
        while not place.dear.requests:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
        draining = asyncio.create_task(place.router.app.drain(announce=True))
        page = await place.settled(1)
        assert page["not_audited"] == {"draining": 1}
        await place.chat()
        await draining
        assert len(place.dear.requests) == 1
