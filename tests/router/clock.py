"""Time for tests: it stands still while anything can run, and jumps when nothing can.

So a test of a wait of two minutes takes no time, and two things a microsecond apart happen in
their order. No sockets: what comes from outside cannot be waited for in such a time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from math import inf, nextafter
from typing import Any, ParamSpec

P = ParamSpec("P")


class Stuck(AssertionError):
    """Everyone waits, and nothing will ever happen."""


class _Jump(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Stuck("everyone waits, and nothing will ever happen")
            if timeout > 0:
                # Rounding must not end a jump just before the timer that it was made for.
                self.now = nextafter(self.now + timeout, inf)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on such a time, which begins at 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def in_virtual_time(scenario: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a test of a scenario; it must leave no task behind."""

    @wraps(scenario)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def whole() -> None:
            await scenario(*args, **kwargs)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(whole())

    return run


def now() -> float:
    """The time of the running loop."""
    return asyncio.get_running_loop().time()
