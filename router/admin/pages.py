"""The admin listener's pages. They show what the process knows; they change nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from policies import Measured, Tally, TargetSnapshot
from router.admin import config as configured
from router.admin import tenants
from router.admin.decisions import listing, one
from router.admin.explain import explain, number
from router.admin.question import BadQuestion, decoded
from router.config import Config, Secret
from router.dialects.contract import ClientError
from router.fleet import shown as fleet
from router.front.exchange import Headers, Inbound, Refused, Responder
from router.front.guard import check_admin_token
from router.quota import shown as shared
from router.runtime import Runtime
from router.telemetry.counters import Counters
from router.telemetry.decisions import Decisions
from router.telemetry.prometheus import prometheus

if TYPE_CHECKING:
    from router.quota.together import Together

JSON = {"content-type": "application/json"}
DECISION = "/decisions/"
TEXT = {"content-type": "text/plain; version=0.0.4; charset=utf-8"}


class State:
    """What the pages read; the application keeps it true. `errors` are those of the last file
    that was refused, empty when the file in force is the newest; it was `tried` last at that
    instant. `changes` are what the last reload changed, in words. `running` counts requests under
    way, `dropped` the log lines that nobody took; `decisions` is None where no record is made,
    `together` where this instance stands alone.
    """

    def __init__(
        self, config: Config, runtime: Runtime, counters: Counters, clock: Callable[[], float]
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.counters = counters
        self.clock = clock
        self.started = clock()
        self.loaded = self.tried = clock()
        self.errors: tuple[str, ...] = ()
        self.changes: tuple[str, ...] = ()
        self.ready = False
        self.decisions: Decisions | None = None
        self.together: Together | None = None
        self.running: Callable[[], int] = lambda: 0
        self.dropped: Callable[[], int] = lambda: 0


class Pages:
    """Answers the admin listener's requests."""

    def __init__(self, state: State, token: Secret | None) -> None:
        self._state = state
        self._token = token
        self._pages: dict[tuple[str, str], Callable[[Inbound, Responder], Awaitable[None]]] = {
            ("GET", "/status"): self._status,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/healthz"): self._healthz,
            ("GET", "/config"): self._config,
            ("GET", "/decisions"): self._decisions,
            ("POST", "/explain"): self._explain,
        }

    async def __call__(self, inbound: Inbound, responder: Responder) -> None:
        """Answer one request."""
        if self._token is not None and (
            refused := check_admin_token(inbound.headers, self._token.reveal())
        ):
            raise refused
        method, path = inbound.method.replace("HEAD", "GET"), inbound.path
        page = self._pages.get((method, path))
        if method == "GET" and path.startswith(DECISION):
            page = self._decision
        if page is None:
            known = ", ".join(f"{method} {path}" for method, path in self._pages)
            raise Refused(404, "unknown_path", f"this listener knows {known}")
        await page(inbound, responder)

    @staticmethod
    def refuse(refused: Exception, inbound: Inbound) -> tuple[int, Headers, bytes] | None:  # noqa: ARG004 - one dialect here
        """Render what is refused, as application/problem+json (RFC 9457)."""
        if not isinstance(refused, Refused):
            return None
        body = {"title": refused.code, "status": refused.status, "detail": refused.message}
        headers = {"content-type": "application/problem+json"}
        if refused.status == 401:
            headers["www-authenticate"] = "Bearer"
        return refused.status, headers, msgspec.json.encode(body)

    async def _healthz(self, inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, JSON, b'{"status":"ok"}')

    async def _status(self, inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, JSON, msgspec.json.encode(status(self._state)))

    async def _config(self, inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, JSON, msgspec.json.encode(configured.shown(self._state)))

    async def _metrics(self, inbound: Inbound, responder: Responder) -> None:
        state = self._state
        targets = state.runtime.engine.snapshot(state.clock())
        limited = tenants.limited_of(state.runtime.tenants)
        one = state.together
        together = () if one is None else (*shared.metrics(one), *fleet.metrics(one.fleet))
        further = (*configured.metrics(state), *together)
        running, dropped = state.running(), state.dropped()
        text = prometheus(state.counters, targets, running, dropped, limited, further)
        await responder.send(200, TEXT, text.encode())

    async def _decisions(self, inbound: Inbound, responder: Responder) -> None:
        decisions = self._recorded()
        asked = asked_of(inbound.query)
        found = islice(decisions.newest(asked.model, asked.end), asked.limit)
        told = listing(decisions, self._state.counters.reloads["ok"], found)
        await responder.send(200, JSON, msgspec.json.encode(told))

    async def _decision(self, inbound: Inbound, responder: Responder) -> None:
        decision = self._recorded().find(inbound.path.removeprefix(DECISION))
        if decision is None:
            raise Refused(404, "no_such_decision", "it was not recorded, or is no longer kept")
        await responder.send(200, JSON, msgspec.json.encode(one(decision)))

    def _recorded(self) -> Decisions:
        if self._state.decisions is None:
            raise Refused(
                404, "no_decisions", "no decision is recorded: server.decisions.keep is 0"
            )
        return self._state.decisions

    async def _explain(self, inbound: Inbound, responder: Responder) -> None:
        state, body = self._state, await inbound.body()
        try:
            told = explain(state.runtime, state.config, state.clock(), decoded(body))
        except BadQuestion as error:
            raise Refused(400, "invalid_question", str(error)) from None
        except ClientError as error:
            raise Refused(error.status, error.code, error.message) from None
        await responder.send(200, JSON, msgspec.json.encode(told))


class Asked(NamedTuple):
    """Which decisions are asked for, and how many at most."""

    limit: int = 20
    model: str | None = None
    end: str | None = None


def asked_of(query: str) -> Asked:
    """What a query asks for. Raises `Refused` for what it cannot."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    limit = given.pop("limit", "20")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
        raise Refused(400, "invalid_query", "limit is a number: /decisions?limit=20")
    model, end = given.pop("model", None), given.pop("end", None)
    if given:
        raise Refused(400, "invalid_query", "/decisions knows ?limit=, ?model= and ?end=")
    return Asked(int(limit), model, end)


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
        "shared": None if together is None else shared.shown(together, now),
        "fleet": None if together is None else fleet.shown(together.fleet, now),
        "models": {
            name: {
                "policy": route.policy.name,
                "tiers": [{target.name: target.weight for target in tier} for tier in route.tiers],
                "off": state.runtime.off.get(name),
            }
            for name, route in state.config.models.items()
        },
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
    _, model = config.target(target)
    price = model.price
    return {
        "context": model.context,
        "input_price": None if price.input is None else price.input / 1000,
        "output_price": None if price.output is None else price.output / 1000,
        "lacks": sorted(model.lacks),
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
    }
