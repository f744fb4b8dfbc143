"""Shifts as operators see them: as JSON, as numbers for Prometheus, and as the line to write.

Pure. Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policies.shifting import Evidence, Progress, State, share, verdicts
from policies.shifting.guarding import COST, FIRST_TOKEN, Arms
from policies.shifting.verdicts import measured
from router.config.units import show_duration
from router.shifts.moving import Moving, hindrance
from router.shifts.shifting import Shifting
from router.shifts.words import did
from router.telemetry.prometheus import Metric

GOING = frozenset({State.RUNNING, State.HOLDING, State.PAUSED})


def shown(shifting: Shifting) -> dict[str, Any]:
    """All shifts of the file by their models."""
    return {
        "frozen": shifting.why or ("nobody leads" if shifting.frozen else None),
        "shifts": {one.model: one_shown(shifting, one) for one in shifting.moving.values()},
    }


def brief(shifting: Shifting) -> dict[str, Any]:
    """The same at a glance."""
    told = shown(shifting)
    keys = ("state", "share", "words", "to", "write")
    brief = {model: {key: one[key] for key in keys} for model, one in told["shifts"].items()}
    return {**told, "shifts": brief}


def one_shown(shifting: Shifting, one: Moving) -> dict[str, Any]:
    """One of them."""
    progress = shifting.progress(one.name)
    told = _progress(shifting, one, progress)
    return {
        "state": state(shifting, one, progress),
        "words": words(shifting, one, progress),
        **_moving(one),
        **told,
        "uncounted": one.name in shifting.uncounted,
        "leader": shifting.leaders.get(one.name) or None,
    }


def words(shifting: Shifting, one: Moving, progress: Progress | None) -> str:
    """How it stands, for people."""
    if progress is None:
        unreadable = shifting.unreadable(one.name)
        return "what is kept of it cannot be read" if unreadable else "it has not begun"
    for_ = show_duration(round(max(0.0, shifting.now - progress.since)))
    told = f"{state(shifting, one, progress)} for {for_}"
    if progress.cause:
        told += f": {progress.cause}"
    if hindered := _hindrance(shifting, one):
        told += f"; nothing of it moves meanwhile: {hindered}"
    if progress.state is not State.BACK:
        return told
    if progress.until is None:
        return f"{told}; it does not try again by itself"
    left = round(max(0.0, progress.until - shifting.now))
    return f"{told}; it tries again in {show_duration(left)}"


def _hindrance(shifting: Shifting, one: Moving) -> str:
    config = shifting.in_force() if shifting.in_force is not None else None
    route = config.models.get(one.model) if config is not None else None
    return "" if config is None or route is None else hindrance(config, route)


def metrics(shifting: Shifting) -> Iterable[Metric]:
    """Their numbers: requests and errors are those that this process has seen."""
    known = [(one, shifting.progress(one.name)) for one in shifting.moving.values()]
    arms: list[tuple[dict[str, object], Evidence]] = [
        ({"model": one.model, "arm": arm}, evidence)
        for one, _ in known
        for arm, evidence in shifting.gathering.arms(one.name)._asdict().items()
    ]
    yield (
        "shift_share", "gauge", "Share of the requests that the canary is given, 0 to 1.",
        [({"model": one.model}, 0.0 if its is None else share(its)) for one, its in known],
    )  # fmt: skip
    yield (
        "shift_state", "gauge", "1 for the state in which a shift is.",
        [({"model": one.model, "state": state(shifting, one, its)}, 1.0) for one, its in known],
    )  # fmt: skip
    yield (
        "shift_requests_total", "counter", "First attempts of each arm that say something of it.",
        [(labels, evidence.requests) for labels, evidence in arms],
    )  # fmt: skip
    yield (
        "shift_errors_total", "counter", "Those that the arm could not serve.",
        [(labels, evidence.failures) for labels, evidence in arms],
    )  # fmt: skip


def state(shifting: Shifting, one: Moving, progress: Progress | None) -> str:
    """In a word."""
    if progress is None:
        return "unreadable" if shifting.unreadable(one.name) else "waiting"
    return "frozen" if shifting.frozen and progress.state in GOING else progress.state.value


def _moving(one: Moving) -> dict[str, Any]:
    terms = one.terms
    return {
        "revision": one.revision,
        "targets": dict(one.targets),
        "to": dict(one.to),
        "steps": terms.steps,
        "interval_s": terms.interval,
        "least_requests": terms.least,
    }


def _progress(shifting: Shifting, one: Moving, progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        return {"share": 0.0, "write": None}
    now, step = shifting.now, Arms()
    if progress.counted.holds(progress.began):
        step = progress.counted.since(progress.began)
    left = None if progress.until is None else round(max(0.0, progress.until - now), 1)
    return {
        "share": share(progress),
        "cause": progress.cause,
        "since_s": round(max(0.0, now - progress.since), 1),
        "again_in_s": left if progress.state is State.BACK else None,
        "taken_back": progress.tries,
        "step": {arm: _arm(evidence) for arm, evidence in step._asdict().items()},
        "did": {arm: did(evidence) for arm, evidence in step._asdict().items()},
        "guards": [
            {
                "guard": verdict.guard,
                "says": verdict.says.value,
                "worse": round(verdict.worse, 4),
                "no_worse": round(verdict.no_worse, 4),
                "words": verdict.words,
            }
            for verdict in verdicts(one.terms, progress)
        ],
        "write": one.line if progress.state is State.DONE else None,
    }


def _arm(evidence: Evidence) -> dict[str, Any]:
    return {
        "requests": evidence.requests,
        "failures": evidence.failures,
        "first_token_p95_s": measured(FIRST_TOKEN, evidence),
        "cost_each": None if (each := measured(COST, evidence)) is None else each / 1e9,
    }
