"""What a client is told when its course has failed: the status, the words, and a true time to
come back.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies import Cause, Fail, Outcome, Refusal, Refused, Report
from router.dialects.contract import ClientError

LIMITS = frozenset({Refusal.RESTING, Refusal.LIMITED, Refusal.BUSY})
LENGTH = frozenset({Refusal.CONTEXT, Refusal.UNFIT})
ELSEWHERE = frozenset({Refusal.EXCLUDED})
WRITTEN = frozenset({Refusal.DRAINED, Refusal.EXCLUDED})
"""Refusals that the configuration or the request itself asked for; they say nothing of the rest."""
SOON = 1.0
"""Seconds to come back after, where nothing better is known."""


def client_error(fail: Fail, last: Report | None, now: float) -> ClientError:
    """The error for a course that ended in `fail`; `last` is how its last attempt ended, if
    there was one.
    """
    if last is not None and last.outcome in (Outcome.REJECTED, Outcome.FILTERED, Outcome.UNFIT):
        return _caller(last)
    match fail.cause:
        case Cause.DEADLINE:
            return ClientError(
                504,
                "timeout_error",
                "deadline_exceeded",
                "no whole answer came before the deadline",
            )
        case Cause.INTERRUPTED:
            detail = f": {last.detail}" if last is not None and last.detail else ""
            return ClientError(
                502, "server_error", "stream_interrupted", f"the answer broke off{detail}"
            )
        case Cause.NO_TARGET if _all(fail.refusals, LENGTH):
            message = (
                f"no target takes a request this long or of this kind ({_words(fail.refusals)})"
            )
            return _wrong("context_length_exceeded", message)
        case Cause.NO_TARGET if _all(fail.refusals, ELSEWHERE, but=frozenset()):
            message = "x-router-target: it is none of the targets of this model"
            return _wrong("invalid_header", message, "x-router-target")
        case _ if last is not None and last.outcome is Outcome.FAILED:
            return _failed(fail, last, now)
        case _:
            return _unavailable(fail, now)


def _failed(fail: Fail, last: Report, now: float) -> ClientError:
    message = f"{_why(fail)}; the last attempt failed: {last.detail or last.phase.value}"
    wait = fail.retry_at - now if fail.retry_at is not None and fail.retry_at > now else None
    return ClientError(502, "server_error", "upstream_failed", message, retry_after=wait)


def _unavailable(fail: Fail, now: float) -> ClientError:
    wait = max(0.0, fail.retry_at - now) if fail.retry_at is not None else SOON
    message = _why(fail)
    if fail.cause in (Cause.QUEUE_FULL, Cause.WAIT) or _all(fail.refusals, LIMITS):
        return ClientError(429, "rate_limit_error", "no_capacity", message, retry_after=wait)
    return ClientError(503, "server_error", "no_target", message, retry_after=wait)


def _caller(last: Report) -> ClientError:
    code = "content_filter" if last.outcome is Outcome.FILTERED else "invalid_request"
    return _wrong(code, f"the provider refused the request: {last.detail}")


def _wrong(code: str, message: str, param: str | None = None) -> ClientError:
    return ClientError(400, "invalid_request_error", code, message, param, hopeless=True)


def _all(
    refusals: Mapping[str, Refused],
    kinds: frozenset[Refusal],
    but: frozenset[Refusal] = WRITTEN,
) -> bool:
    told = [refused.refusal for refused in refusals.values() if refused.refusal not in but]
    return bool(told) and all(refusal in kinds for refusal in told)


def _why(fail: Fail) -> str:
    return f"{fail.cause.value} ({_words(fail.refusals)})" if fail.refusals else fail.cause.value


def _words(refusals: Mapping[str, Refused]) -> str:
    return "; ".join(f"{name}: {refused.refusal.value}" for name, refused in refusals.items())
