"""Where a route's traffic moves, and by what steps.

Must not: know how it is written, or what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from router.config.values import WeightedTarget

By = Literal["session", "user", "request"]
MARK = "→to"
"""What the name of no model ends in: so a canary's route has one that nobody can ask for."""


@dataclass(frozen=True, slots=True)
class Guard:
    """How much worse the canary may be: so many more of all requests fail (0.01 is a point), the
    95th percentile of its first token is so many times as late, a request costs so many times as
    much.
    """

    errors: float = 0.01
    first_token_p95: float = 1.5
    cost: float = 1.3


@dataclass(frozen=True, slots=True)
class Shift:
    """From a route's targets `to` others. The `steps` are shares of all requests, rising to 1; each
    takes at least `interval` seconds and `min_requests`. `by` says what stays on its side of it.
    `cool_down` is in seconds. `share` is how far it has come, which is not the file's to say.
    """

    to: tuple[WeightedTarget, ...]
    steps: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 1.0)
    interval: float = 60.0
    min_requests: int = 200
    by: By = "session"
    guard: Guard = Guard()
    cool_down: float = 600.0
    share: float = 0.0
