"""What an engine notices by itself and tells its peers, and what it makes of what they tell.

An ejection is a peer's opinion, and its own network may be what is sick: it only makes ours come
sooner. A probe that was answered shows that the target is back. A rest that a provider asked for,
and a credential that it refuses, are facts about an account that all of them use.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from policies.engine.group import LONGEST_DENIAL, LONGEST_RESET, NONSENSE
from policies.engine.learning.breaker import EJECTED
from policies.engine.outcome import AGAIN, Report, Scope
from policies.engine.refusal import Refusal

if TYPE_CHECKING:
    from policies.engine.group import Pause
    from policies.engine.standing import Standing


class News(Enum):
    """What an instance noticed of a target, or of a provider."""

    SICK = "sick"
    """It was ejected, for what was seen of it there."""
    WELL = "well"
    """It was ejected, and a probe was answered."""
    RESTING = "resting"
    """It asked for a rest, and said for how long."""
    DENIED = "denied"
    """It refuses the credential, the model or the bill."""


Tell = Callable[[str, News, float], None]
"""Told of whom (a target, or a provider for all of its targets), what, and the instant until which
it holds.
"""


def of_health(standing: Standing, now: float) -> tuple[str, News, float]:
    """Its breaker has just opened, or closed."""
    if standing.breaker.state is EJECTED:
        return standing.name, News.SICK, standing.breaker.until
    return standing.name, News.WELL, now


def of_rest(standing: Standing, report: Report, now: float) -> tuple[str, News, float] | None:
    """It was refused as `report` says, and rests already; None: for so long as we guess."""
    account = report.scope is Scope.PROVIDER and standing.groups
    name = standing.groups[0].name if account else standing.name
    pause = standing.groups[0].pause if account else standing.pauses[0]
    if report.outcome not in AGAIN:
        return name, News.DENIED, pause.until
    named = report.rest
    if named is None or not 0 < named <= NONSENSE:
        return None
    return name, News.RESTING, now + min(LONGEST_RESET, named)


def heed(pause: Pause, news: News, until: float, now: float, *, provisioned: bool) -> None:
    """A peer was refused until then: it is believed as far as a refusal is that names no end, so
    that none outlives what was done about it for long. What is `provisioned` is used up for all.
    """
    if news is News.RESTING:
        rests = Refusal.SPILLED if provisioned else Refusal.RESTING
        pause.rest(rests, min(until, now + LONGEST_RESET))
    elif until > now:
        pause.begin_row(now)
        pause.rest(Refusal.DENIED, min(until, now + LONGEST_DENIAL))
