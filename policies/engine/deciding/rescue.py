"""What is done about an attempt that waits too long for its first content.

A target that has fallen silent is left: what waits there is stopped and sent elsewhere, oldest
first. Behind an attempt that went to see how a target is (a probe, or the first after a while) a
second one is sent when a usual answer would long be there; the first content of either wins.
So it is with a hedge, which a route may ask for. Nothing is stopped or doubled while there is
nowhere to go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.engine.actions import Send, Stop
from policies.engine.deciding.eligibility import refuse
from policies.engine.deciding.extra import others
from policies.engine.learning.breaker import State, Why
from policies.engine.learning.cost import LEAST_EXPECTED
from policies.engine.outcome import Outcome
from policies.engine.refusal import NEVER

if TYPE_CHECKING:
    from policies.engine.attempt import Attempt
    from policies.engine.course import Course
    from policies.policy import Request

TAILS: Final = 3.0
"""Times its usual 99th percentile that an answer in one piece may take to begin."""
SHORTEST: Final = 1.0
"""Seconds: nobody is late before, whatever is usual: a lost packet is sent again after one."""
UNKNOWN: Final = 30.0
"""Seconds after which a first content is late where nothing was measured of any target."""
UNSURE: Final = 5.0
"""Seconds without a measurement after which a target may have become anything."""
AGAIN: Final = 1.0
"""Seconds after which an attempt that has nowhere to go looks again."""


def expect(course: Course, attempt: Attempt, now: float, *, steered: bool) -> None:
    """Set the attempt's times: what it is expected to take, when it is late, and when it is given
    up. One that was `steered` to its target only to see how it is need not be late for that: its
    rescue comes when a usual answer of the others would be there.
    """
    request, pool = course.request, course.pool
    stream = request.stream
    latency = attempt.standing.latency
    late = latency.late(request.input_tokens, stream=stream)
    if late is None:
        usual = pool.usual_late(stream=stream)
        late = UNKNOWN if usual is None else 2 * usual
    else:
        usual = latency.first if stream else latency.totals.tail
        attempt.expected = usual if usual and usual > LEAST_EXPECTED else LEAST_EXPECTED
        attempt.due = attempt.was_sent + attempt.expected
    attempt.overdue = attempt.look_at = now + (late if late > SHORTEST else SHORTEST)
    most, deadline = attempt.standing.facts.first_token, request.deadline
    if not stream and (tail := latency.totals.tail) is not None and tail * TAILS > most:
        most = tail * TAILS
    attempt.head = now + most if now + most < deadline else deadline
    if attempt.probe or steered:
        attempt.unsure = True
        attempt.look_at = now + usual_of_others(course, attempt, late)
    elif stream and now - latency.at > UNSURE:
        attempt.unsure = True
    if pool.hedges is not None and stream:
        pool.hedges.deposit()
        if (high := latency.high(stream=True)) is not None:
            usual = high + max(0.0, latency.prefill.more(request.input_tokens))
            attempt.look_at = min(attempt.look_at, now + max(SHORTEST, usual))


def late(course: Course, attempt: Attempt, now: float) -> Send | Stop | None:
    """What is to be done about the only open attempt of a course; None: nothing now."""
    standing = attempt.standing
    if attempt.unsure:
        if now < attempt.look_at:
            return None
    elif is_silent(attempt, now):
        if standing.breaker.admits():
            course.engine.fell_silent(standing, now)
        if others(course, now):
            return Stop(attempt, Outcome.FAILED)
        attempt.look_at = now + AGAIN
        return None
    elif now < attempt.look_at:
        return None
    elif now < attempt.overdue:
        attempt.look_at = attempt.overdue
        if course.pool.hedges is None or not course.pool.hedges.withdraw():
            return None
    elif (quiet := quiet_at(attempt, course.request)) > now:
        attempt.look_at = quiet
        return None
    beside = others(course, now, paid=True)
    if not beside or not course.pool.budget.withdraw(now):
        attempt.look_at = max(attempt.overdue, now + AGAIN)
        return None
    attempt.unsure = False
    return course.send_beside(beside, now)


def is_silent(attempt: Attempt, now: float) -> bool:
    """Whether the attempt waits for a target that has fallen silent."""
    breaker = attempt.standing.breaker
    if breaker.epoch == attempt.epoch:
        return now >= attempt.overdue and attempt.standing.is_silent(now)
    trip = breaker.last_trip
    return trip is not None and trip.why is Why.SILENCE and breaker.state is not State.RECOVERING


def quiet_at(attempt: Attempt, request: Request) -> float:
    """The instant at which nothing will have been heard of its target for as long as its own time
    was: while others are heard, one that is late may just have bad luck.
    """
    if not request.stream or attempt.is_blind:
        # Answers in one piece may just be long, and where nothing was measured nothing is late.
        return NEVER
    return attempt.standing.heard + attempt.overdue - attempt.was_sent


def usual_of_others(course: Course, attempt: Attempt, late: float) -> float:
    """Seconds in which the best of the other targets has 95 of 100 first contents; `late`, if
    nothing is known of them.
    """
    request = course.request
    known = [
        high
        for member in course.reach
        if member.name != attempt.target
        and (high := member.standing.latency.high(stream=request.stream)) is not None
        and refuse(member, request, course.tokens, course.tried, attempt.started) is None
    ]
    return min(known, default=late)
