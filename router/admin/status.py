"""Everything at a glance, as JSON knows it: the page that operators look at first."""

from __future__ import annotations

from typing import Any

from policies import Measured, Tally, TargetSnapshot
from router.admin import tenants
from router.admin.explain import number
from router.admin.state import State
from router.cascade import shown as cascade
from router.config import Config, place_words
from router.fleet import shown as fleet
from router.overrides import shown as overrides
from router.quota import shown as shared
from router.shifts import shown as shifts
from router.telemetry.lines import shown as lines


def status(state: State) -> dict[str, Any]:
    """Everything at a glance, as JSON knows it."""
    now, together = state.clock(), state.together
    return {
        "ready": state.ready,
        "revision": state.runtime.revision,
        "uptime_s": round(now - state.started, 1),
        "running": state.running(),
        "log_lines_dropped": state.dropped(),
        "config": {
            "path": state.config.path.name,
            "loaded_s_ago": round(now - state.loaded, 1),
            "errors": state.errors,
            "notes": [str(note) for note in state.config.notes],
        },
        "decisions": None if state.writer is None else lines.shown(state.writer),
        "shared": None if together is None else shared.shown(together, now),
        "fleet": None if together is None else fleet.shown(together.fleet, now),
        "overrides": overrides.shown(state.overrides),
        "shifts": shifts.brief(state.shifting),
        "kept": {"where": state.kept.where, "why_not": state.kept.why or None},
        "models": _models(state),
        "cascades": cascade.all_of(state.cascades.lanes(state.runtime.cascades)),
        "targets": _targets(state, now),
        "tenants": tenants.shown(state.runtime.tenants, now),
        "requests": [
            {"tenant": tenant, "model": model, "status": code, "end": end, "count": count}
            for (tenant, model, code, end), count in state.counters.requests.items()
        ],
        "attempts": [
            {"target": target, "outcome": outcome, "phase": phase, "count": count}
            for (target, outcome, phase), count in state.counters.attempts.items()
        ],
    }


def _models(state: State) -> dict[str, Any]:
    return {
        name: {
            "policy": route.policy.name,
            "tiers": [{target.name: target.weight for target in tier} for tier in route.tiers],
            "off": state.runtime.off.get(name),
        }
        for name, route in state.config.models.items()
    }


def _targets(state: State, now: float) -> dict[str, Any]:
    return {
        name: {
            **_target(snapshot, now),
            "last_failure": _failure(state, name, now),
            "model": _model(state.config, name),
        }
        for name, snapshot in state.runtime.engine.snapshot(now).items()
    }


def _model(config: Config, target: str) -> dict[str, Any]:
    """What is known of a target's model, whoever said it: null is unknown. Prices are in dollars
    per million tokens.
    """
    provider, model = config.target(target)
    price = model.price
    return {
        "context": model.context,
        "input_price": None if price.input is None else price.input / 1000,
        "output_price": None if price.output is None else price.output / 1000,
        "lacks": sorted(model.lacks),
        "upstream": model.name,
        "service_tier": model.service_tier,
        "provisioned": model.provisioned,
        "region": provider.region,
        **place_words(model.place),
    }


def _failure(state: State, target: str, now: float) -> dict[str, Any] | None:
    """How the last attempt on a target that failed did, in words that quote nobody."""
    record = state.counters.last_failure.get(target)
    if record is None:
        return None
    return {
        "outcome": record.report.outcome.word,
        "phase": record.report.phase.value,
        "detail": record.report.detail,
        "s_ago": round(now - record.ended, 1),
    }


def _error(tally: Tally) -> float | None:
    """By what share of what was counted expectations were wrong; None: nothing was counted."""
    return round(tally.off / tally.counted, 3) if tally.counted else None


def _level(level: Measured, now: float) -> dict[str, Any]:
    """What a target's provider says of one of its limits."""
    return {
        "limit_of": level.name,
        "left": number(level.left),
        "limit": level.limit,
        "in_file": level.written,
        "span_s": level.span,
        "whole_in_s": number(max(0.0, level.whole - now)),
        "used_by_others": level.foreign,
        "share_in_force": level.share,
        "believed": level.believed,
    }


def _target(snapshot: TargetSnapshot, now: float) -> dict[str, Any]:
    return {
        "state": snapshot.state,
        "cause": snapshot.cause,
        "for_s": number(max(0.0, snapshot.until - now)),
        "health": round(snapshot.factors.score, 3),
        "availability": round(snapshot.factors.availability, 3),
        "latency": round(snapshot.factors.latency, 3),
        "ramp": round(snapshot.factors.ramp, 3),
        "first_token_s": snapshot.first_token,
        "per_token_s": snapshot.per_token,
        "in_flight": snapshot.in_flight,
        "requests_left": number(snapshot.requests_left),
        "tokens_left": number(snapshot.tokens_left),
        "input_left": number(snapshot.input_left),
        "output_left": number(snapshot.output_left),
        "places_left": number(snapshot.places_left),
        "estimates": {
            "factor": round(snapshot.factor, 3),
            "input_error": _error(snapshot.inputs),
            "output_error": _error(snapshot.answers),
        },
        "provider_says": [_level(level, now) for level in snapshot.said],
        "nonsense_headers": snapshot.nonsense,
        "provisioned_used": snapshot.used,
    }
