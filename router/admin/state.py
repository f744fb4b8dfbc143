"""What the admin listener's pages read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from router.config import Config
from router.runtime import Runtime
from router.telemetry.counters import Counters
from router.telemetry.decisions import Decisions

if TYPE_CHECKING:
    from router.force import Force
    from router.quota.together import Together
    from router.shadow.shadows import Shadows


class State:
    """What the pages read; the application keeps it true. `errors` are those of the last file
    that was refused, empty when the file in `force` is the newest; it was `tried` last at that
    instant. `changes` are what the last reload changed, in words. `running` counts requests under
    way, `dropped` the log lines that nobody took; `decisions` is None where no record is made,
    `together` where this instance stands alone; `shadows` have what copies came to.
    """

    def __init__(self, force: Force, counters: Counters, clock: Callable[[], float]) -> None:
        self.force = force
        self.counters = counters
        self.clock = clock
        self.started = clock()
        self.loaded = self.tried = clock()
        self.errors: tuple[str, ...] = ()
        self.changes: tuple[str, ...] = ()
        self.ready = False
        self.decisions: Decisions | None = None
        self.together: Together | None = None
        self.shadows: Shadows | None = None
        self.running: Callable[[], int] = lambda: 0
        self.dropped: Callable[[], int] = lambda: 0

    @property
    def config(self) -> Config:
        """What is in force."""
        return self.force.config

    @property
    def runtime(self) -> Runtime:
        """What requests read of it."""
        return self.force.runtime
