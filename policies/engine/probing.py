"""Who of the ejected is sent a request: one at a time to see whether it is back, with a rescue
behind it; and where nobody else can serve, as much as it seems to bear.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from policies.engine.eligibility import only_ejected

if TYPE_CHECKING:
    from policies.engine.course import Course
    from policies.engine.standing import Member


def to_probe(
    course: Course, able: list[Member], promised: AbstractSet[str], now: float
) -> Member | None:
    """A target that should be looked at with this request: one whose ejection is over, when
    another can rescue the request; or the least bad of the ejected, throttled, when nobody
    else can serve.
    """
    if able and (course.attempts or course.pool.route.retry.attempts < 2):
        return None
    ejected = [
        member
        for member in course.pool.members
        if not member.standing.breaker.admits()
        and member.name not in promised
        and only_ejected(member, course.request, course.tokens, course.tried, now)
    ]
    for member in ejected:
        standing = member.standing
        if standing.breaker.wants_probe(now) and not any(group.asked for group in standing.groups):
            return member
    if able or not ejected:
        return None
    best = max(ejected, key=lambda member: member.standing.factors(now).score * member.weight)
    if course.engine.rng.random() < best.standing.evidence.throttled_share(now):
        return None
    return best
