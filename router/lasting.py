"""Work that must last as long as what it belongs to: a fault in it is told, and it goes on.

Why: a task that ends by an error nobody expected ends silently, and what it looked after is never
looked after again.
Must not: be used for what has an end of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

AGAIN = 1.0
"""Seconds after which it is begun anew."""


def lasting(what: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Do it until it returns or is cancelled. What it raises is told to the loop's handler of
    exceptions; then it is begun anew.
    """
    return asyncio.get_running_loop().create_task(_last(what))


async def _last(what: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            await what()
        except Exception as error:  # noqa: BLE001 - it must not end by what it raises
            loop.call_exception_handler({"message": "it goes on", "exception": error})
            await asyncio.sleep(AGAIN)
        else:
            return
