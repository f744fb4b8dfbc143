"""Checks that ask somebody take turns, and end in time for what comes after them."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from router.cascade.checking import MOST_JUDGES
from router.testing import Answer, Silence
from tests.router.cascade.climbers import climbers
from tests.router.cascade.test_cascades import CASCADE, DEAR, GOOD

JUDGED = "{checks: [{judge: judges}]}"
BLOCKS = """
import asyncio
import time

async def slow(answered):
    time.sleep(0.3)
    return False

async def cancelled(answered):
    raise asyncio.CancelledError
"""


async def test_so_many_are_judged_at_once_and_the_others_have_their_turn(tmp_path: Path) -> None:
    late, asked = Answer("YES").delayed(0.3), MOST_JUDGES + 4
    async with climbers(tmp_path, GOOD, DEAR, late, cascade=JUDGED) as place:
        waiting = [asyncio.create_task(place.say()) for _ in range(asked)]
        while len(place.cheap.requests) < asked:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert len(place.judge.requests) == MOST_JUDGES
        assert Counter(await asyncio.gather(*waiting)) == {"that way": asked}
        assert len(place.judge.requests) == asked


async def test_who_waits_too_long_for_a_turn_has_not_passed(tmp_path: Path) -> None:
    asked, more = MOST_JUDGES + 4, "deadline: 1s"
    async with climbers(tmp_path, GOOD, DEAR, Silence(), cascade=JUDGED, more=more) as place:
        said = Counter(await asyncio.gather(*(place.say() for _ in range(asked))))
        assert said == {"this way, certainly": asked}
        assert "did not answer within" in (await place.page())["trouble"]


async def test_a_judge_leaves_half_of_the_time_to_the_next_tier(tmp_path: Path) -> None:
    dear, more = DEAR.delayed(0.15), "deadline: 500ms"
    async with climbers(tmp_path, GOOD, dear, Silence(), cascade=JUDGED, more=more) as place:
        told = await place.chat()
        assert told.headers[CASCADE] == "climbed; cheap/m=judge judges"


async def test_a_deadline_that_passes_during_a_check_leaves_the_best_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "blocks.py").write_text(BLOCKS)
    async with climbers(
        tmp_path,
        GOOD,
        DEAR,
        cascade="{checks: ['blocks:slow']}",
        more="deadline: 200ms",
        plugins="blocks",
    ) as place:
        told = await place.chat()
        assert told.status == 200
        assert told.told["choices"][0]["message"]["content"] == "that way"
        assert told.headers[CASCADE] == "best; cheap/m=blocks:slow"
        assert len(place.dear.requests) == 0
    sys.modules.pop("blocks")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_check_that_is_cancelled_by_its_own_doing_is_not_passed_and_cuts_off_no_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "given_up.py").write_text(BLOCKS)
    sys.modules.pop("given_up", None)
    cascade = "{checks: ['given_up:cancelled'], head: 1KiB}"
    async with climbers(tmp_path, GOOD, DEAR, cascade=cascade, plugins="given_up") as place:
        told = await place.chat(stream=stream)
        assert (told.status, b"certainly" in told.body) == (200, True)
        assert "cancelled by itself" in (await place.page())["trouble"]
