"""What the engine shows of its targets: as a request finds them, and as they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from policies.engine.deciding.eligibility import OUT_OF_REACH, refuse
from policies.engine.learning.breaker import State, Trip
from policies.engine.learning.cost import LEAST_FITNESS, strained
from policies.engine.learning.estimates import Tally
from policies.engine.limits.bill import cost
from policies.engine.limits.headroom import Measured
from policies.engine.limits.quota import Room
from policies.engine.outcome import Outcome
from policies.engine.pool import Pool
from policies.engine.refusal import Refused
from policies.engine.route import Price
from policies.engine.showing import words
from policies.engine.standing import Factors, Member, Standing
from policies.policy import Request


class View(NamedTuple):
    """One target, as a request finds it: every number that words are made of.

    `predicted` is in seconds with no load added (None: never measured), `start` and `per_token`
    what it is made of; `load` is how many times that a request costs for the attempts that are
    open. `state`, `trip`, `since` and `until` are the breaker's; `failures` are bad and all of its
    last outcomes, told where availability is below 1; `denials` those in a row; `full` names the
    places that are taken, where they are: how many, out of how many, and the group that they bind
    together ("": the target alone); `said` is what its provider says is left;
    `money` is what the request is expected to cost there, in nano-dollars, by `price` (None: it is
    unknown).
    """

    target: str
    tier: int
    weight: float
    refused: Refused | None
    factors: Factors
    predicted: float | None
    start: float | None
    per_token: float | None
    stream: bool
    load: float
    in_flight: int
    state: State
    trip: Trip | None
    since: float
    until: float
    failures: tuple[int, int]
    denials: int
    full: tuple[int, int, str] | None
    said: tuple[Measured, ...] = ()
    price: Price | None = None
    money: int | None = None

    @property
    def comes_back(self) -> bool:
        """Whether it is not offered to the policy each time, since it is new or was ejected."""
        return self.state is not State.HEALTHY


class TargetSnapshot(NamedTuple):
    """One target as it stands. Times in seconds; `until` is the instant at which its ejection
    or pause ends; room is infinite where nothing bounds it. `learned_places` is how much it bore
    when it was last overloaded (None: it never was, of late). `said` is what its provider says is
    left of its limits, `nonsense` counts headers of such that could not be; `used` is the share of
    its provisioned capacity that was used when it last said so (None: it never did).
    """

    state: str
    cause: str
    until: float
    factors: Factors
    first_token: float | None
    per_token: float | None
    in_flight: int
    requests_left: float
    tokens_left: float
    places_left: float
    learned_places: int | None
    input_left: float
    output_left: float
    factor: float
    inputs: Tally
    answers: Tally
    said: tuple[Measured, ...] = ()
    nonsense: int = 0
    used: float | None = None


def look(
    pool: Pool,
    request: Request,
    reach: Sequence[Member],
    tokens: int,
    tried: Mapping[str, Outcome],
    now: float,
) -> tuple[View, ...]:
    """Every target of a pool, as `request` finds it at `now`; `reach` are those in its tiers,
    `tokens` and `tried` as for `refuse`. Nothing is taken, and nothing is changed.
    """
    refusals = [
        refuse(member, request, tokens, tried, now) if member in reach else OUT_OF_REACH
        for member in pool.members
    ]
    able = [
        member for member, refused in zip(pool.members, refusals, strict=True) if refused is None
    ]
    weighed = [member for member in pool.members if member.weight > 0]
    strains = dict(zip(weighed, strained([1.0] * len(weighed), weighed, able, now), strict=True))
    return tuple(
        _view(member, request, refused, strains.get(member), now)
        for member, refused in zip(pool.members, refusals, strict=True)
    )


def _view(
    member: Member, request: Request, refused: Refused | None, strain: float | None, now: float
) -> View:
    standing = member.standing
    breaker, latency = standing.breaker, standing.latency
    factors = standing.factors(now)  # a ramp may end by looking at it
    if not member.ramps:
        factors = factors._replace(ramp=1.0)
    load = 1.0
    if strain is not None:
        load = strain * member.weight * max(LEAST_FITNESS, factors.availability)
    return View(
        member.name,
        member.tier,
        member.weight,
        refused,
        factors,
        member.predicted(request),
        latency.start,
        latency.per_token,
        request.stream,
        load,
        member.in_flight,
        breaker.state,
        breaker.last_trip,
        breaker.since,
        breaker.until,
        breaker.failures(now) if factors.availability < 1.0 else (0, 0),
        _denials(standing, now),
        _full(standing, now),
        _said(standing, now),
        price := standing.facts.price,
        None if price is None else cost(member, request),
    )


def _denials(standing: Standing, now: float) -> int:
    return max((pause.denials for pause in standing.pauses if pause.until > now), default=0)


def _full(standing: Standing, now: float) -> tuple[int, int, str] | None:
    pressure = standing.pressure
    if pressure.limit is not None and pressure.full(standing.in_flight, now):
        return standing.in_flight, pressure.limit, ""
    quotas = [(standing.quota, ""), *((group.quota, group.name) for group in standing.groups)]
    for quota, group in quotas:
        if quota.in_flight >= quota.ceiling:
            return quota.in_flight, int(quota.ceiling), group
    return None


def _said(standing: Standing, now: float) -> tuple[Measured, ...]:
    said = standing.quota.said
    return () if said is None else said.shown(now)


def snapshot(standing: Standing, now: float) -> TargetSnapshot:
    """See `Engine.snapshot`."""
    breaker, factors = standing.breaker, standing.factors(now)  # a ramp may end by looking at it
    state, until = breaker.state.value, breaker.until
    cause = words.of_breaker(
        breaker.state, breaker.last_trip, breaker.since, until, factors.ramp, now
    )
    for pause in standing.pauses:
        if pause.until > now:
            state, until = pause.refusal.name.lower(), pause.until
            cause = words.of_pause(pause.refusal, until, pause.denials, now)
    rooms = [
        quota.room(now) for quota in (standing.quota, *(group.quota for group in standing.groups))
    ]
    room = Room(*(min(left) for left in zip(*rooms, strict=True)))
    latency = standing.latency
    return TargetSnapshot(
        state,
        cause,
        until,
        factors,
        latency.start,
        latency.per_token,
        standing.in_flight,
        room.requests,
        room.tokens,
        room.places,
        standing.pressure.limit,
        room.input,
        room.output,
        standing.estimates.factor,
        *standing.estimates.tallies(),
        _said(standing, now),
        0 if standing.quota.said is None else standing.quota.said.nonsense,
        standing.used,
    )
