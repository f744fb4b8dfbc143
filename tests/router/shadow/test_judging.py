"""A judge may say anything, fail, or hang: what it says is a score, or why there is none."""

import asyncio
import threading
import time
from contextlib import suppress
from typing import Self

import pytest

from router.shadow import Judged, Said
from router.shadow.judging import MOST_THREADS, Judging, NoScore

PAIR = Judged("chat", {"messages": []}, Said("a"), Said("b"))


async def score(judge, patience=5.0):
    return await Judging(asyncio.get_running_loop(), patience).score(judge, PAIR)


async def test_a_function_is_asked_in_a_thread():
    asked = []

    def judge(pair):
        asked.append((pair, threading.current_thread()))
        return 0.5

    assert await score(judge) == 0.5
    [(pair, thread)] = asked
    assert pair is PAIR
    assert thread is not threading.main_thread()


async def test_a_coroutine_is_awaited():
    async def judge(pair):
        await asyncio.sleep(0)
        return -1 if pair.shadow.text == "b" else 1

    assert await score(judge) == -1.0


@pytest.mark.parametrize("told", [None, "good", True, 1.5, float("nan"), float("inf"), -2, [0]])
async def test_what_is_no_score_is_none(told):
    with pytest.raises(NoScore, match="it said"):
        await score(lambda _: told)


async def test_what_it_raises_and_where_is_why_there_is_none_and_no_text_is_quoted():
    def judge(pair):
        raise KeyError("no key")

    async def judge_later(pair):
        raise OSError("nobody there")

    with pytest.raises(NoScore, match=r"^KeyError at test_judging.py:\d+"):
        await score(judge)
    with pytest.raises(NoScore, match=r"^OSError at test_judging.py:\d+"):
        await score(judge_later)


async def test_one_that_hangs_is_left_alone_and_the_loop_goes_on():
    over = threading.Event()

    async def hangs(pair):
        await asyncio.sleep(60)

    began = time.monotonic()
    with pytest.raises(NoScore, match="did not answer within"):
        await score(hangs, 0.05)
    with pytest.raises(NoScore, match="did not answer within"):
        await score(lambda _: over.wait(5), 0.05)
    assert time.monotonic() - began < 2
    over.set()


async def test_of_those_that_hang_in_threads_there_are_few():
    judging = Judging(asyncio.get_running_loop(), 0.1)
    over = threading.Event()
    asked = [judging.score(lambda _: over.wait(5), PAIR) for _ in range(MOST_THREADS + 3)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sum("at work, or hang" in str(one) for one in told) == 3
    over.set()
    for _ in range(200):
        if judging._threads == 0:
            break
        await asyncio.sleep(0.005)
    assert await judging.score(lambda _: 0, PAIR) == 0


class Deaf:
    """A judge that goes on, however often it is cut off, until it is `over`."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.running = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over.set()
        while self.running:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.005)

    async def judge(self, pair: object) -> int:
        self.running += 1
        while not self.over.is_set():
            with suppress(asyncio.CancelledError):
                await self.over.wait()
        self.running -= 1
        return 1


async def test_a_coroutine_that_goes_on_when_it_is_cut_off_is_left_alone_too_and_there_are_few():
    judging = Judging(asyncio.get_running_loop(), 0.05)
    async with Deaf() as deaf, asyncio.timeout(2):
        asked = [judging.score(deaf.judge, PAIR) for _ in range(MOST_THREADS)]
        for told in await asyncio.gather(*asked, return_exceptions=True):
            assert "goes on although it was cut off" in str(told)
        assert deaf.running == MOST_THREADS
        with pytest.raises(NoScore, match="of it go on although they were cut off"):
            await judging.score(deaf.judge, PAIR)
        assert deaf.running == MOST_THREADS
    assert await judging.score(later, PAIR) == 0


async def later(_: object) -> int:
    await asyncio.sleep(0)
    return 0


async def test_who_asks_one_that_goes_on_can_leave_and_the_loop_can_end():
    async with Deaf() as deaf, asyncio.timeout(2):
        asking = asyncio.create_task(score(deaf.judge))
        while not deaf.running:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert deaf.running
        # These are all that whoever ends the loop waits for.
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_one_that_is_cut_off_may_tidy_up():
    tidied = []

    async def judge(_: object) -> int:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            tidied.append(1)
        return 0

    with pytest.raises(NoScore, match=r"did not answer within 0.05 s$"):
        await score(judge, 0.05)
    assert tidied == [1]


async def test_one_that_is_cancelled_by_its_own_doing_has_not_said_and_nobody_else_is_cancelled():
    async def judge(_):
        raise asyncio.CancelledError

    with pytest.raises(NoScore, match="cancelled by itself"):
        await score(judge)
    asking = asyncio.create_task(score(lambda _: time.sleep(0.05)))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
