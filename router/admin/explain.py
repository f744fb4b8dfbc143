"""How a request would be decided, as JSON knows it: for the admin listener and the command line."""

from __future__ import annotations

from math import isinf
from typing import Any

import msgspec

from policies import Engine, ExplainedTarget, Request

DEFAULT_POLICY = "least_latency"


class Question(msgspec.Struct):
    """A request that might come."""

    model: str
    input_tokens: int = 0
    output_tokens: int | None = None
    stream: bool = False
    target: str | None = None


def explain(engine: Engine, now: float, question: Question, policy: str) -> dict[str, Any]:
    """Every target of the question's model with its refusal, or its factors and odds; `policy` is
    the name by which the file knows the route's.
    """
    only = frozenset({question.target}) if question.target is not None else None
    request = Request(
        question.model,
        now,
        question.input_tokens,
        question.output_tokens,
        question.stream,
        only,
    )
    explained = engine.explain(request, now)
    return {
        "model": explained.model,
        "policy": policy,
        "targets": [_target(target, now) for target in explained.targets],
    }


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
        "refused": refused.refusal.value if refused is not None else None,
        "refused_for_s": number(refused.until - now) if refused is not None else None,
        "health": round(factors.score, 3),
        "availability": round(factors.availability, 3),
        "latency": round(factors.latency, 3),
        "ramp": round(factors.ramp, 3),
        "predicted_s": target.predicted,
        "in_flight": target.in_flight,
    }
