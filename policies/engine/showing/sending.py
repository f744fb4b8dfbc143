"""One send of a course: why, how likely, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from policies.engine.outcome import Report
from policies.engine.showing.views import View


class Kind(Enum):
    """Why a course sent to somebody."""

    FIRST = "first"
    NEXT = "next"
    """After others failed."""
    AGAIN = "again"
    """To one that had it before."""
    BESIDE = "beside"
    """While another is open: whichever answers first."""
    CLIMB = "climb"
    """After an answer that was not good enough."""
    REST = "rest"
    """For the rest of an answer that broke off."""
    PROBE = "probe"
    """To see whether an ejected target is well."""
    LOOK = "look"
    """To measure one that was idle."""


DRAWN = frozenset({Kind.FIRST, Kind.NEXT, Kind.BESIDE, Kind.CLIMB, Kind.REST})
"""Who is sent to for these, the policy says."""


@dataclass(slots=True)
class Sending:
    """One send, from its choice `at` that instant to its end, with every target as it was the
    moment before. `propensity` is how likely its target was to be chosen then; None where it was
    not drawn, or the policy tells no odds. `instead_of` is who had been chosen before it switched.
    Without a `report` it is open, or was given back.
    """

    at: float
    number: int
    target: str
    kind: Kind
    policy: str
    propensity: float | None
    targets: tuple[View, ...]
    instead_of: str = ""
    sent: float | None = None
    first: float | None = None
    ended: float | None = None
    report: Report | None = None
