"""What an OpenAI-shaped error means: tables of codes and statuses to outcomes.

A code says more than a status and is asked first. Whatever is in neither table falls to the
safe side: an unknown 4xx is the caller's, everything else a failure of the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from policies import Outcome, Phase, Report, Scope
from router.dialects.contract import Headers


class Meaning(NamedTuple):
    """What a code or a status stands for."""

    outcome: Outcome
    scope: Scope = Scope.TARGET
    overloaded: bool = False


_BILL = Meaning(Outcome.DENIED, Scope.PROVIDER)
_GONE = Meaning(Outcome.DENIED, Scope.TARGET)
_FAILED = Meaning(Outcome.FAILED)
_CALLER = Meaning(Outcome.REJECTED, Scope.REQUEST)
_UNFIT = Meaning(Outcome.UNFIT, Scope.REQUEST)
_FILTERED = Meaning(Outcome.FILTERED, Scope.REQUEST)
_THROTTLED = Meaning(Outcome.THROTTLED)

CODES: Mapping[str, Meaning] = MappingProxyType(
    {
        "insufficient_quota": _BILL,
        "billing_hard_limit_reached": _BILL,
        "billing_not_active": _BILL,
        "invalid_api_key": _BILL,
        "model_not_found": _GONE,
        "model_decommissioned": _GONE,
        "DeploymentNotFound": _GONE,
        "context_length_exceeded": _UNFIT,
        "exceed_context_size_error": _UNFIT,
        "unsupported_parameter": _UNFIT,
        "unsupported_value": _UNFIT,
        "not_supported_error": _UNFIT,
        "content_policy_violation": _FILTERED,
        "content_filter": _FILTERED,
        "invalid_prompt": _FILTERED,
        "rate_limit_exceeded": _THROTTLED,
        "server_error": _FAILED,
        "overloaded_error": Meaning(Outcome.THROTTLED, overloaded=True),
    }
)
"""By `error.code`, else `error.type`."""
OTHER_OPERATION = (
    "v1/chat/completions",
    "v1/completions",
    "v1/responses",
    "from this model",
    "does not support embeddings",
)
"""What a message says, and no code with it, when a model is asked for what it does not do. OpenAI:
`This is a chat model and not supported in the v1/completions endpoint` (404), `You are not allowed
to generate embeddings from this model` (403); Ollama: `this model does not support embeddings`
(500, and 501 by now).
"""
MISSING = frozenset({404, 405})
"""What a server says as well of a path that it does not have."""

STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {
        401: _BILL,
        402: _BILL,
        403: _BILL,
        404: _GONE,
        405: _GONE,
        408: _FAILED,
        409: _FAILED,
        413: _UNFIT,
        424: _FAILED,
        425: _THROTTLED,
        429: _THROTTLED,
        498: _FAILED,
        499: _FAILED,
        501: _UNFIT,
        529: Meaning(Outcome.THROTTLED, overloaded=True),
    }
)


def report_of_status(status: int, headers: Headers, body: Any, *, usual: bool = True) -> Report:
    """The outcome of an answer with a status of failure; `body` is decoded, None if it is not
    JSON. `usual`: every server has the operation that was asked for; without it, a path that is
    missing says nothing of the model.
    """
    error = error_of(body)
    code = code_of(error)
    meaning = CODES.get(code)
    if status == 403 and body is None:
        # A page from a firewall in between: nobody has looked at the key.
        meaning = _FAILED
    elif status == 403 and error is not None and _flagged(error):
        meaning = _FILTERED
    elif meaning is None and (_misdirected(status, error) or (status in MISSING and not usual)):
        meaning = _UNFIT
    if meaning is None:
        meaning = STATUSES.get(status) or (_CALLER if 400 <= status < 500 else _FAILED)
    return Report(
        meaning.outcome,
        Phase.HEAD,
        meaning.scope,
        rest=rest_of(headers) if meaning.outcome is Outcome.THROTTLED else None,
        overloaded=meaning.overloaded,
        detail=f"{status} {code}".rstrip(),
    )


def report_of(error: Any, phase: Phase) -> Report:
    """The outcome of an error that came inside a status of success."""
    code = code_of(error if isinstance(error, dict) else None)
    meaning = CODES.get(code, _FAILED)
    return Report(
        meaning.outcome,
        phase,
        meaning.scope,
        overloaded=meaning.overloaded,
        detail=f"200 with an error {code}".rstrip(),
    )


def error_of(body: Any) -> dict[str, Any] | None:
    """The error object of a body, which some providers wrap in a list."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else None


def code_of(error: dict[str, Any] | None) -> str:
    """The word that names the error: its code, else its type; a number is no word."""
    for key in ("code", "type"):
        if error is not None and isinstance(word := error.get(key), str) and not word.isdigit():
            return word[:64]
    return ""


def _flagged(error: dict[str, Any]) -> bool:
    """Whether a 403 is about the caller's text (OpenRouter's moderation), not about the key."""
    metadata = error.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("reasons"))


def _misdirected(status: int, error: dict[str, Any] | None) -> bool:
    """Whether it is the operation that the model does not do, whose name is right."""
    if status not in (403, 404, 500) or error is None or not isinstance(error.get("message"), str):
        return False
    return any(words in error["message"] for words in OTHER_OPERATION)


def rest_of(headers: Headers) -> float | None:
    """Seconds that the provider asked to be left alone; None if it did not say, or not in
    seconds.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    return None
