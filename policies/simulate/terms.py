"""How those who ask behave, and what holds for what they ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from policies.engine.outcome import Report
from policies.engine.refusal import Cause, Refused
from policies.policy import UNBARRED, Request

DOWN = frozenset({Cause.NO_TARGET, Cause.ATTEMPTS, Cause.BUDGET, Cause.QUEUE_FULL, Cause.WAIT})
"""Why another model is asked, where there is a ladder: nobody could serve."""


@dataclass(frozen=True, slots=True)
class Clients:
    """How those who ask behave.

    `patience` is the median of the seconds after which a client leaves that has no content yet
    (lognormal; None: they all wait). A failed request comes again up to `retries` times, first
    after `backoff` seconds and each time after twice as many, less up to a quarter.
    """

    patience: float | None = None
    retries: int = 0
    backoff: float = 0.5


class Rung(NamedTuple):
    """A model that is asked once another has failed, and its targets."""

    model: str
    targets: frozenset[str]


class Terms(NamedTuple):
    """What holds for the requests of one model: the seconds that they have; what is asked, one
    after another, once all of its targets have failed; and whether it is noted which of them found
    a target at one of its limits.
    """

    deadline: float
    ladder: tuple[Rung, ...] = ()
    notes_limits: bool = False


class Held(Protocol):
    """What a request has taken of limits that bind those who ask."""

    def spent(self, report: Report) -> None:
        """One of its attempts has ended so."""

    def settle(self, now: float) -> None:
        """It is over."""


class Shut(Exception):
    """A request is not let in: those who ask so have asked too much."""


Door = Callable[[Request, float], Held | None]
"""Lets a request in at an instant, and says what it holds then (None: nothing). Raises `Shut`."""
Barred = Callable[[str, tuple[str, ...]], Mapping[str, Refused]]
"""From which targets a tenant's requests are barred, that ask for all of these models together: for
one, and for what is asked in its stead.
"""


def unbarred(_tenant: str, _models: tuple[str, ...]) -> Mapping[str, Refused]:
    """From none."""
    return UNBARRED
