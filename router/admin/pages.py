"""The admin listener's pages: which path is which page, and who may ask.

Those that only show what the process knows are here; a room with pages of its own brings them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from router.admin import config as configured
from router.admin import tenants
from router.admin.decisions import listing, one
from router.admin.explain import as_read, explain, foretold, received
from router.admin.question import BadQuestion, Question, Sent, decoded
from router.admin.state import State
from router.admin.status import status
from router.cascade import shown as cascade
from router.config import Secret
from router.dialects.contract import ClientError
from router.fleet import shown as fleet
from router.front.exchange import Headers, Inbound, Refused, Responder
from router.front.guard import check_admin_token, check_json
from router.overrides import shown as overrides
from router.quota import shown as shared
from router.shifts import shown as shifts
from router.telemetry.decisions import Decisions
from router.telemetry.lines import shown as lines
from router.telemetry.prometheus import prometheus

JSON = {"content-type": "application/json"}
DECISION = "/decisions/"
GONE = "it was not recorded, or is no longer kept: server.decisions says how many are"
Page = Callable[[Inbound, Responder], Awaitable[None]]
Places = Mapping[tuple[str, str], Page]
"""Pages by method and path; a path with a slash at its end is that of all that are below it."""
TEXT = {"content-type": "text/plain; version=0.0.4; charset=utf-8"}


class Pages:
    """Answers the admin listener's requests: by its own pages, and by `further` ones."""

    def __init__(self, state: State, token: Secret | None, further: Places) -> None:
        self._state = state
        self._token = token
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", "/status"): self._status,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/healthz"): self._healthz,
            ("GET", "/config"): self._config,
            ("GET", "/decisions"): self._decisions,
            ("GET", DECISION): self._decision,
            ("POST", "/explain"): self._explain,
            **further,
        }

    async def __call__(self, inbound: Inbound, responder: Responder) -> None:
        """Answer one request."""
        if self._token is not None and (
            refused := check_admin_token(inbound.headers, self._token.reveal())
        ):
            raise refused
        if refused := check_change(inbound):
            raise refused
        method, path = inbound.method.replace("HEAD", "GET"), inbound.path
        page = self._pages.get((method, path)) or self._above(method, path)
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

    def _above(self, method: str, path: str) -> Page | None:
        for (verb, above), page in self._pages.items():
            if verb == method and above.endswith("/") and path.startswith(above):
                return page
        return None

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
        written = () if state.writer is None else lines.metrics(state.writer)
        said = (*overrides.metrics(state.overrides), *shifts.metrics(state.shifting))
        copies = () if state.shadows is None else state.shadows.metrics(state.runtime.shadows)
        cascades = cascade.metrics([*state.cascades.lanes(state.runtime.cascades)])
        further = (*configured.metrics(state), *said, *written, *together, *copies, *cascades)
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
            raise Refused(404, "no_such_decision", GONE)
        await responder.send(200, JSON, msgspec.json.encode(one(decision)))

    def _recorded(self) -> Decisions:
        if self._state.decisions is None:
            raise Refused(
                404,
                "no_decisions",
                "no decision is recorded: server.decisions.keep is 0; write how many to keep",
            )
        return self._state.decisions

    async def _explain(self, inbound: Inbound, responder: Responder) -> None:
        try:
            told = await self._explained(decoded(await inbound.body()))
        except BadQuestion as error:
            raise Refused(400, "invalid_question", str(error)) from None
        except ClientError as error:
            raise Refused(error.status, error.code, error.message) from None
        await responder.send(200, JSON, msgspec.json.encode(told))

    async def _explained(self, question: Question | Sent) -> dict[str, Any]:
        state = self._state
        if isinstance(question, Question):
            lane = state.cascades.of(question.model, state.runtime.cascades)
            return explain(state.runtime, state.config, state.clock(), question, lane)
        call, caller = received(state.runtime, question)
        request = await state.foreseen(call, caller)
        lane = state.cascades.of(request.model, state.runtime.cascades)
        told = foretold(state.runtime, state.config, state.clock(), request, lane)
        return {**told, "request": as_read(call, caller, request)}


def check_change(inbound: Inbound) -> Refused | None:
    """Say why a request may change nothing here. What has another method than POST, a browser sends
    for another origin's page only after it asked, and the listener refuses that.
    """
    if inbound.method != "POST" or inbound.path == "/explain":
        return None
    return check_json(inbound.headers)


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
