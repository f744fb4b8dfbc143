"""From a decision that is over to its lines."""

from __future__ import annotations

from sys import intern
from typing import Any

from policies import Report, Request
from policies.engine.learning.cost import LEAST_FITNESS
from policies.engine.showing.sending import Sending
from policies.engine.showing.views import View
from router.telemetry.decisions import Decision
from router.telemetry.journal import RequestRecord
from router.telemetry.lines.line import ONE, ZERO, Attempt, Candidate, Line

Settled = tuple[str, Sending, Report]
"""The model by which it was sent, the send, and how it ended."""


def lines_of(decision: Decision, end: RequestRecord, instance: str, wall: float) -> list[Line]:
    """A line for each attempt of a request that ended as `end` says, at the Unix time `wall`; one
    where there was none.
    """
    courses = [decision, *decision.further]
    asked = [(one.record.request, one.record) for one in courses if one.record.request is not None]
    made: list[Settled] = [
        (request.model, sending, sending.report)
        for request, record in asked
        for sending in record.sends
        if sending.report is not None
    ]
    request = asked[0][0]
    attempts: list[Attempt | None] = [
        _attempt(number, one, end) for number, one in enumerate(made, 1)
    ]
    refused: dict[str, str] = {}
    failed = asked[-1][1].failed
    if not made and failed is not None:
        refused = {name: one.refusal.name.lower() for name, one in failed.refusals.items()}
    return [
        _line(decision, request, end, (instance, wall), len(made), attempt, refused)
        for attempt in attempts or [None]
    ]


def _line(
    decision: Decision,
    request: Request,
    end: RequestRecord,
    here: tuple[str, float],
    attempts: int,
    attempt: Attempt | None,
    refused: dict[str, str],
) -> Line:
    instance, wall = here
    return Line(
        v=1,
        request=decision.request_id,
        at=round(wall - (end.ended - end.started), 4),
        instance=instance,
        revision=decision.revision,
        share=ONE if decision.share in (ZERO, ONE) else decision.share,
        deadline_s=_seconds(request.deadline - end.started),
        attempts=attempts,
        attempt=attempt,
        refused=refused,
        **_asked(request),
        **_ended(end),
    )


def _asked(request: Request) -> dict[str, Any]:
    return {
        "expected_tokens": request.input_tokens,
        "counted": {**request.counted},
        "most_tokens": request.output_tokens,
        "requires": tuple(sorted(request.requires)),
        "only": None if request.only is None else tuple(sorted(request.only)),
        "wished": "" if request.policy is None else type(request.policy).__name__,
        "features": {name: bool(there) for name, there in request.features.items()},
        "band": intern(request.band.name.lower()),
        "acts": request.acts,
    }


def _ended(end: RequestRecord) -> dict[str, Any]:
    return {
        "model": end.model,
        "tenant": end.tenant,
        "operation": end.operation,
        "stream": end.stream,
        "end": end.end,
        "cause": end.cause,
        "status": end.status,
        "degraded": end.degraded,
        "target": end.target,
        "input_tokens": end.input_tokens,
        "output_tokens": end.output_tokens,
        "estimated": end.estimated,
        "first_s": None if end.first is None else _seconds(end.first - end.started),
        "total_s": _seconds(end.ended - end.started),
        "client_s": _seconds(end.client_seconds),
    }


def _attempt(number: int, settled: Settled, end: RequestRecord) -> Attempt:
    model, sending, report = settled
    sent = sending.at if sending.sent is None else sending.sent
    ended, first = sending.ended or sent, sending.first
    return Attempt(
        number=number,
        target=sending.target,
        model="" if model == end.model else model,
        kind=sending.kind.value,
        policy=sending.policy,
        propensity=None if sending.propensity is None else round(sending.propensity, 6),
        instead_of=sending.instead_of,
        candidates=tuple(map(_candidate, sending.targets)),
        after_s=_seconds(sent - end.started),
        first_s=None if first is None else _seconds(first - sent),
        total_s=_seconds(ended - sent),
        outcome=report.outcome.word,
        phase=report.phase.value,
        input_tokens=report.input_tokens,
        output_tokens=report.output_tokens,
        cached_tokens=report.cached_tokens,
        stored_tokens=report.stored_tokens,
        service_tier=report.service_tier,
        estimated=report.estimated,
        money=money_of(sending),
    )


def money_of(sending: Sending) -> int | None:
    """What it cost in nano-dollars, as far as that is known."""
    report = sending.report
    if report is None:
        return None
    if report.never_sent:
        return 0
    [price] = [view.price for view in sending.targets if view.target == sending.target] or [None]
    return None if price is None else price.cost(report)


def _candidate(view: View) -> Candidate:
    availability, latency, ramp = view.factors
    predicted, weight, cost = view.predicted, view.weight, None
    if predicted is not None and weight > 0:
        weighed = predicted * view.load / (weight * max(LEAST_FITNESS, availability))
        cost = float(f"{weighed:.4g}")
    return Candidate(
        target=view.target,
        refused="" if view.refused is None else view.refused.refusal.name.lower(),
        tier=view.tier + 1,
        weight=ONE if weight == ONE else weight,
        health=_part(view.factors.score),
        availability=_part(availability),
        latency=_part(latency),
        ramp=_part(ramp),
        predicted_s=None if predicted is None else _seconds(predicted),
        load=_part(view.load),
        cost=cost,
        money=view.money,
        in_flight=view.in_flight,
    )


def _seconds(seconds: float) -> float:
    """To 0.1 ms, which is less than the clocks of two machines differ."""
    return round(seconds, 4) or ZERO


def _part(number: float) -> float:
    return ONE if number == ONE else round(number, 4)
