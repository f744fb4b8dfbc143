"""What the engine says of itself, in words for people: one place for all of them, and nothing but
words. Every number, and the present instant, is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from policies.engine.learning.breaker import State, Trip, Why
from policies.engine.outcome import Outcome, Phase, Report
from policies.engine.refusal import NEVER, Cause, Refusal, Refused
from policies.engine.showing.amounts import ago, count, duration, share, short
from policies.engine.showing.bounds import Bound, Full
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.limits.headroom import Measured
    from policies.engine.showing.views import View

ENDED = {
    Outcome.OK: "answered",
    Outcome.FAILED: "failed",
    Outcome.THROTTLED: "throttled it",
    Outcome.SPILLED: "had its capacity used up",
    Outcome.DENIED: "denied it",
    Outcome.UNFIT: "cannot take it",
    Outcome.REJECTED: "rejected it",
    Outcome.FILTERED: "filtered it",
    Outcome.ABANDONED: "was given up",
}
PHASES = {
    Phase.CONNECT: "never reached",
    Phase.HEAD: "before an answer began",
    Phase.FIRST_TOKEN: "before its first content",
    Phase.BODY: "in the middle of its answer",
}
SPANS = {1.0: "/s", 60.0: "/min", 3600.0: "/hour", 86_400.0: "/day"}
"""Usual ones, as the file writes them."""
LESS = 0.995
"""A factor that rounds to 100 % is not worth a word."""


def of_trip(trip: Trip) -> str:
    """Why a target was ejected."""
    peers = "" if trip.others is None else f", its peers {share(trip.others)}"
    match trip.why:
        case Why.ROW:
            return f"{trip.bad} failures in a row{peers}"
        case Why.SHARE:
            return f"{trip.bad} of the last {trip.of} failed{peers}"
        case Why.SILENCE:
            return f"{count(trip.bad, 'request')} past their time without a first token"
        case Why.FATE:
            return f"others of {trip.group} are ejected"
        case Why.PROBE:
            return "the last look at it failed"


def of_breaker(
    state: State, trip: Trip | None, since: float, until: float, ramp: float, now: float
) -> str:
    """Why a breaker stands where it stands, since when, and what comes next; empty where there is
    nothing to say.
    """
    if state is State.HEALTHY:
        return ""
    if state is State.RECOVERING:
        kind = "new" if trip is None else "recovering"
        return f"{kind} for {duration(now - since)}, at {share(ramp)} of its share"
    if trip is None:
        return str(state.value)
    look = "is due" if until <= now else f"in {duration(until - now)}"
    after = "a look is under way" if state is State.PROBING else f"next look {look}"
    return f"ejected {ago(now - trip.at)}: {of_trip(trip)}; {after}"


def of_pause(refusal: Refusal, until: float, denials: int, now: float) -> str:
    """Why nothing is sent to a target before an instant, though it is well."""
    left = duration(max(0.0, until - now))
    match refusal:
        case Refusal.RESTING:
            return f"rests for {left}: its provider asked for it (429 or 529)"
        case Refusal.SPILLED:
            return f"{refusal.value} for {left}"
        case Refusal.DENIED:
            often = {0: "", 1: " once"}.get(denials, f" {denials} times")
            return f"denied{often}: its credential, model or bill; asked again in {left}"
        case Refusal.LIMITED:
            return f"limited: room for this request in {left}"
        case _:
            return f"{refusal.value}, for {left}"


def of_places(full: Full) -> str:
    """Whose places are taken."""
    told = f"busy: {full.open} of {full.places} in flight"
    if full.learned:
        return f"{told}, which is what it bore when it was last overloaded"
    return f"{told} over all of {full.group}" if full.group else told


def of_bound(bound: Bound) -> str:
    """Whose limit it is, and what is left of it."""
    what = bound.counts.replace("_", " ")
    span = SPANS.get(bound.seconds, f" in {duration(bound.seconds)}")
    whose = f"all of {bound.group} together has" if bound.group else "it has"
    told = f"{whose} {max(0, bound.left):,} of {bound.amount:,} {what}{span} left"
    needed = f", and the request needs about {bound.needs:,}"
    return told + ("" if bound.counts == "requests" else needed)


def of_level(level: Measured, now: float) -> str:
    """What a provider says is left of one of its limits."""
    what = level.name.replace("-", " ")
    told = f"its provider leaves {max(0, level.left):,.0f}"
    told += f" {what}" if level.limit is None else f" of {level.limit:,} {what}"
    if now < level.whole < NEVER:
        told += f", all again in {duration(level.whole - now)}"
    if level.share < 1:
        told += f"; refused although there was room, so {share(level.share)} of the limit are used"
    if level.foreign:
        told += f"; {level.foreign:,} were used by others"
    return told


def of_refusal(refused: Refused, view: View, now: float) -> str:
    """What keeps a target from serving a request."""
    refusal, until, _ = refused
    match refusal:
        case Refusal.EJECTED:
            return _breaker(view, now) or str(refusal.value)
        case Refusal.BUSY if view.full is not None:
            return of_places(view.full)
        case Refusal.LIMITED if until < NEVER:
            return _limited(view, until, now)
        case _ if until < NEVER:
            return of_pause(refusal, until, view.denials, now)
        case _:
            return refused.words


def of_cost(view: View) -> str:
    """What a request would take on a target."""
    seconds, start, per_token = view.predicted, view.start, view.per_token
    if seconds is None:
        return "not measured yet"
    told = f"would take {duration(seconds)}"
    if start is not None and per_token and seconds > start:
        tokens = count(round((seconds - start) / per_token), "token")
        part = ", a stream's counting in part" if view.stream else ""
        first = f"{duration(start)} to the first token + " if start else ""
        told += f": {first}{tokens} at {duration(per_token)}{part}"
    return told


def of_view(
    view: View, now: float, odds: float | None = None, terms: str = "", first: int = 0
) -> str:
    """What keeps a target from serving a request, else factor by factor what it costs there.
    `odds` is its share of the next choices, where they were counted, `terms` what its policy says,
    and `first` the first tier that can serve.
    """
    if view.refused is not None:
        return of_refusal(view.refused, view, now)
    availability, latency, _ = view.factors
    parts = [_breaker(view, now), of_cost(view)]
    if view.load >= 1.05:
        parts.append(f"load {short(view.load)}")
    if availability < LESS:
        bad, total = view.failures
        failed = f"{bad} of the last {total} failed" if bad else "it failed lately"
        parts.append(f"{failed}, which leaves it {share(availability)} usable")
    if latency < LESS:
        # L is twice the usual wait over the present one.
        parts.append(f"its first token takes {short(2 / latency)} times what is usual")
    parts += _scarce(view, now)
    parts.append(terms)
    if odds is not None:
        parts.append(_gets(view, odds, first))
    return "; ".join(part for part in parts if part)


def _gets(view: View, odds: float, first: int) -> str:
    if odds >= LESS:
        return "gets all such requests"
    if odds > 0:
        return f"gets {share(odds)} of such requests"
    return f"gets none while tier {first + 1} can serve" if view.tier > first else "gets none now"


def _limited(view: View, until: float, now: float) -> str:
    """Which limit has no room for a request, when it will, and what else is scarce."""
    told = [of_pause(Refusal.LIMITED, until, view.denials, now)]
    binding = view.bound
    if isinstance(binding, Bound):
        told.append(of_bound(binding))
    elif binding is not None and not binding.scarce:
        told.append(of_level(binding, now))
    return "; ".join([*told, *_scarce(view, now)])


def _scarce(view: View, now: float) -> list[str]:
    return [of_level(level, now) for level in view.said if level.scarce]


def _breaker(view: View, now: float) -> str:
    ramp = view.factors.ramp
    return of_breaker(view.state, view.trip, view.since, view.until, ramp, now)


def of_request(request: Request, now: float) -> str:
    """What a request asks for."""
    told = f"asked for {request.model} with about {count(request.input_tokens, 'token')}"
    if request.output_tokens is not None:
        told += f", {request.output_tokens:,} at most to write"
    told += ", streamed" if request.stream else ""
    if request.only is not None:
        told += f", of {' or '.join(sorted(request.only))} alone"
    if request.requires:
        told += f", requires {' and '.join(sorted(request.requires))}"
    return f"{told}; {duration(max(0.0, request.deadline - now))} to answer"


def of_choice(target: str, policy: str, views: Sequence[View], now: float, *, probe: bool) -> str:
    """Who was chosen, by whom, and who could not be."""
    told = f"{policy} chose {target}"
    passed = []
    for view in views:
        if view.target == target:
            told += ", to see whether it is well again" if probe else f": {of_view(view, now)}"
        elif view.refused is not None:
            passed.append(f"{view.target} ({of_view(view, now)})")
    return f"{told}; not {', nor '.join(passed)}" if passed else told


def of_wait(cause: Cause, until: float, now: float) -> str:
    """What is waited for, and for how long at most."""
    if cause is Cause.ANSWER:
        return f"waits for the answer; looks again in {duration(max(0.0, until - now))}"
    return f"{cause.value}, {duration(max(0.0, until - now))} at most"


def of_going_on(among: Sequence[str]) -> str:
    """Who is asked for the rest of an answer that broke off."""
    return f"its answer broke off; the rest may come from {' or '.join(among)}"


def of_climbing(tier: int) -> str:
    """Who is asked instead of an answer that was not good enough."""
    return f"its answer does not pass the checks; tier {tier + 1} is asked"


def of_failure(
    cause: Cause, refusals: Mapping[str, Refused], retry_at: float | None, now: float
) -> str:
    """Why there is no answer, and when there may be one."""
    told = str(cause.value)
    if refusals:
        each = [f"{name}: {refused.words}" for name, refused in refusals.items()]
        told += f" ({'; '.join(each)})"
    if retry_at is not None and retry_at > now:
        told += f"; another try may help in {duration(retry_at - now)}"
    return told


def of_report(target: str, report: Report, seconds: float) -> str:
    """How an attempt ended, so many seconds after it was sent."""
    told = f"{target} {ENDED[report.outcome]}"
    if report.outcome is not Outcome.OK:
        told += f" ({PHASES[report.phase]})"
    told += f" after {duration(seconds)}"
    if report.detail:
        told += f": {report.detail}"
    if report.rest is not None:
        told += f", and asked for a rest of {duration(report.rest)}"
    if report.output_tokens is not None:
        about = "about " if report.estimated else ""
        told += f", {about}{count(report.output_tokens, 'token')} written"
    return told
