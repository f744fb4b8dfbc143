"""How a request would be decided, as JSON knows it: for the admin listener and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isinf
from typing import Any

import msgspec

from policies import Band, Explained, ExplainedTarget, Refusal, Request
from router.admin.question import BadQuestion, Question, Sent
from router.arms import arm_of, model_of
from router.building.speaks import hints_of
from router.caller import BANDS, Caller, Wishes
from router.cascade.lane import Lane
from router.cascade.shown import reasons
from router.config import Config, ladder
from router.config.problems import nearest, quoted
from router.dialects.contract import Call
from router.dialects.openai.dialect import OPENAI
from router.estimating import brought
from router.front.paths import CALLS
from router.narrowing import narrowed
from router.runtime import Runtime
from router.tenants.identity import DEFAULT, Tenant

DEFAULT_POLICY = "least_latency"
_encode = msgspec.json.encode


def explain(
    runtime: Runtime, config: Config, now: float, question: Question, lane: Lane | None = None
) -> dict[str, Any]:
    """Every target of the question's model with its refusal, or its factors and odds. Raises
    `ClientError` for a model that cannot be asked for, `BadQuestion` for what else there is not.
    """
    told = foretold(runtime, config, now, _request(runtime, now, question), lane)
    shift = told["shift"]
    found = [*told["targets"], *(shift["targets"] if shift is not None else ())]
    targets = dict.fromkeys(target["target"] for target in found)
    if question.target is not None and question.target not in targets:
        raise _none("target", question.target, "is none of the model's", targets)
    return told


def foretold(
    runtime: Runtime, config: Config, now: float, request: Request, lane: Lane | None = None
) -> dict[str, Any]:
    """The same of a request that is known to be admitted; `lane` is its model's cascade."""
    if lane is not None:
        request = lane.met_by(request)
    model = model_of(request.model)
    route, arms = config.models.get(model), runtime.shifts.get(model)
    members = [member for tier in route.tiers for member in tier] if route is not None else []
    said = {member.name: member.said for member in members}

    def shown(explained: Explained) -> list[dict[str, Any]]:
        targets = explained.targets
        return [_target(target, said.get(target.target, ""), now) for target in targets]

    explained, shift = runtime.engine.explain(request._replace(model=model), now), None
    if arms is not None:
        canary = runtime.engine.explain(request._replace(model=arms.canary), now)
        told = {"rule": canary.rule, "verdict": canary.verdict, "targets": shown(canary)}
        shift = {"share": arms.share, "by": arms.by, **told}
    return {
        "model": model,
        "policy": route.policy.name if route is not None else DEFAULT_POLICY,
        "rule": explained.rule,
        "verdict": explained.verdict,
        "start": [*explained.start, *([] if lane is None else reasons(lane, _first(explained)))],
        "targets": shown(explained),
        "shift": shift,
        "prompt_cache": hinted(runtime, config, model),
        "when_all_fail": [
            {"model": rung.model} if rung.model is not None else {"text": rung.text}
            for rung in (ladder(route.name, config.models) if route is not None else ())
            if rung.model not in runtime.off
        ],
    }


def _first(explained: Explained) -> int:
    """The first tier that is open to the request."""
    tiers = [
        one.tier
        for one in explained.targets
        if one.refused is None or one.refused.refusal is not Refusal.TIER
    ]
    return min(tiers, default=0)


def hinted(runtime: Runtime, config: Config, model: str) -> dict[str, str] | None:
    """How targets are told that they may cache prompts to `model`, where they are; None: the route
    does not ask for it.
    """
    if model not in runtime.hinted:
        return None
    reached = sorted(runtime.reached(model))
    hints = {name: tuple(hints_of(*config.target(name)).values()) for name in reached}
    return {name: told[0].words for name, told in hints.items() if told}


def as_read(call: Call, caller: Caller, request: Request) -> dict[str, Any]:
    """What was read of a request's body, without a word of it."""
    features = caller.dialect.features(call, caller.dialect.FEATURES)
    return {
        "input_tokens": max(call.counted.values(), default=call.input_tokens),
        "output_tokens": call.output_tokens,
        "stream": call.stream,
        "brings": sorted(name for name, brought in features.items() if brought),
        "arm": arm_of(request.model),
        "confined_to": None if request.only is None else sorted(request.only),
    }


def received(runtime: Runtime, sent: Sent) -> tuple[Call, Caller]:
    """A request as it is read when a client sends it. Raises `ClientError` as then, `BadQuestion`
    for a tenant that there is not.
    """
    operation, dialect = CALLS[sent.path]
    only = None if sent.only is None else narrowed(sent.only)
    wishes = Wishes(target=sent.target, priority=_wished(sent.priority), only=only)
    caller = Caller("req_explained", _tenant(runtime, sent.tenant), dialect, {}, wishes)
    call = dialect.parse(sent.body, operation)
    call.id = caller.request_id
    return call, caller


def _wished(priority: str) -> Band | None:
    """Standard is what who wishes for nothing has, and may have."""
    return None if priority == "standard" else BANDS[priority]


def _tenant(runtime: Runtime, name: str | None) -> Tenant:
    if name is None:
        return DEFAULT
    tenants = runtime.tenants.known()
    if name not in tenants:
        raise _none("tenant", name, "is nobody who can ask", tenants)
    return tenants[name]


def _request(runtime: Runtime, now: float, question: Question) -> Request:
    tenant = _tenant(runtime, question.tenant)
    if not runtime.admits(question.model, tenant):
        raise runtime.unknown(question.model, tenant)
    features = {name: getattr(question, name) for name in OPENAI.FEATURES}
    only = None if question.only is None else narrowed(question.only)
    caller = Caller("req_explained", tenant, OPENAI, {}, Wishes(only=only))
    said = _said(runtime, question, caller)
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
        barred=runtime.barred(caller, question.model),
    )


def _said(runtime: Runtime, question: Question, caller: Caller) -> Mapping[str, Any]:
    """What the model's policy goes by of what was said, read as it is of a client's body."""
    needs = runtime.needs.get(question.model)
    if not needs:
        return {}
    messages = [{"role": "user", "content": question.says or ""}]
    told = {"model": question.model, "messages": messages, "metadata": question.metadata}
    call = OPENAI.parse(_encode(told))
    call.input_tokens, call.output_tokens = question.input_tokens, question.output_tokens
    call.stream = question.stream
    found = {**brought(call, caller, needs, runtime, question.model)}
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


def _target(target: ExplainedTarget, said: str, now: float) -> dict[str, Any]:
    """One of them; `said` is what an operator says of its weight."""
    refused, factors = target.refused, target.factors
    drained = said if refused is not None and refused.refusal is Refusal.DRAINED else ""
    words = drained or target.words
    return {
        "target": target.target,
        "tier": target.tier + 1,
        "weight": target.weight,
        "odds": target.odds,
        "words": words,
        "refused": (drained or refused.words) if refused is not None else None,
        "refused_for_s": number(refused.until - now) if refused is not None else None,
        "health": round(factors.score, 3),
        "availability": round(factors.availability, 3),
        "latency": round(factors.latency, 3),
        "ramp": round(factors.ramp, 3),
        "predicted_s": target.predicted,
        "in_flight": target.in_flight,
    }
