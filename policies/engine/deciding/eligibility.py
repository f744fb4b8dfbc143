"""Who can serve: the one function that refuses.

Policies never filter; whatever keeps a target from being chosen is said here, with a named
cause and the instant at which it ends. The checks stand in the order in which their causes
explain most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from policies.engine.limits.needs import length, needs
from policies.engine.outcome import AGAIN, Outcome
from policies.engine.refusal import Refusal, Refused
from policies.engine.standing import Member, Standing
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.pool import Pool

DRAINED: Final = Refused(Refusal.DRAINED)
EXCLUDED: Final = Refused(Refusal.EXCLUDED)
TRIED: Final = Refused(Refusal.TRIED)
UNFIT: Final = Refused(Refusal.UNFIT)
CONTEXT: Final = Refused(Refusal.CONTEXT)
OUT_OF_REACH: Final = Refused(Refusal.TIER)


def those_able(
    pool: Pool,
    members: Sequence[Member],
    request: Request,
    tokens: int,
    tried: Mapping[str, Outcome],
    now: float,
) -> Sequence[Member]:
    """Those of `members`, of one pool, that `refuse` lets serve. As usual nothing at all speaks
    against any of them: then, and only then, it is `members` itself.
    """
    glance = (
        not tried
        and request.only is None
        and request.input_tokens <= pool.fits
        and not request.requires
        and not request.barred
    )
    if glance:
        for group in pool.limited:
            glance = glance and group.quota.sure >= tokens
    if glance:
        for member in members:
            standing = member.standing
            if not standing.clear or standing.quota.sure < tokens:
                break
        else:
            return members
    able = [
        one
        for one in members
        if (glance and one.standing.clear and one.standing.quota.sure >= tokens)
        or refuse(one, request, tokens, tried, now) is None
    ]
    for member in able:
        if not member.standing.clear:
            member.standing.look_closer(now)
    return able


def refuse(
    member: Member, request: Request, tokens: int, tried: Mapping[str, Outcome], now: float
) -> Refused | None:
    """Why `member` cannot serve `request` at `now`; None: it can.

    `tokens` is the most that would be reserved (`at_most`); `tried` holds how earlier attempts of
    this request ended. A target that only throttled the request may be asked again when its pause
    is over; one that is drained still serves who asks for it alone.
    """
    if (member.weight <= 0 or request.only is not None or request.barred) and (
        (written := shut(member, request)) is not None
    ):
        return written
    standing = member.standing
    if tried and (outcome := tried.get(member.name)) is not None and outcome not in AGAIN:
        return UNFIT if outcome is Outcome.UNFIT else TRIED
    if request.requires or request.input_tokens > standing.context:
        beyond = beyond_it(standing, request)
        if beyond is not None:
            return beyond
    for pause in standing.pauses:
        if pause.shut > now:
            return pause.refused(now)
    if standing.breaker.shut:
        return Refused(Refusal.EJECTED, standing.breaker.until)
    if standing.pressure.limit is None:
        for quota in standing.quotas:
            if quota.sure < tokens:
                break
        else:
            return None
    return no_room(member, request, now)


def shut(member: Member, request: Request) -> Refused | None:
    """Why `member` is not open to `request`, by what was written or asked for."""
    only, barred = request.only, request.barred
    if only is not None and member.name not in only:
        return EXCLUDED
    if barred and (bar := barred.get(member.name)) is not None:
        return bar
    if member.weight <= 0 and (only is None or len(only) > 1):
        return DRAINED
    return None


def beyond_it(standing: Standing, request: Request) -> Refused | None:
    """Why `request` is more than a target can take at any time."""
    if standing.estimates.at_least(length(standing, request)) > standing.context:
        return CONTEXT
    lacking = standing.facts.lacks & request.requires
    return Refused(Refusal.UNABLE, lacking=tuple(sorted(lacking))) if lacking else None


def no_room(member: Member, request: Request, now: float) -> Refused | None:
    """Why the limits of a target and its groups have no room for `request`."""
    standing = member.standing
    pressure = standing.pressure
    if pressure.full(standing.in_flight, now):
        return Refused(Refusal.BUSY, pressure.grows_at)
    if standing.quotas:
        need = needs(member, request)
        for quota in standing.quotas:
            if (refused := quota.refused(need, now)) is not None:
                return refused
    return None


def refusals_of(
    members: Iterable[Member],
    request: Request,
    tokens: int,
    tried: Mapping[str, Outcome],
    now: float,
) -> dict[str, Refused]:
    """Why each of `members` cannot serve `request`; those that can are absent."""
    refusals = ((member.name, refuse(member, request, tokens, tried, now)) for member in members)
    return {name: refused for name, refused in refusals if refused is not None}


def only_ejected(
    member: Member, request: Request, tokens: int, tried: Mapping[str, Outcome], now: float
) -> bool:
    """Whether nothing but its breaker keeps `member` from serving: what is sent to it all the
    same passes every other gate.
    """
    refused = refuse(member, request, tokens, tried, now)
    return (
        refused is not None
        and refused.refusal is Refusal.EJECTED
        and no_room(member, request, now) is None
    )
