"""What the file says of a shift: its steps, its pace, and what must not get worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from json import dumps
from math import isfinite


@dataclass(frozen=True, slots=True)
class Guards:
    """How much worse than the control, which serves at the same time, the canary may be: `errors`
    more of all its requests fail (0.01 is one point), the 95th percentile of its first token is
    `first_token` times as late, it costs `cost` times as much a request.
    """

    errors: float = 0.01
    first_token: float = 1.5
    cost: float = 1.3

    def __post_init__(self) -> None:
        if not 0 < self.errors < 1:
            raise ValueError(f"errors {self.errors} must be a share between 0 and 1")
        for name, ratio in (("first_token", self.first_token), ("cost", self.cost)):
            if not ratio > 1 or not isfinite(ratio):
                raise ValueError(f"{name} {ratio} must be a ratio above 1")


@dataclass(frozen=True, slots=True)
class Terms:
    """The canary's `steps` are shares of all requests, rising to 1. It stays on each for at least
    `interval` seconds and `least` requests of its own, and for `cool_down` seconds at 0 once it was
    taken back.
    """

    steps: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 1.0)
    interval: float = 60.0
    least: int = 200
    guards: Guards = Guards()
    cool_down: float = 600.0

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise((0.0, *self.steps)))
        if not self.steps or not rising or self.steps[-1] != 1.0:
            raise ValueError(f"steps {self.steps} must rise from above 0 to 1")
        if not self.interval >= 0 or not self.cool_down >= 0 or self.least < 1:
            raise ValueError("interval and cool_down must be 0 or more, least must be 1 or more")


def revision(targets: Mapping[str, float], to: Mapping[str, float]) -> str:
    """The name of the shift from one set of weighted targets to another, whatever their order: its
    progress is kept under it.
    """
    both = [sorted((name, float(weight)) for name, weight in arm.items()) for arm in (targets, to)]
    return sha256(dumps(both).encode()).hexdigest()[:16]
