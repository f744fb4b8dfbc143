"""Asks a judge which of two answers is better: a user's function, which may take its time, fail, or
never come back.

Why: only its user knows what a good answer is. Must not: hold up anything: a coroutine is cut off,
a thread is left alone, as is a coroutine that goes on when it was cut off, and beyond a few of
those nobody is asked.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _unregister_task
from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from math import isfinite
from threading import Thread
from typing import Any, TypeVar

from router.shadow.judged import Judge, Judged
from router.telemetry.log import where

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a judgement may take: one may well ask a model."""
MOST_THREADS = 4
"""Judges at work at once that are not coroutines: what hangs in a thread cannot be ended."""
MOST_DEAF = 4
"""Coroutines that go on at once although they were cut off: they cannot be ended either."""
TIDYING = 0.1
"""Seconds that one which was cut off may take to end, before it counts as deaf."""


class NoScore(Exception):
    """The judge did not say; the message says why."""


class Judging:
    """Has judges asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: float = PATIENCE) -> None:
        self._loop, self._patience = loop, patience
        self._threads = 0
        self._deaf: set[asyncio.Task[object]] = set()

    async def score(self, judge: Judge, pair: Judged) -> float:
        """What the judge says, from -1 to 1. Raises `NoScore`."""
        told = await self.ask(judge, pair)
        if isinstance(told, bool) or not isinstance(told, int | float) or not isfinite(told):
            raise NoScore(f"it said a {type(told).__name__}, and no number that is one")
        if not -1 <= told <= 1:
            raise NoScore(f"it said {told:g}, which is not from -1 to 1")
        return float(told)

    async def ask(
        self, judge: Callable[[T], object], given: T, patience: float | None = None
    ) -> object:
        """What a user's function says of what it is `given`, within so many seconds. Raises
        `NoScore` where it does not say.
        """
        patience = self._patience if patience is None else min(patience, self._patience)
        try:
            if iscoroutinefunction(judge):
                return await self._cut_off(judge(given), patience)
            async with asyncio.timeout(patience):
                return await self._in_a_thread(judge, given)
        except NoScore:
            raise
        except TimeoutError:
            raise NoScore(f"it did not answer within {patience:g} s") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise NoScore("it was cancelled by itself") from None  # nobody here did
        except Exception as error:  # a door: a user's judge may raise anything
            # Where, and not what it says, which may quote an answer.
            raise NoScore(f"{type(error).__name__} at {where(error)}") from error

    async def _cut_off(self, judging: Coroutine[Any, Any, object], patience: float) -> object:
        """What it says within so many seconds. Raises `NoScore`, `TimeoutError`, and what it does.
        It has a task of its own: whoever waits for it within theirs waits as long as it likes.
        """
        if len(self._deaf) >= MOST_DEAF:
            judging.close()
            raise NoScore(f"{MOST_DEAF} of it go on although they were cut off")
        task = self._loop.create_task(judging)
        _unregister_task(task)  # nor shall who ends the loop wait for it
        try:
            if not (await asyncio.wait([task], timeout=patience))[0]:
                task.cancel()
                if not (await asyncio.wait([task], timeout=TIDYING))[0]:
                    within = f"it did not answer within {patience:g} s"
                    raise NoScore(f"{within}, and goes on although it was cut off")
                raise TimeoutError
        finally:
            if not task.done():
                task.cancel()
                self._deaf.add(task)
                task.add_done_callback(self._heard)
        return task.result()

    def _heard(self, task: asyncio.Task[object]) -> None:
        self._deaf.discard(task)
        if not task.cancelled():
            task.exception()  # nobody asks for it any more

    async def _in_a_thread(self, judge: Callable[[T], object], given: T) -> object:
        if self._threads >= MOST_THREADS:
            raise NoScore(f"{MOST_THREADS} threads of it are at work, or hang")
        self._threads += 1
        answered: asyncio.Future[object] = self._loop.create_future()

        def work() -> None:
            told: object = None
            failed: NoScore | None = None
            try:
                told = judge(given)
            except BaseException as error:  # noqa: BLE001 - a door: as above, and it may end itself
                # Here, since whoever it is thrown into may not show where it comes from.
                place = where(error) if isinstance(error, Exception) else "its end"
                failed = NoScore(f"{type(error).__name__} at {place}")
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._ended, answered, told, failed)

        # Not of a pool: one that hangs would keep the process from ending.
        Thread(target=work, name="judge", daemon=True).start()
        return await answered

    def _ended(
        self, answered: asyncio.Future[object], told: object, failed: NoScore | None
    ) -> None:
        self._threads -= 1
        if answered.done():
            return
        if failed is None:
            answered.set_result(told)
        else:
            answered.set_exception(failed)
