"""What a course tells its driver to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from policies.engine.outcome import Outcome
from policies.engine.refusal import Cause, Refused

if TYPE_CHECKING:
    from policies.engine.attempt import Attempt


class TimeLimits(NamedTuple):
    """Instants that bind one attempt: when its first content (of a stream) or its head (of an
    answer in one piece) must have come, and when everything must.
    """

    head: float
    deadline: float


class Send(NamedTuple):
    """Send the request to `target`; hold `attempt` and settle it once."""

    attempt: Attempt
    target: str
    limits: TimeLimits


class Stop(NamedTuple):
    """Close this attempt's exchange and settle it with `outcome`."""

    attempt: Attempt
    outcome: Outcome


class Wait(NamedTuple):
    """Nothing to do before `until`, a report, or a wake-up."""

    until: float
    cause: Cause


class Fail(NamedTuple):
    """It is over: why, every target's refusal, and the instant at which coming back may help
    (None: unknown).
    """

    cause: Cause
    refusals: Mapping[str, Refused]
    retry_at: float | None
