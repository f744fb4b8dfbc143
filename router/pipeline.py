"""The life of a request. Read this first.

    identify → admit → replay → course → reply

A request comes from the front as a `Call`, with its tenant known and its wishes read. `run`
admits it, asks the engine for its course, and does what the course says until an answer is
whole or nothing is left: send, stop, wait, fail. What the client is told goes into a sink.
Everything that was taken is settled in one `finally`, whatever happens: finished, failed,
client gone, process draining. What has an `Idempotency-Key` is run once: who sends it again is
given the answer of the first time, for which nothing is taken.

No HTTP is spoken here, no provider is known by name, and nothing is decided about where to
send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from policies import Band, Request
from policies.policy import NO_FEATURES
from router.bell import Bell
from router.caller import Caller
from router.dialects.contract import Call, ClientError
from router.idempotency.once import Once
from router.idempotency.recording import Room
from router.idempotency.store import Memory, Store
from router.passage import Passage
from router.reply import Reply
from router.runtime import Runtime
from router.sink import Sink
from router.telemetry.decisions import Decisions
from router.telemetry.journal import Journal
from router.tenants.identity import Tenant

SPARE_BELLS = 1000
STANDARD = Band.STANDARD


class Pipeline:
    """Runs requests. `runtime` gives the configuration in force; the clock is the loop's; in
    `decisions` some of them, or all, leave a record; in `answers` those of requests with keys are
    kept (None: in a memory of its own).
    """

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        journal: Journal,
        loop: asyncio.AbstractEventLoop,
        decisions: Decisions | None = None,
        answers: Store | None = None,
    ) -> None:
        self._runtime = runtime
        self._decisions = decisions
        self._journal = journal
        self._loop = loop
        self._running: set[Passage] = set()
        self._bells: list[Bell] = []
        store = Memory() if answers is None else answers
        self._once = Once(store, journal, loop.time, Room())

    async def run(self, call: Call, caller: Caller, sink: Sink) -> bool:
        """Answer `call` into `sink`; whether the answer is whole, and no error.

        Raises `ClientError` for a request that is not admitted; everything later is said to the
        sink.
        """
        runtime = self._runtime()
        clock = self._loop.time
        now = clock()
        request = admit(call, caller, runtime, now)
        if (claim := caller.claim) is not None:
            # It comes back here without the claim, unless there is an answer already.
            unclaimed = replace(caller, claim=None)
            return await self._once.answer(claim, self.run, call, unclaimed, sink)
        bells = self._bells
        bell = bells.pop() if bells else Bell(self._loop)
        decisions = self._decisions
        record = decisions.sample(caller.request_id, now) if decisions is not None else None
        course = runtime.engine.start(request, now, bell.wake, record)
        reply = Reply(caller, sink, clock, now)
        passage = Passage(call, caller, reply, runtime, course, bell, self._journal, clock)
        self._running.add(passage)
        try:
            return await passage.drive(self._running)
        finally:
            self._running.discard(passage)
            passage.close()
            if len(bells) < SPARE_BELLS:
                bells.append(bell)
            else:
                bell.close()

    @property
    def running(self) -> int:
        """Requests under way."""
        return len(self._running) + self._once.replaying

    def stop(self) -> None:
        """End every running request with an error that says so: the process is about to go."""
        for passage in list(self._running):
            passage.drain()


def admit(call: Call, caller: Caller, runtime: Runtime, now: float) -> Request:
    """The request that the engine sees. Raises `ClientError` for what the tenant may not have."""
    tenant, (timeout, target, named, priority) = caller.tenant, caller.wishes
    model = call.model
    if (model in runtime.upstreams or target is not None) and "target" not in tenant.may:
        raise not_allowed("target", tenant)
    if not runtime.admits(model, tenant):
        raise runtime.unknown(model, tenant)
    if named is not None and "policy" not in tenant.may:
        raise not_allowed("policy", tenant)
    if priority is not None and "priority" not in tenant.may:
        raise not_allowed("priority", tenant)
    policy = None
    if named is not None and (policy := runtime.policies.get(named)) is None:
        raise _wrong(
            "x-router-policy", f"no policy {named!r}; known: {', '.join(runtime.policies)}"
        )
    only = None
    if target is not None or call.operation == "embeddings":
        only = confined(call, target, runtime)
    seconds = runtime.deadlines[model]
    if timeout is not None:
        seconds = min(seconds, timeout)
    needs = runtime.needs.get(model) if policy is None else policy.needs
    return Request(
        model,
        now + seconds,
        call.input_tokens,
        call.output_tokens,
        call.stream,
        only,
        policy,
        caller.dialect.features(call, needs) if needs else NO_FEATURES,
        tenant.name,
        STANDARD if priority is None else priority,
    )


def confined(call: Call, target: str | None, runtime: Runtime) -> frozenset[str] | None:
    """The targets to which `call` is confined: the one that was wished for, or those whose
    embeddings can be compared; None: it is not. Raises `ClientError` where there are none.
    """
    if target is None:
        return runtime.embedders(call.model)
    if target not in runtime.upstreams:
        raise _wrong("x-router-target", f"no target {target!r} is declared and switched on")
    return frozenset({target})


def not_allowed(what: str, tenant: Tenant) -> ClientError:
    """A tenant asked for what its `may` does not name."""
    message = f"the tenant {tenant.name!r} may not choose a {what}: `may: [{what}]` allows it"
    return ClientError(403, "permission_error", "not_allowed", message, hopeless=True)


def _wrong(header: str, message: str) -> ClientError:
    return ClientError(
        400,
        "invalid_request_error",
        "invalid_header",
        f"{header}: {message}",
        header,
        hopeless=True,
    )
