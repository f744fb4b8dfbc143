"""What a failure of the shared server is, and what must come of it; nothing here is run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tests.drill.shared.ground import Ground
from tests.drill.shared.stage import Setting, Stage

LIMIT = 100
"""Requests an hour, of all instances together; the whole drill is within one window."""
PLAIN = Setting()
MOST = 1.05
"""Of the limit, that may be admitted while nobody counts for all."""


@dataclass
class Sight:
    """What was seen of one failure. Milliseconds are the worst that were added to what is usual:
    within a second of the failure, and after it. `wrong`: what should not have been.
    """

    clients: str = ""
    at_first: float | None = None
    later: float | None = None
    sent: int | None = None
    while_away: int | None = None
    back: float | None = None
    says: str = ""
    wrong: list[str] = field(default_factory=list)

    def check(self, right: object, told: str) -> None:
        """Note what is wrong."""
        if not right:
            self.wrong.append(told)


Act = Callable[[Ground], None]
Scene = Callable[[Stage], Awaitable[Sight]]


@dataclass(frozen=True)
class Failure:
    """One row: what `breaks` the server, and what `mends` it; without that it comes back by itself.

    Its log must say `says`, and, where that stays until somebody changes something, `lasting`. It
    `forgot` what it had been told; or it `heals` so fast that it may never be missed. A `scene` is
    run instead of all this; a `long` one runs beside the others.
    """

    name: str
    breaks: Act | None = None
    mends: Act | None = None
    says: tuple[str, ...] = ()
    lasting: str = ""
    forgot: bool = False
    heals: bool = False
    setting: Setting = PLAIN
    scene: Scene | None = None
    long: bool = False


@dataclass(frozen=True)
class Theme:
    """Failures of one kind: what happens, and what a client sees of it, in the README's words."""

    happens: str
    sees: str
    faults: Sequence[Failure]
