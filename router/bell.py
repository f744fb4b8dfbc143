"""The one thing a request waits on.

Whatever may concern a request (bytes from a provider, a word from the engine, a drain) rings
its bell, and the request looks at everything it has open. So there is no task per attempt and
none per chunk, and nothing can be missed: a ring before the wait makes the wait return at once.
What can be done without waking anybody, as the next chunk of a stream, is done by whoever rings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from router.stage import NO_TURN


class Bell:
    """Rung by anyone, waited on by one. `woken`: what was said last may no longer hold. `relay`, if
    there is one, does what it can do at once while somebody waits; whether that was all. `rung`:
    the next wait ends at once. `armed_for` is the instant at which a wait ends by itself.
    """

    __slots__ = ("_future", "_loop", "_timer", "armed_for", "relay", "rung", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.woken = False
        self.relay: Callable[[], bool] | None = None
        self.rung = False
        self._future: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.armed_for = 0.0

    def ring(self) -> None:
        """Something has come: have it relayed, or wake whoever waits, or the next who does."""
        relayed, future = False, self._future
        try:
            if self.relay is not None and future is not None and not future.done():
                relayed = self.relay()
        finally:
            if not relayed:
                self._wake()

    def wake(self) -> None:
        """Wake whoever waits, or the next who does: more has changed than what came. Only
        schedules.
        """
        self.woken = True
        self._wake()

    def wait(self, until: float) -> Awaitable[None]:
        """Is over when rung, or at `until` (on the loop's clock) at the latest; may be early."""
        if self.rung:
            self.rung = False
            return NO_TURN
        # A timer that fires too early costs one look; one for every wait would cost more.
        if self._timer is None or self.armed_for > until:
            self._arm(until)
        self._future = future = self._loop.create_future()
        return future

    def clear(self) -> None:
        """Forget everything but the timer, which may serve whoever waits next: one that was dropped
        with every request would be armed with every request.
        """
        self.relay = self._future = None
        self.rung = self.woken = False

    def close(self) -> None:
        """Drop the timer and the relay."""
        self.relay = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(until, self._time_over)
        self.armed_for = until

    def _time_over(self) -> None:
        self._timer = None
        self._wake()

    def _wake(self) -> None:
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(None)
        else:
            self.rung = True
