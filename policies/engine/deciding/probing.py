"""Who is sent a request to see how it is: an ejected target, one at a time, and one that was not
measured for long, both with a rescue behind them; and where nobody else can serve, the ejected as
much as they seem to bear.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from random import Random
from typing import TYPE_CHECKING, Final

from policies.engine.deciding.eligibility import only_ejected
from policies.engine.learning.breaker import HEALTHY, Why

if TYPE_CHECKING:
    from policies.engine.course import Course
    from policies.engine.standing import Member, Standing

LOOK: Final = 15.0
"""Seconds without a measurement after which a target is worth a look."""


def to_probe(
    course: Course, able: Sequence[Member], promised: AbstractSet[str], now: float
) -> Member | None:
    """A target that should be looked at with this request: one whose ejection is over, when
    another can rescue the request; or the least bad of the ejected, throttled, when nobody
    else can serve.
    """
    if able and not has_rescue(course):
        return None
    ejected = [
        member
        for member in course.reach
        if not member.standing.breaker.admits()
        and member.name not in promised
        and only_ejected(member, course.request, course.tokens, course.tried, now)
    ]
    for member in ejected:
        if is_due(course, member.standing, now):
            return member
    if able or not ejected or (course.ascent and course.ascent.patient is not None):
        return None
    best = max(ejected, key=lambda member: member.standing.factors(now).score * member.weight)
    if course.engine.rng.random() < best.standing.evidence.throttled_share(now):
        return None
    return best


def has_rescue(course: Course) -> bool:
    """Whether the request could be sent again if it found the target in no good state."""
    again = course.pool.route.retry.attempts > 1 and not course.request.acts
    return again and not course.attempts


def is_due(course: Course, standing: Standing, now: float) -> bool:
    """Whether a probe should be sent now. Who was silent and stays so is asked no oftener than the
    route can spare: whoever asks waits for the rescue.
    """
    breaker, curiosity = standing.breaker, course.pool.curiosity
    if not breaker.wants_probe(now) or any(group.asked for group in standing.groups):
        return False
    if breaker.last_trip is not None and breaker.last_trip.why is Why.SILENCE:
        if curiosity.saved < 1.0:
            return False
        curiosity.spend()
    return True


def to_look_at(course: Course, able: Sequence[Member], now: float) -> Member | None:
    """Whom nobody has measured for longest and too long, and nobody is asking now."""
    pool = course.pool
    if not has_rescue(course):
        return None
    if len(able) < 2 or not pool.measures(course.request):
        return None
    tier = min([member.tier for member in able])
    first = [member for member in able if member.tier == tier]
    idle = [one for one in first if now - one.latency.at > LOOK and not one.standing.in_flight]
    if not idle:
        pool.curiosity.sleep(min([member.latency.at for member in first]) + LOOK)
        return None
    pool.curiosity.spend()
    return max(idle, key=lambda member: member.idle(now))


def back(able: Sequence[Member], now: float, rng: Random) -> Sequence[Member]:
    """Those of `able` that are offered to the policy now: one that comes back, or is new, only as
    often as its ramp says, unless there is nobody else.
    """
    for member in able:
        if member.standing.breaker.state is not HEALTHY:
            break
    else:
        return able
    return [
        member
        for member in able
        if member.standing.breaker.state is HEALTHY or rng.random() < member.ramp(now)
    ] or able
