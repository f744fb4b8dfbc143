"""What a client is told when its course has failed: the status, the words, and a true time to
come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from policies import Cause, Fail, Outcome, Phase, Refusal, Refused, Report
from policies.engine.refusal import BARRING
from router.answer import Answer
from router.arms import model_of
from router.dialects.contract import ClientError
from router.tenants.identity import Tenant

LIMITS = frozenset({Refusal.RESTING, Refusal.SPILLED, Refusal.LIMITED, Refusal.BUSY})
LENGTH = frozenset({Refusal.CONTEXT, Refusal.UNFIT, Refusal.UNABLE})
ELSEWHERE = frozenset({Refusal.EXCLUDED})
UNNAMED = ELSEWHERE | {Refusal.TENANT}
WRITTEN = BARRING | {Refusal.DRAINED, Refusal.EXCLUDED}
"""Refusals that the configuration or the request itself asked for; they say nothing of the rest."""
NEVER = float("inf")
USEFUL: Mapping[Outcome, int] = {
    Outcome.REJECTED: 4,
    Outcome.FILTERED: 4,
    Outcome.THROTTLED: 3,  # a target that fits, later
    Outcome.SPILLED: 3,
    Outcome.UNFIT: 2,
    Outcome.FAILED: 1,
}
TOO_MUCH = frozenset({Outcome.THROTTLED, Outcome.SPILLED})
WORDS = frozenset({Outcome.REJECTED, Outcome.FILTERED, Outcome.UNFIT})
"""Outcomes of which the provider's own words tell a client most."""
ENDS = frozenset({Cause.DEADLINE, Cause.INTERRUPTED, Cause.ACTED})
"""Causes that say more than any attempt's end."""
CALLERS = frozenset({400, 404, 410, 411, 413, 414, 415, 422, 431})
"""Statuses of a refusal that are the caller's in the client's eyes as well."""
DRAINING = ClientError(
    503, "server_error", "draining", "the router is shutting down", retry_after=1.0
)
SOON = 1.0
"""Seconds to come back after, where nothing better is known."""


class OwnWords(NamedTuple):
    """A provider's refusal in its own words, with the status that it has for the client."""

    status: int
    body: bytes


def useful(report: Report | None, route: str = "", asked: str = "") -> int:
    """How much a client learns from how an attempt ended: its request is wrong; it does not fit; it
    came at a bad time; somebody failed. Of what is between a provider and us it learns nothing, and
    of what the `route` of another model than it `asked` for does not take it learns the wrong
    thing.
    """
    if report is None:
        return 0
    if model_of(route) != asked and report.outcome is not Outcome.FILTERED:
        return 0
    if report.outcome is Outcome.UNFIT and report.unclassified is not None:
        return USEFUL[Outcome.FAILED]  # a page of somebody in between
    return USEFUL.get(report.outcome, 0)


def is_too_long(fail: Fail) -> bool:
    """Whether nothing but the request itself keeps every target from serving it."""
    return _all(fail.refusals, LENGTH)


def own_words(fail: Fail, answer: Answer) -> OwnWords | None:
    """What a provider said, where its own words serve the client best: it refused the request
    itself, and said so in the dialect. A status that speaks of our account is not the client's, nor
    one that it would come back for.
    """
    report, head = answer.report, answer.exchange.head
    if report is None or head is None or report.outcome not in WORDS or fail.cause in ENDS:
        return None
    body = answer.own_words()
    if body is None:
        return None
    return OwnWords(head.status if head.status in CALLERS else 400, body)


def client_error(fail: Fail, telling: Report | None, now: float) -> ClientError:
    """The error for a course that ended in `fail`; `telling` is how the attempt ended of which a
    client learns most, if there was one.
    """
    match fail.cause:
        case Cause.DEADLINE:
            return ClientError(
                504,
                "timeout_error",
                "deadline_exceeded",
                "no whole answer came before the deadline",
            )
        case Cause.ACTED:
            return _acted(telling)
        case Cause.INTERRUPTED:
            detail = f": {telling.detail}" if telling is not None and telling.detail else ""
            return ClientError(
                502, "server_error", "stream_interrupted", f"the answer broke off{detail}"
            )
        case _ if telling is not None and telling.outcome in WORDS:
            return _caller(fail, telling, now)
        case Cause.NO_TARGET if (nobody := _nobody_ever(fail)) is not None:
            return nobody
        case _ if telling is not None and telling.outcome is Outcome.FAILED:
            return _failed(fail, telling, now)
        case _:
            return _unavailable(fail, telling, now)


def _nobody_ever(fail: Fail) -> ClientError | None:
    """The error where the same request would find nobody at any time; None: it may."""
    refusals = fail.refusals
    if is_too_long(fail):
        unable = _all(refusals, frozenset({Refusal.UNABLE}))
        what = "of this kind" if unable else "this long or of this kind"
        message = f"no target takes a request {what} ({_words(refusals)})"
        return _wrong("unsupported" if unable else "context_length_exceeded", message)
    if _all(refusals, ELSEWHERE, but=frozenset()):
        message = "x-router-target: it is none of the targets of this model"
        return _wrong("invalid_header", message, "x-router-target")
    if not _all(refusals, BARRING, but=ELSEWHERE):
        return None
    barred = {n: refused for n, refused in refusals.items() if refused.refusal in BARRING}
    why = _words(barred) or "none serves this tenant"
    message = f"no target of this model may be sent this request ({why})"
    return ClientError(403, "permission_error", "not_permitted", message, hopeless=True)


def _acted(telling: Report | None) -> ClientError:
    late = telling is None or telling.outcome is Outcome.ABANDONED
    why = "no whole answer came in time" if telling is None or late else telling.detail
    message = (
        f"the tools that the provider runs for this request may have acted already, so it was not "
        f"sent again; {why or 'the answer broke off'}"
    )
    status, kind = (504, "timeout_error") if late else (502, "server_error")
    return ClientError(status, kind, "may_have_acted", message, hopeless=True)


def _failed(fail: Fail, telling: Report, now: float) -> ClientError:
    message = f"{_why(fail)}; the last failure: {telling.detail or telling.phase.value}"
    wait = fail.retry_at - now if fail.retry_at is not None and fail.retry_at > now else None
    return ClientError(502, "server_error", "upstream_failed", message, retry_after=wait)


def _unavailable(fail: Fail, telling: Report | None, now: float) -> ClientError:
    if telling is not None and telling.outcome is Outcome.ABANDONED and telling.detail:
        return ClientError(503, "server_error", "no_room", telling.detail, retry_after=SOON)
    wait = max(0.0, fail.retry_at - now) if fail.retry_at is not None else SOON
    message = _why(fail)
    # Too much of the client's is one thing, too much of everybody's another.
    throttled = telling is not None and telling.outcome in TOO_MUCH and not telling.overloaded
    others_first = fail.cause is Cause.NO_TARGET and not fail.refusals
    crowded = others_first or fail.cause in (Cause.QUEUE_FULL, Cause.WAIT)
    if throttled or crowded or _all(fail.refusals, LIMITS):
        return ClientError(429, "rate_limit_error", "no_capacity", message, retry_after=wait)
    return ClientError(503, "server_error", "no_target", message, retry_after=wait)


def _caller(fail: Fail, telling: Report, now: float) -> ClientError:
    unsent = telling.phase is Phase.CONNECT
    code = "content_filter" if telling.outcome is Outcome.FILTERED else "invalid_request"
    code = "unsupported" if unsent else code
    who = "no target takes" if unsent else "the provider refused"
    error = _wrong(code, f"{who} the request: {telling.detail}")
    if telling.outcome is Outcome.UNFIT:
        # Others may take it, once they can: then coming back helps.
        others = [one for one in fail.refusals.values() if one.refusal not in LENGTH | WRITTEN]
        known = telling.unclassified is None
        error.hopeless = known and not others and fail.cause is Cause.NO_TARGET
        ends = [one.until for one in others if now < one.until < NEVER]
        error.retry_after = min(ends) - now if ends else None
    return error


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
    why = _words(fail.refusals)
    return f"{fail.cause.value} ({why})" if why else fail.cause.value


def _words(refusals: Mapping[str, Refused]) -> str:
    """What is there for others alone is not named, nor what was not asked for: it may be, too."""
    told = {n: one for n, one in refusals.items() if one.refusal not in UNNAMED}
    return "; ".join(f"{name}: {refused.words}" for name, refused in told.items())


def not_allowed(what: str, tenant: Tenant) -> ClientError:
    """A tenant asked for what its `may` does not name."""
    message = f"the tenant {tenant.name!r} may not choose a {what}: `may: [{what}]` allows it"
    return ClientError(403, "permission_error", "not_allowed", message, hopeless=True)


def wrong_header(what: str, message: str) -> ClientError:
    """A caller wishes in a header for a policy or a target that there is not."""
    header = f"x-router-{what}"
    return ClientError(
        400,
        "invalid_request_error",
        "invalid_header",
        f"{header}: {message}",
        header,
        hopeless=True,
    )
