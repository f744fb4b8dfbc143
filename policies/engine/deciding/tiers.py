"""Tiers: which part of its route a request may use now.

A policy among tiers prefers the first that can serve, and could be any policy. What must not happen
is therefore held here: nothing goes below the tier in which a request starts, a tier is left only
for a cause that the route's `climb` names, and not before the request has waited there as long as
`patience` says. Nothing is chosen here, and nobody refused who could serve and is within reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Final

from policies.engine.deciding.eligibility import OUT_OF_REACH, refusals_of, refuse, shut
from policies.engine.deciding.extra import spilled
from policies.engine.limits.bill import TOO_DEAR, cost
from policies.engine.outcome import Outcome
from policies.engine.pool import Pool
from policies.engine.refusal import FOR_GOOD, NEVER, PASSING, Refusal, Refused
from policies.engine.route import Climb
from policies.engine.standing import Member
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.course import Course

PROMISED: Final = Refused(Refusal.BUSY)
"""It could serve, but somebody waits for it who came before."""
SHARE_OF_TIME: Final = 0.5
"""Of the time left until the deadline, that patience may take: the next tier needs some as well."""


def offered(pool: Pool, request: Request) -> Sequence[Member]:
    """The members from the tier on in which `request` starts; all, where it names its targets. It
    starts no further than in the last tier with somebody from whom it is not barred, and who is not
    drained. Raises what the policy raises.
    """
    policy, _ = pool.policy(request)
    start = getattr(policy, "start", None)
    if start is None or request.only is not None or (first := start(request)) <= 0:
        return pool.members
    barred = request.barred
    beyond = [member for member in pool.members if member.tier >= first]
    if any(member.weight > 0 and member.name not in barred for member in beyond):
        return beyond
    if not (beyond or barred):
        return beyond  # everything there is off, which the file says
    able = [one.tier for one in pool.members if one.weight > 0 and one.name not in barred]
    last = max(able, default=first)
    return [member for member in pool.members if member.tier >= min(first, last)]


def anyone(able: Sequence[Member], rng: Random) -> Member:
    """One of `able` where the policy fails to choose: of the first of their tiers, as the order of
    tiers is the user's wish and not the policy's.
    """
    first = min([member.tier for member in able])
    tier = [member for member in able if member.tier == first]
    return tier[rng.randrange(len(tier))]


def ascent(pool: Pool, request: Request, tokens: int, members: Sequence[Member]) -> Ascent | None:
    """What holds `request` in its tiers; None where nothing does: in a route of one tier, or that
    lets every request go on at once, or for a request that names its targets.
    """
    return Ascent(pool, request, tokens, members) if pool.holds and request.only is None else None


def confine(course: Course, first: int) -> None:
    """Ask nobody before the tier `first`, where an answer from there was not good enough, and all
    others as if nobody was asked.
    """
    course.forgiven += spilled(course)
    course.tried = {}
    course.reach = [member for member in course.pool.members if member.tier >= first]
    course.ascent = ascent(course.pool, course.request, course.tokens, course.reach)


class Ascent:
    """One request's way up the tiers.

    `patient` is the instant until which it waits in the tier that it has reached although it may
    leave it; None: it does not. Its patience runs from when it is first needed, over the whole
    request.
    """

    __slots__ = ("_end", "_pool", "_request", "_tiers", "_tokens", "patient")

    def __init__(
        self, pool: Pool, request: Request, tokens: int, members: Sequence[Member]
    ) -> None:
        by_tier = attrgetter("tier")
        self._pool = pool
        self._request = request
        self._tokens = tokens
        self._tiers = [list(tier) for _, tier in groupby(sorted(members, key=by_tier), by_tier)]
        self._end: float | None = None
        self.patient: float | None = None

    def reach(
        self,
        tried: Mapping[str, Outcome],
        promised: AbstractSet[str],
        now: float,
        *,
        last: bool,
    ) -> list[Member]:
        """The members of all tiers up to the first that can serve the request, or that it does not
        leave. `last`: one send is left after others, and is not for a tier that threw it back.
        """
        climb = self._pool.route.climb
        reached: list[Member] = []
        self.patient = None
        served = False
        for tier in self._tiers:
            refusals = [self._refused(member, tried, promised, now) for member in tier]
            able = [m for m, refused in zip(tier, refusals, strict=True) if refused is None]
            hold = [r for r in refusals if r is not None and holds(r)]
            stays = not able and not all(cause_of(refused) in climb for refused in hold)
            may_wait = not (able or served or stays or last) and tier is not self._tiers[-1]
            waits = may_wait and self._is_patient(hold, now)
            reached += tier
            if stays or waits or (able and not self._returns(able, now)):
                break
            served = served or bool(able)
        return reached

    def hurry(self, now: float) -> None:
        """Be patient no longer: there is no room to wait in."""
        self._end = now

    def _refused(
        self,
        member: Member,
        tried: Mapping[str, Outcome],
        promised: AbstractSet[str],
        now: float,
    ) -> Refused | None:
        refused = refuse(member, self._request, self._tokens, tried, now)
        if refused is None and member.name in promised:
            return PROMISED
        if refused is None and member.name in tried and not self._pool.budget.can_pay(now):
            # It threw the request back before, and to be asked again would have to be paid for.
            return Refused(Refusal.RESTING, now)
        return refused

    def _is_patient(self, hold: Sequence[Refused], now: float) -> bool:
        """Whether to wait for one of these refusals to end before going on."""
        if self._pool.route.patience <= 0:
            return False
        left = (self._request.deadline - now) * SHARE_OF_TIME
        end = now + min(self._pool.route.patience, left) if self._end is None else self._end
        if now >= end or not any(
            refused.refusal in PASSING and (refused.until == NEVER or now < refused.until <= end)
            for refused in hold
        ):
            return False
        self._end = self.patient = end
        return True

    def _returns(self, able: Sequence[Member], now: float) -> bool:
        """Whether a tier is coming back from failures, and so leaves a part to the next."""
        return Climb.FAILURE in self._pool.route.climb and all(
            member.ramp(now) < 1.0 for member in able
        )


def holds(refused: Refused) -> bool:
    """Whether a target so refused could serve the request at all, and so holds it in its tier."""
    return refused.refusal is Refusal.TRIED or refused.refusal not in FOR_GOOD


def cause_of(refused: Refused) -> Climb:
    """The cause for which such a target would be left."""
    return Climb.THROTTLED if refused.refusal in PASSING else Climb.FAILURE


def ordinary(course: Course) -> int:
    """What the request costs in the first of its tiers; capacity that is paid for whether it is
    used or not is worth what the first costs that is not: who stands in for it is not dear.
    """
    by_use = [member for member in course.reach if not member.standing.facts.provisioned]
    tier = min([member.tier for member in by_use or course.reach], default=0)
    costs = [cost(member, course.request) for member in course.reach if member.tier == tier]
    return max(costs, default=0)


def affordable(course: Course, able: Sequence[Member], now: float) -> Sequence[Member]:
    """Those of `able` that the outage budget lets the request be sent to: all, but where it would
    climb to a dearer tier only because everything in those before fails.
    """
    if not able or course.request.only is not None or not climbs_for_failure(course, able, now):
        return able
    usual, purse = ordinary(course), course.pool.purse
    return [
        member
        for member in able
        if (price := cost(member, course.request)) <= usual or purse is None or purse.holds(price)
    ]


def climbs_for_failure(course: Course, able: Sequence[Member], now: float) -> bool:
    """Whether failures alone keep the request from the tiers before those of `able`."""
    lowest = min([member.tier for member in able])
    below = [
        refused
        for member in course.reach
        if member.tier < lowest
        and (refused := refuse(member, course.request, course.tokens, course.tried, now))
        and holds(refused)
    ]
    return bool(below) and all(cause_of(refused) is Climb.FAILURE for refused in below)


def all_refusals(course: Course, now: float) -> dict[str, Refused]:
    """Why each target of the route cannot serve the request now; those that can are absent."""
    within = refusals_of(course.reach, course.request, course.tokens, course.tried, now)
    if course.pool.purse is not None:
        able = [member for member in course.reach if member.name not in within]
        paid = affordable(course, able, now)
        within |= {member.name: TOO_DEAR for member in able if member not in paid}
    beyond = [member for member in course.pool.members if member not in course.reach]
    return within | {one.name: shut(one, course.request) or OUT_OF_REACH for one in beyond}


def comes_back(course: Course, refusals: Mapping[str, Refused], now: float) -> float | None:
    """When the same request, sent anew, would find somebody; None: unknown."""
    unfit = {name: outcome for name, outcome in course.tried.items() if outcome is Outcome.UNFIT}
    fresh = refusals_of(course.reach, course.request, course.tokens, unfit, now)
    fresh |= {name: one for name, one in refusals.items() if one is TOO_DEAR}
    if len(fresh) < len(course.reach):
        return now
    return min((one.until for one in fresh.values() if now < one.until < NEVER), default=None)
