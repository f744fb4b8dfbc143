"""Waits for something that may take long, and does something else each time it has taken so long.

It stands apart from requests on their way, since it ends what it waits for when it is cut off.
"""

from __future__ import annotations

from asyncio import ensure_future, wait
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def meanwhile(
    doing: Awaitable[T], patience: Callable[[], float], say: Callable[[], Awaitable[None]]
) -> T:
    """What comes of `doing`. Whenever it has not come within so many seconds, `say` is called.
    Whatever is raised here, by `say` or from outside, ends it.
    """
    done = ensure_future(doing)
    try:
        while True:
            if (await wait({done}, timeout=max(0.0, patience())))[0]:
                return done.result()
            await say()
    finally:
        if not done.done():
            done.cancel()
            await wait({done})
