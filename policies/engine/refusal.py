"""Why a target cannot serve a request: one enum of causes, each with the instant at which it
may end.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

NEVER = float("inf")


class Refusal(Enum):
    """Why a target is not among the candidates."""

    DRAINED = "its weight is 0"
    EXCLUDED = "the request asked for another target"
    TENANT = "it does not serve this tenant"
    REGION = "it is in no region to which the request may go"
    RESIDENCY = "what it is sent does not stay where the request must"
    TAGS = "it lacks tags that the request needs"
    TIER = "its tier is not open to the request"
    TRIED = "it has already failed this request"
    UNFIT = "it cannot take this request"
    CONTEXT = "the request is longer than its context"
    UNABLE = "it lacks what the request requires"
    DENIED = "its provider refuses the credential, the model or the bill"
    RESTING = "its provider asked for a pause"
    SPILLED = "its provisioned (or flex) capacity is used up"
    EJECTED = "it is ejected after failures"
    BUSY = "as many requests as allowed are in flight"
    LIMITED = "its rate limit has no room for the request now"
    BILL = "it is dearer, and what an outage may cost is spent"


BARRING = frozenset({Refusal.TENANT, Refusal.REGION, Refusal.RESIDENCY, Refusal.TAGS})
"""What a request may be barred by from a target that could serve it."""
FOR_GOOD = BARRING | frozenset(
    {
        Refusal.DRAINED,
        Refusal.EXCLUDED,
        Refusal.TIER,
        Refusal.TRIED,
        Refusal.UNFIT,
        Refusal.CONTEXT,
        Refusal.UNABLE,
    }
)
"""What no waiting ends, for this request."""
PASSING = frozenset({Refusal.RESTING, Refusal.SPILLED, Refusal.BUSY, Refusal.LIMITED})
"""What is worth waiting for."""


class Refused(NamedTuple):
    """A refusal and the instant at which it ends, if time alone ends it (else `NEVER`). `lacking`
    is what the target would have to have: abilities, for `UNABLE`; where it would have to be, or
    its tags, for what bars a request from it.
    """

    refusal: Refusal
    until: float = NEVER
    lacking: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The refusal for people, without its time."""
        if self.lacking:
            return f"{self.refusal.value}: {', '.join(self.lacking)}"
        return self.refusal.value


class Cause(Enum):
    """Why a course waits or fails."""

    ANSWER = "an attempt is open"
    PLACE = "waiting in the queue for a place"
    REST = "waiting for a pause or a limit to end"
    UNKNOWN_MODEL = "no route has this name"
    NO_TARGET = "no target can serve the request"
    WAIT = "the wait would be longer than the request can bear"
    QUEUE_FULL = "too many requests are waiting"
    ATTEMPTS = "every attempt allowed was used"
    BUDGET = "the route's retry budget is empty"
    DEADLINE = "the deadline has passed"
    INTERRUPTED = "the answer broke off after its first content"
    ACTED = "what the request does may have been begun, so it is not sent again"
    CALLER = "the request is wrong wherever it is sent"
    OVER = "the course is over"
