"""What a request may be sent again for, and who pays.

The first failover is free where its destination is healthy; any other extra send is paid from the
route's retry budget, so that an outage is not multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final

from policies.engine.deciding.eligibility import refuse
from policies.engine.learning.breaker import State
from policies.engine.outcome import AGAIN, Outcome, Phase, Report
from policies.engine.waiting.queue import NOTHING

if TYPE_CHECKING:
    from policies.engine.course import Course
    from policies.engine.standing import Member

FAST: Final = 2.0
"""Seconds: a failure this quick (a 5xx, a reset) may be retried on the spot where a target is
alone.
"""
HEALTHY_SHARE: Final = 0.10
"""A failover is free when at most this share of the destination's recent outcomes failed."""


REFUSED: Final = frozenset({Outcome.THROTTLED, Outcome.SPILLED, Outcome.DENIED, Outcome.UNFIT})
"""Outcomes that, with nothing but a status, say that nobody set to work."""


def may_have_begun(report: Report | None) -> bool:
    """Whether somebody may have set to work on a request that ended so. What never reached a
    provider was not begun, nor what one refused before it answered.
    """
    if report is None or report.phase is Phase.CONNECT:
        return False
    return report.phase is not Phase.HEAD or report.outcome not in REFUSED


def spilled(course: Course) -> int:
    """How many targets of those that were asked had their own capacity used up. The request was
    not theirs to fail: none of them counts as an attempt, nor as a failover.
    """
    return list(course.tried.values()).count(Outcome.SPILLED)


def counted(course: Course) -> int:
    """Its attempts, as they count against those that its route allows."""
    attempts = course.attempts - course.forgiven
    return attempts - spilled(course) if course.tried else attempts


def is_free(course: Course, member: Member, now: float) -> bool:
    """Whether sending to `member` is the first failover, to a healthy place, or nobody has failed
    the request yet; the budget pays for any other extra send.
    """
    failed = len(course.tried) - spilled(course)
    if failed > 1 or member.name in course.tried or course.goes_on:
        return False
    if course.tried and not (failed or course.opened):
        return True
    breaker = member.standing.breaker
    bad, total = breaker.failures(now)
    return breaker.state is State.HEALTHY and bad <= HEALTHY_SHARE * total


def on_the_spot(course: Course, able: Sequence[Member], now: float) -> Member | None:
    """The target that just failed, once more: when it failed quickly and stands alone in
    its tier, since the order of the tiers is the user's wish. Paid from the budget, only
    once, and in the place that this request had: whoever waits for one came later.
    """
    failed = course.last_member
    if (
        failed is None
        or failed not in course.reach
        or course.retried_on_the_spot
        or course.goes_on
        or course.tried[failed.name] is not Outcome.FAILED
    ):
        return None
    if not course.quick or any(member.tier == failed.tier for member in able):
        return None
    if refuse(failed, course.request, course.tokens, {}, now) is not None:
        return None
    course.retried_on_the_spot = True
    return failed if course.pool.budget.withdraw(now) else None


def keep_to(course: Course, among: AbstractSet[str]) -> None:
    """An answer is to be gone on with, and nobody but `among` these can. Whoever broke it off is
    asked no more, however it did.
    """
    course.goes_on = True
    for member in course.pool.members:
        if course.tried.get(member.name, Outcome.THROTTLED) in AGAIN and member.name not in among:
            course.tried[member.name] = Outcome.UNFIT


def forget_losers(course: Course) -> None:
    """What came first was withheld: who was stopped because it came has failed nobody."""
    tried = course.tried.items()
    course.tried = {name: outcome for name, outcome in tried if outcome is not Outcome.ABANDONED}


def likeliest(course: Course, able: Sequence[Member]) -> Sequence[Member]:
    """Of those who can take a failover, the ones that are likeliest to be well, if there are any in
    the first of their tiers: whose last request did not fail (an answer to an older one says
    nothing of now), and who share no fate with those that have failed this one. Later tiers are
    left as they are.
    """
    if len(able) < 2:
        return able
    tier = min([member.tier for member in able])
    first = [member for member in able if member.tier == tier]
    first = [one for one in first if one.standing.failed <= one.standing.served] or first
    failed = {
        group
        for member in course.reach
        if course.tried.get(member.name) is Outcome.FAILED
        for group in member.standing.groups
    }
    first = [member for member in first if failed.isdisjoint(member.standing.groups)] or first
    return [member for member in able if member in first or member.tier > tier]


def others(course: Course, now: float, *, paid: bool = False) -> list[Member]:
    """Who could take the request beside, or instead of, its open attempts, now and within
    its attempts and the retry budget; with `paid` not even the first is free. Nobody, if what it
    does must not be done twice.
    """
    if counted(course) >= course.pool.route.retry.attempts or course.request.acts:
        return []
    busy = [attempt.target for attempt in course.opened]
    promised = course.pool.queue.promised(course) if course.pool.queue.waiting else NOTHING
    return [
        member
        for member in course.reach
        if member.name not in busy
        and member.name not in course.tried
        and member.name not in promised
        and refuse(member, course.request, course.tokens, course.tried, now) is None
        and (course.pool.budget.can_pay(now) or (not paid and is_free(course, member, now)))
    ]
