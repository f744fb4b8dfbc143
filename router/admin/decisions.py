"""Decisions as JSON knows them: what a replay needs, and the same in words for people.

Instants stay as they are, on the router's clock and to the last digit: rounded, they would decide
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isinf
from typing import Any

from policies import Fail, Report, Request, Wait
from policies.engine.showing import words
from policies.engine.showing.record import Choice, Record, Said, Step, Stopped
from policies.engine.showing.telling import told
from policies.engine.showing.views import View
from router.arms import arm_of, model_of
from router.telemetry.decisions import Decision, Decisions
from router.telemetry.lines.making import money_of


def listing(decisions: Decisions, reloads: int, shown: Iterable[Decision]) -> dict[str, Any]:
    """Some decisions, under what is true of all of them."""
    return {
        "engine": {**decisions.origin._asdict(), "reloads": reloads},
        "requests": decisions.seen,
        "recorded": decisions.recorded,
        "kept": len(decisions),
        "decisions": [one(decision) for decision in shown],
    }


def one(decision: Decision) -> dict[str, Any]:
    """One decision. `end` is null while the request is under way."""
    record, end = decision.record, decision.end
    request = record.request
    return {
        "request_id": decision.request_id,
        "revision": decision.revision,
        "model": model_of(request.model) if request is not None else None,
        "arm": arm_of(request.model) if request is not None else "",
        "operation": end.operation if end is not None else None,
        "end": end.end if end is not None else None,
        "cause": end.cause if end is not None else None,
        "status": end.status if end is not None else None,
        "target": end.target if end is not None else None,
        "tenant": end.tenant if end is not None else None,
        "shadow": end.shadow if end is not None else None,
        "dropped": end.dropped if end is not None else "",
        "resumed": [one._asdict() for one in end.resumed] if end is not None else [],
        "climbed": dict(end.climbed) if end is not None else {},
        "words": told(record),
        "start": [*record.start],
        "request": _request(request) if request is not None else None,
        "attempts": attempts(record),
        "steps": [_step(step) for step in record.steps],
        "left_out": record.left_out,
    }


def attempts(record: Record) -> list[dict[str, Any]]:
    """Every attempt with how it was chosen, its times and its end, as far as it has come. `money`
    is in nano-dollars, null where it is not known.
    """
    return [
        {
            "target": sending.target,
            "number": sending.number,
            "kind": sending.kind.value,
            "propensity": sending.propensity,
            "instead_of": sending.instead_of,
            "started": sending.at,
            "sent": sending.sent,
            "first": sending.first,
            "ended": sending.ended,
            **(_report(sending.report) if sending.report is not None else {}),
            "money": money_of(sending),
        }
        for sending in record.sends
    ]


def _request(request: Request) -> dict[str, Any]:
    return {
        "model": model_of(request.model),
        "arm": arm_of(request.model),
        "deadline": request.deadline,
        "input_tokens": request.input_tokens,
        "counted": {**request.counted},
        "output_tokens": request.output_tokens,
        "stream": request.stream,
        "only": sorted(request.only) if request.only is not None else None,
        "policy": type(request.policy).__name__ if request.policy is not None else None,
        "tenant": request.tenant,
        "band": request.band.name.lower(),
        "requires": sorted(request.requires),
    }


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": step.at, "order": step.order, "call": step.verb.value}
    if step.attempt:
        shown["attempt"] = step.attempt
    if step.said is not None:
        shown["said"] = _said(step.said, step.at)
    if step.report is not None:
        shown["report"] = _report(step.report)
    if step.target:
        shown["target"] = step.target
    if step.until is not None:
        shown["until"] = finite(step.until)
    if step.tier:
        shown["tier"] = step.tier + 1
    if step.among:
        shown["among"] = step.among
    return shown


def _said(said: Said, now: float) -> dict[str, Any]:
    match said:
        case Choice():
            return {
                "send": said.target,
                "policy": said.policy,
                "number": said.number,
                "probe": said.probe,
                "limits": {name: finite(at) for name, at in said.limits._asdict().items()},
                "targets": [_view(view, now) for view in said.targets],
            }
        case Wait(until, cause):
            return {"wait": cause.name.lower(), "until": finite(until)}
        case Stopped(attempt, outcome):
            return {"stop": attempt, "outcome": outcome.word}
        case Fail(cause, refusals, retry_at):
            refused = {
                name: {"refused": each.refusal.name.lower(), "until": finite(each.until)}
                for name, each in refusals.items()
            }
            return {"fail": cause.name.lower(), "refusals": refused, "retry_at": finite(retry_at)}


def _view(view: View, now: float) -> dict[str, Any]:
    factors, refused = view.factors, view.refused
    return {
        "target": view.target,
        "tier": view.tier + 1,
        "weight": view.weight,
        "words": words.of_view(view, now),
        "refused": refused.refusal.name.lower() if refused is not None else None,
        "until": finite(refused.until) if refused is not None else None,
        "health": factors.score,
        **factors._asdict(),
        "predicted_s": view.predicted,
        "load": view.load,
        "in_flight": view.in_flight,
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        **report._asdict(),
        "outcome": report.outcome.word,
        "phase": report.phase.value,
        "scope": report.scope.value,
        "rest": finite(report.rest),
    }


def finite(number: float | None) -> float | None:
    """JSON knows no infinity: what never comes is null."""
    return None if number is None or isinf(number) else number
