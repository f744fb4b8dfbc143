"""What the engine shows of itself: explanations, snapshots, and the words in which it is told
news.
"""

from __future__ import annotations

from copy import deepcopy
from enum import Enum
from random import Random
from typing import NamedTuple

from policies.engine.eligibility import refuse, tokens_of
from policies.engine.pool import Pool
from policies.engine.refusal import Refused
from policies.engine.standing import Factors, Member, Standing
from policies.engine.words import of_breaker
from policies.policy import Policy, Request

DRAWS = 200
"""Choices that the odds are counted over."""


class News(Enum):
    """What a peer instance says of a target."""

    SICK = "sick"
    WELL = "well"


class Headroom(NamedTuple):
    """What a provider says is left until its windows reset; None: it said nothing of that."""

    requests: int | None = None
    tokens: int | None = None


class ExplainedTarget(NamedTuple):
    """One target, as a request would find it.

    `odds` is its share of the next choices if nothing changed meanwhile, over 200 of them.
    `predicted` is in seconds, None if it was never measured.
    """

    target: str
    tier: int
    weight: float
    refused: Refused | None
    factors: Factors
    predicted: float | None
    in_flight: int
    odds: float


class Explained(NamedTuple):
    """How a request for `model` would be decided now, by which policy."""

    model: str
    policy: str
    targets: tuple[ExplainedTarget, ...]


class TargetSnapshot(NamedTuple):
    """One target as it stands. Times in seconds; `until` is the instant at which its ejection
    or pause ends; room is infinite where nothing bounds it.
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


def explain(pool: Pool, request: Request, now: float) -> Explained:
    """See `Engine.explain`."""
    tokens = tokens_of(request)
    refusals = {member.name: refuse(member, request, tokens, {}, now) for member in pool.members}
    able = [member for member in pool.members if refusals[member.name] is None]
    policy, memory = pool.policy(request)
    odds = count_odds(policy, request, able, memory, now)
    return Explained(
        request.model,
        type(policy).__name__,
        tuple(
            ExplainedTarget(
                member.name,
                member.tier,
                member.weight,
                refusals[member.name],
                member.standing.factors(now),
                member.predicted(request),
                member.in_flight,
                odds.get(member.name, 0.0),
            )
            for member in pool.members
        ),
    )


def count_odds(
    policy: Policy, request: Request, able: list[Member], memory: object, now: float
) -> dict[str, float]:
    """Each candidate's share of choices made on a copy of the memory; empty if the policy
    raises.
    """
    if not able:
        return {}
    rng = Random(0)
    counts = {member.name: 0 for member in able}
    try:
        memory = deepcopy(memory)
        for _ in range(DRAWS):
            counts[policy.choose(request, able, memory, now, rng).name] += 1
    except Exception:  # noqa: BLE001 - a door: explaining a broken policy must show the rest
        return {}
    return {name: count / DRAWS for name, count in counts.items()}


def snapshot(standing: Standing, now: float) -> TargetSnapshot:
    """See `Engine.snapshot`."""
    breaker, factors = standing.breaker, standing.factors(now)  # a ramp may end by looking at it
    state, cause, until = breaker.state.value, of_breaker(breaker), breaker.until
    for pause in standing.pauses:
        if pause.until > now:
            state, cause, until = pause.refusal.name.lower(), pause.refusal.value, pause.until
    rooms = [
        quota.room(now) for quota in (standing.quota, *(group.quota for group in standing.groups))
    ]
    requests, tokens, places = (min(room[kind] for room in rooms) for kind in range(3))
    latency = standing.latency
    return TargetSnapshot(
        state,
        cause,
        until,
        factors,
        latency.start,
        latency.per_token,
        standing.in_flight,
        requests,
        tokens,
        places,
    )
