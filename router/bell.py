"""The one thing a request waits on.

Whatever may concern a request (bytes from a provider, a word from the engine, a drain) rings
its bell, and the request looks at everything it has open. So there is no task per attempt and
none per chunk, and nothing can be missed: a ring before the wait makes the wait return at once.
"""

from __future__ import annotations

import asyncio


class Bell:
    """Rung by anyone, waited on by one."""

    __slots__ = ("_armed_for", "_future", "_loop", "_rung", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung = False
        self._future: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def ring(self) -> None:
        """Wake whoever waits, or the next who does. Only schedules."""
        self._rung = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self, until: float) -> None:
        """Return when rung, or at `until` (on the loop's clock) at the latest; may return early."""
        if not self._rung:
            # A timer that fires too early costs one look; one for every wait would cost more.
            if self._timer is None or self._armed_for > until:
                self._arm(until)
            self._future = self._loop.create_future()
            try:
                await self._future
            finally:
                self._future = None
        self._rung = False

    def close(self) -> None:
        """Drop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(until, self._time_over)
        self._armed_for = until

    def _time_over(self) -> None:
        self._timer = None
        self.ring()
