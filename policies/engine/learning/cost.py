"""What a request is expected to take on each of several targets, and how many times that it costs
there now.

A policy asks it of all of its candidates at once, for every request; so it is two loops without a
call in them. What is decided by the answers is the policy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from policies.engine.learning.latency import STREAM_SHARE
from policies.engine.refusal import NEVER

if TYPE_CHECKING:
    from policies.engine.standing import Member
    from policies.policy import Request

LEAST_EXPECTED: Final = 1e-3
"""Seconds; keeps a prediction above zero."""
LEAST_FITNESS: Final = 1e-3
"""Keeps a cost finite; nobody that is this unfit is chosen while there is another."""


def predictions(request: Request, members: Sequence[Member]) -> list[float]:
    """Seconds that `request` is expected to take on each of `members`, of one route, with no load
    added; infinite where none was measured.
    """
    output, most, tokens = members[0].length.usual, request.output_tokens, request.input_tokens
    if most is not None and most < output:
        output = float(most)
    if request.stream:
        output *= STREAM_SHARE
    seconds = []
    for member in members:
        latency = member.latency
        start = latency.start
        if start is None:
            start = NEVER
        elif latency.prefill.pace:
            start += latency.prefill.more(tokens)
            if start < LEAST_EXPECTED:
                start = LEAST_EXPECTED
        per_token = latency.per_token
        seconds.append(start if per_token is None else start + output * per_token)
    return seconds


def strained(
    seconds: Iterable[float], members: Sequence[Member], among: Sequence[Member], now: float
) -> list[float]:
    """`seconds` on each of `members`, times what they cost there now: load / (w · A). Load is the
    attempts in flight, with this one, against the level at which its latency was learned or the one
    that is usual `among` its peers, whichever is more, and at least 1, times how far the oldest
    that waits there is past its own prediction; w the weight; A how far recent failures leave it
    usable.
    """
    level = 0.0
    costs = []
    for member, alone in zip(members, seconds, strict=False):  # a strict one takes twice as long
        standing = member.standing
        cost = alone / member.weight
        usual = member.latency.usual_in_flight
        if standing.in_flight > usual:
            if not level:
                level = usual_level(among)
            load = (standing.in_flight + 1) / ((usual if usual > level else level) + 1)
            if load > 1.0:
                cost *= load
        oldest = standing.oldest
        if oldest is not None and now > oldest.due:
            # Whoever still waits past its own prediction tells of now, before anything is measured.
            cost *= (now - oldest.was_sent) / oldest.expected
        if standing.evidence.bad:
            fitness = standing.evidence.availability(now)
            cost /= fitness if fitness > LEAST_FITNESS else LEAST_FITNESS
        costs.append(cost)
    return costs


def usual_level(members: Sequence[Member]) -> float:
    """The mean of the levels of attempts in flight at which the latencies of `members` were
    learned: a target that comes back may rise to it before its load counts against it.
    """
    return sum([member.latency.usual_in_flight for member in members]) / (len(members) or 1)
