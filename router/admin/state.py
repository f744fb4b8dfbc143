"""What the admin listener's pages read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from policies import Request
from router.caller import Caller
from router.config import Config
from router.dialects.contract import Call
from router.runtime import Runtime
from router.telemetry.counters import Counters
from router.telemetry.decisions import Decisions

if TYPE_CHECKING:
    from router.building.assembly import Beside
    from router.cascade.cascades import Cascades
    from router.force import Force
    from router.overrides.overrides import Overrides
    from router.shadow.shadows import Shadows
    from router.shifts.shifting import Shifting


class State:
    """What the pages read; the application keeps it true. `errors` are those of the last file
    that was refused, empty when the file in `force` is the newest; it was `tried` last at that
    instant. `kept` are the documents that outlive this process, `overrides` what operators say for
    a while, `shifting` what moves by itself. `changes` are what the last reload changed, in words.
    `foreseen` says what the engine would be asked for a request. `running` counts requests under
    way, `dropped` the log lines that nobody took; `decisions` is None where no record is made,
    `writer` where none goes to a file, `together` where this instance stands alone; `shadows` have
    what copies came to, `cascades` what checked answers did.
    """

    def __init__(
        self,
        force: Force,
        counters: Counters,
        beside: Beside,
        overrides: Overrides,
        shifting: Shifting,
        clock: Callable[[], float],
    ) -> None:
        self.force = force
        self.counters = counters
        self.kept = beside.kept
        self.writer = beside.writer
        self.together = beside.together
        self.overrides = overrides
        self.shifting = shifting
        self.clock = clock
        self.started = clock()
        self.loaded = self.tried = clock()
        self.errors: tuple[str, ...] = ()
        self.changes: tuple[str, ...] = ()
        self.ready = False
        self.foreseen: Callable[[Call, Caller], Awaitable[Request]]
        self.decisions: Decisions | None = None
        self.shadows: Shadows | None = None
        self.cascades: Cascades
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
