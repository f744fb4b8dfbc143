"""The paths that clients use, and what is done with each before the pipeline takes over.

Identity is asked first, before a body is read: who has no key costs nothing. Errors are in the
dialect of the path.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from random import Random
from time import time
from typing import Final
from urllib.parse import unquote

import msgspec

from router.caller import Caller
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.contract import Call, ClientError
from router.dialects.openai.dialect import OPENAI
from router.dialects.responses.dialect import RESPONSES
from router.front.exchange import Headers, Inbound, Refused, Responder
from router.front.guard import check_content_type
from router.front.paths import CALLS, COUNTING, MODEL, MODELS, VERSION, dialect_at
from router.front.wishes import wishes_of
from router.headers import upward
from router.idempotency.claim import claim_of, key_of
from router.runtime import Runtime
from router.sink import Sink
from router.stored.about import About, about, verbs_at
from router.telemetry.journal import Journal, RefusalRecord
from router.tenants.identity import Tenant
from router.tokenizers.counting import Counting

JSON: Final = {"content-type": "application/json"}
KINDS: Final = {401: "authentication_error", 403: "permission_error", 500: "server_error"}

Endpoint = Callable[[Inbound, Responder], Awaitable[object]]
Run = Callable[[Call, Caller, Sink], Awaitable[object]]
Ask = Callable[[About, Caller, Sink], Awaitable[object]]


class Api:
    """Answers clients. `run` is the life of a request, which may raise `ClientError` before its
    answer begins, and `ask` that of one about what is kept; `ready` is false while the process
    starts or drains.
    """

    def __init__(
        self,
        run: Run,
        ask: Ask,
        runtime: Callable[[], Runtime],
        journal: Journal,
        ready: Callable[[], bool],
        rng: Random,
    ) -> None:
        self._run = run
        self._ask_about = ask
        self._runtime = runtime
        self._journal = journal
        self._ready = ready
        self._rng = rng
        self._counting = Counting()
        self._endpoints: dict[str, dict[str, Endpoint]] = {
            **{path: {"POST": self._ask} for path in CALLS},
            COUNTING: {"POST": self._count},
            MODELS: {"GET": self._models},
            "/healthz": {"GET": self._healthz},
            "/readyz": {"GET": self._readyz},
        }

    def __call__(self, inbound: Inbound, responder: Responder) -> Awaitable[object]:
        """Answer one request."""
        return self._endpoint(inbound)(inbound, responder)

    def refuse(self, error: Exception, inbound: Inbound) -> tuple[int, Headers, bytes] | None:
        """Render what the listener refuses, or a `ClientError`."""
        if isinstance(error, Refused):
            return self._not_taken(error, inbound.path)
        if not isinstance(error, ClientError):
            return None
        tenant = self._known(inbound)
        who = tenant.name if tenant is not None else ""
        refused = self._refused(error.status, error.code, who)
        headers = {**JSON, **self._standing(inbound), **error.headers(), **refused}
        if error.status == 401:
            headers["www-authenticate"] = "Bearer"
        elif error.status == 405:
            headers["allow"] = ", ".join(self._methods(inbound.path))
        return error.status, headers, dialect_at(inbound.path, inbound.headers).error(error)

    def _not_taken(self, refused: Refused, path: str) -> tuple[int, Headers, bytes]:
        kind = KINDS.get(refused.status, "invalid_request_error")
        error = ClientError(
            refused.status, kind, refused.code, refused.message, hopeless=refused.status < 500
        )
        headers = {**JSON, **error.headers(), **self._refused(refused.status, refused.code)}
        return refused.status, headers, dialect_at(path).error(error)

    def _refused(self, status: int, code: str, tenant: str = "") -> dict[str, str]:
        """Report a refusal; the header by which its client and the log know it."""
        record = RefusalRecord(self._request_id(), status, code, tenant)
        self._journal.refused(record)
        return {"x-request-id": record.request_id}

    def _request_id(self) -> str:
        return "req_" + self._rng.getrandbits(128).to_bytes(16, "big").hex()

    def _endpoint(self, inbound: Inbound) -> Endpoint:
        methods = self._methods(inbound.path)
        if not methods:
            known = ", ".join(self._endpoints)
            message = f"there is nothing at {inbound.path[:200]!r}; known paths: {known}"
            raise ClientError(404, "invalid_request_error", "unknown_path", message, hopeless=True)
        method = "GET" if inbound.method == "HEAD" else inbound.method
        if method not in methods:
            message = f"{inbound.path} takes {' and '.join(methods)}, not {inbound.method[:20]}"
            raise ClientError(
                405, "invalid_request_error", "method_not_allowed", message, hopeless=True
            )
        return methods[method]

    def _methods(self, path: str) -> dict[str, Endpoint]:
        if path.startswith(MODEL):
            return {"GET": self._model}
        return self._endpoints.get(path) or dict.fromkeys(verbs_at(path), self._about)

    def _ask(self, inbound: Inbound, responder: Responder) -> Awaitable[object]:
        caller = self._caller(inbound)
        body = inbound.at_hand()
        if body is None:
            return self._ask_later(inbound, caller, responder)
        return self._run(self._call(inbound, caller, body), caller, responder)

    async def _ask_later(self, inbound: Inbound, caller: Caller, responder: Responder) -> None:
        call = self._call(inbound, caller, await inbound.body())
        await self._run(call, caller, responder)

    def _caller(self, inbound: Inbound) -> Caller:
        headers = inbound.headers
        tenant = self._identify(inbound)
        if (refused := check_content_type(headers)) is not None:
            raise refused
        wishes = wishes_of(headers)
        key_of(headers)  # one that cannot be a key is refused before a body is read
        dialect = CALLS[inbound.path][1]
        return Caller(self._request_id(), tenant, dialect, upward(headers), wishes)

    def _call(self, inbound: Inbound, caller: Caller, body: bytes) -> Call:
        if (key := key_of(inbound.headers)) is not None:
            tenant, where = caller.tenant.name, caller.wishes.where
            caller.claim = claim_of(tenant, inbound.path, key, body, where)
        call = caller.dialect.parse(body, CALLS[inbound.path][0])
        call.id, call.at = caller.request_id, int(time())
        return call

    async def _count(self, inbound: Inbound, responder: Responder) -> None:
        """Ask a target to count tokens, or give our own estimate where none does."""
        caller = self._caller(inbound)
        body = inbound.at_hand()
        call = self._call(inbound, caller, await inbound.body() if body is None else body)
        runtime = self._runtime()
        if not runtime.admits(call.model, caller.tenant) or runtime.counts(call.model, caller):
            await self._run(call, caller, responder)
            return
        if (tokenizers := runtime.tokenizers.get(call.model)) is not None:
            call.counted = await self._counting.count(call, tokenizers)
        told = {"x-request-id": caller.request_id, "x-router-degraded": "estimated"}
        headers = {**JSON, **self._standing(inbound), **told}
        await responder.send(200, headers, ANTHROPIC.estimated(call))

    def _about(self, inbound: Inbound, responder: Responder) -> Awaitable[object]:
        """What is kept of an answer: asked of the account that made it."""
        headers, tenant = inbound.headers, self._identify(inbound)
        wishes = wishes_of(headers)
        caller = Caller(self._request_id(), tenant, RESPONSES, upward(headers), wishes)
        asked = about(inbound.method, inbound.path, inbound.query)
        return self._ask_about(asked, caller, responder)

    async def _models(self, inbound: Inbound, responder: Responder) -> None:
        names = self._runtime().models(self._identify(inbound))
        dialect = ANTHROPIC if VERSION in inbound.headers else OPENAI
        headers = {**JSON, **self._standing(inbound)}
        await responder.send(200, headers, dialect.models(names))

    async def _model(self, inbound: Inbound, responder: Responder) -> None:
        tenant, runtime = self._identify(inbound), self._runtime()
        name = unquote(inbound.path.removeprefix(MODEL))
        if not (runtime.admits(name, tenant) and runtime.may_serve(name, tenant)):
            raise runtime.unknown(name, tenant)
        since = runtime.listed.get(name, 0)
        dialect = ANTHROPIC if VERSION in inbound.headers else OPENAI
        await responder.send(200, {**JSON, **self._standing(inbound)}, dialect.model(name, since))

    async def _healthz(self, inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, JSON, b'{"status":"ok"}')

    async def _readyz(self, inbound: Inbound, responder: Responder) -> None:
        ready = self._ready()
        await responder.send(200 if ready else 503, JSON, msgspec.json.encode({"ready": ready}))

    def _standing(self, inbound: Inbound) -> dict[str, str]:
        """How the limits of whoever asks stand, for an answer that takes nothing of them."""
        tenant = self._known(inbound)
        if tenant is None or tenant.allowances is None:
            return {}
        return tenant.allowances.headers(get_running_loop().time())

    def _known(self, inbound: Inbound) -> Tenant | None:
        headers = inbound.headers
        tenants = self._runtime().tenants
        return tenants.identify(headers.get("authorization"), headers.get("x-api-key"))

    def _identify(self, inbound: Inbound) -> Tenant:
        tenant = self._known(inbound)
        if tenant is None:
            message = (
                "send `Authorization: Bearer <key>`, or `x-api-key: <key>`, with one of "
                "`tenants.<name>.keys`"
            )
            raise ClientError(
                401, "authentication_error", "invalid_api_key", message, hopeless=True
            )
        return tenant
