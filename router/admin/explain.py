"""How a request would be decided, as JSON knows it: for the admin listener and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isinf
from typing import Any

import msgspec

from policies import ExplainedTarget, Request
from router.admin.question import BadQuestion, Question
from router.caller import BANDS
from router.config import Config, ladder
from router.config.problems import nearest, quoted
from router.dialects.openai.dialect import OPENAI
from router.estimating import brought
from router.runtime import Runtime
from router.tenants.identity import DEFAULT

DEFAULT_POLICY = "least_latency"
_encode = msgspec.json.encode


def explain(runtime: Runtime, config: Config, now: float, question: Question) -> dict[str, Any]:
    """Every target of the question's model with its refusal, or its factors and odds. Raises
    `ClientError` for a model that cannot be asked for, `BadQuestion` for what else there is not.
    """
    request = _request(runtime, now, question)
    route = config.models.get(question.model)
    explained = runtime.engine.explain(request, now)
    targets = [target.target for target in explained.targets]
    if question.target is not None and question.target not in targets:
        raise _none("target", question.target, "is none of the model's", targets)
    return {
        "model": explained.model,
        "policy": route.policy.name if route is not None else DEFAULT_POLICY,
        "start": list(explained.start),
        "targets": [_target(target, now) for target in explained.targets],
        "when_all_fail": [
            {"model": rung.model} if rung.model is not None else {"text": rung.text}
            for rung in (ladder(route.name, config.models) if route is not None else ())
            if rung.model not in runtime.off
        ],
    }


def _request(runtime: Runtime, now: float, question: Question) -> Request:
    tenant = DEFAULT
    if question.tenant is not None:
        tenants = runtime.tenants.known()
        if question.tenant not in tenants:
            raise _none("tenant", question.tenant, "is nobody who can ask", tenants)
        tenant = tenants[question.tenant]
    if not runtime.admits(question.model, tenant):
        raise runtime.unknown(question.model, tenant)
    features = {name: getattr(question, name) for name in OPENAI.FEATURES}
    said = _said(runtime, question, tenant.name)
    return Request(
        question.model,
        now + runtime.deadlines[question.model],
        question.input_tokens,
        question.output_tokens,
        question.stream,
        frozenset({question.target}) if question.target is not None else None,
        features={**said, **features},
        tenant=tenant.name,
        band=BANDS[question.priority],
        requires=frozenset(name for name, brought in features.items() if brought),
    )


def _said(runtime: Runtime, question: Question, tenant: str) -> Mapping[str, Any]:
    """What the model's policy goes by of what was said, read as it is of a client's body."""
    needs = runtime.needs.get(question.model)
    if not needs:
        return {}
    messages = [{"role": "user", "content": question.says or ""}]
    told = {"model": question.model, "messages": messages, "metadata": question.metadata}
    call = OPENAI.parse(_encode(told))
    call.input_tokens, call.output_tokens = question.input_tokens, question.output_tokens
    call.stream = question.stream
    found = {**brought(call, OPENAI, needs, runtime, question.model, tenant)}
    found["turns"] = question.turns
    found["code"] = question.code or found.get("code", False)
    if question.last_tokens is not None:
        found["last_tokens"] = question.last_tokens
    return found


def _none(field: str, name: str, what: str, known: Iterable[str]) -> BadQuestion:
    return BadQuestion(f"{field} {quoted(name)} {what}; {nearest(name, known)}")


def number(value: float) -> float | None:
    """JSON knows no infinity: what nothing bounds is null."""
    return None if isinf(value) else round(value, 3)


def _target(target: ExplainedTarget, now: float) -> dict[str, Any]:
    refused, factors = target.refused, target.factors
    return {
        "target": target.target,
        "tier": target.tier + 1,
        "weight": target.weight,
        "odds": target.odds,
        "words": target.words,
        "refused": refused.words if refused is not None else None,
        "refused_for_s": number(refused.until - now) if refused is not None else None,
        "health": round(factors.score, 3),
        "availability": round(factors.availability, 3),
        "latency": round(factors.latency, 3),
        "ramp": round(factors.ramp, 3),
        "predicted_s": target.predicted,
        "in_flight": target.in_flight,
    }
