"""How a request would be decided: every target with its refusal, or its factors and odds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from policies.engine.deciding.tiers import ascent, offered
from policies.engine.limits.needs import at_most
from policies.engine.pool import Pool
from policies.engine.refusal import Refused
from policies.engine.showing import words
from policies.engine.showing.odds import Failed, all_odds
from policies.engine.showing.terms import of_rule, of_start, of_terms
from policies.engine.showing.verdict import of_place, of_verdict
from policies.engine.showing.views import View, look
from policies.engine.standing import Factors, Member
from policies.engine.waiting.queue import NOTHING
from policies.policy import Request


class ExplainedTarget(NamedTuple):
    """One target, as a request would find it.

    `odds` is its share of the next choices if nothing changed meanwhile (counted over 200 of them,
    where the policy tells none).
    `predicted` is in seconds, None if it was never measured. `words` say what keeps it from
    serving, or factor by factor what the request would cost there.
    """

    target: str
    tier: int
    weight: float
    refused: Refused | None
    factors: Factors
    predicted: float | None
    in_flight: int
    odds: float
    words: str


class Explained(NamedTuple):
    """How a request for `model` would be decided now. `start` says why it begins in its tier,
    `rule` whom the policy chooses, and `verdict` where the request goes.
    """

    model: str
    policy: str
    targets: tuple[ExplainedTarget, ...]
    start: tuple[str, ...] = ()
    rule: str = ""
    verdict: str = ""


def explain(pool: Pool, request: Request, now: float, failed: Failed) -> Explained:
    """See `Engine.explain`."""
    tokens = at_most(pool, request)
    reach = within_reach(pool, request, tokens, now)
    views = look(pool, request, reach, tokens, {}, now)
    able = [
        member for member, view in zip(pool.members, views, strict=True) if view.refused is None
    ]
    policy, memory = pool.policy(request)
    odds = all_odds(policy, request, able, memory, now, failed)
    terms = of_terms(policy, request, able, memory, now)
    used = sorted({member.tier for member in reach})
    first = min((member.tier for member in able), default=0)
    targets = []
    for view in views:
        likely, own = odds.get(view.target), terms.get(view.target, "")
        told = of_place(view, used) or words.of_view(view, now, likely, own, first)
        targets.append(_explained(view, likely or 0.0, told))
    return Explained(
        request.model,
        type(policy).__name__,
        tuple(targets),
        of_start(policy, request, reach),
        of_rule(policy),
        of_verdict(views, odds, now),
    )


def _explained(view: View, odds: float, told: str) -> ExplainedTarget:
    return ExplainedTarget(
        view.target,
        view.tier,
        view.weight,
        view.refused,
        view.factors,
        view.predicted,
        view.in_flight,
        odds,
        told,
    )


def within_reach(pool: Pool, request: Request, tokens: int, now: float) -> Sequence[Member]:
    """The members of those tiers that a request would use if it came now."""
    try:
        members = offered(pool, request)
    except Exception:  # noqa: BLE001 - a door: explaining a broken policy must show the rest
        members = pool.members
    climbs = ascent(pool, request, tokens, members)
    return members if climbs is None else climbs.reach({}, NOTHING, now, last=False)
