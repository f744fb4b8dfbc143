"""The life of a request. Read this first.

    identify → admit → replay → course → reply

A request comes from the front as a `Call`, with its tenant known and its wishes read. `run`
admits it, asks the engine for its course, and does what the course says until an answer is
whole or nothing is left: send, stop, wait, fail. What the client is told goes into a sink.
Everything that was taken is settled in one `finally`, whatever happens: finished, failed,
client gone, process draining. What has an `Idempotency-Key` is run once: who sends it again is
given the answer of the first time, for which nothing is taken. What is taken of a tenant's own
limits is settled there too.

No HTTP is spoken here, no provider is known by name, and nothing is decided about where to
send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from policies import Band, Course, Policy, Request
from policies.engine.showing.record import Record
from policies.policy import NO_ABILITIES, NO_FEATURES, UNBARRED
from router.begun import Begin
from router.bell import Bell
from router.caller import NONE, Caller, Wishes
from router.course import Way
from router.dialects.contract import IN_WORDS, Call, ClientDialect, Operation
from router.estimating import brought
from router.failures import not_allowed, wrong_header
from router.idempotency.once import Once
from router.idempotency.recording import Room
from router.idempotency.store import Memory, Store
from router.ladder import Descent
from router.passage import Passage
from router.quota.sharing import Sharing
from router.reply import Reply
from router.runtime import Overhear, Runtime
from router.sink import Sink
from router.stored.accounts import confined_by
from router.stored.owners import Owners
from router.stored.relay import Relay
from router.telemetry.decisions import Decisions
from router.telemetry.journal import Journal, Reader
from router.tenants.allowance import Allowance
from router.tenants.identity import Tenant
from router.tenants.metering import Metering
from router.tokenizers.counting import Counting
from router.upstream.fetch import Fetcher

SPARE_BELLS: Final = 1000
CONFINED: Final[frozenset[Operation]] = frozenset({"embeddings", "responses"})
"""Kinds of calls that not every target may be able to serve, by what they are or refer to."""


class Pipeline:
    """Runs requests. `runtime` gives the configuration in force; the clock is the loop's; in
    `decisions` some of them, or all, leave a record; in `answers` those of requests with keys are
    kept (None: in a memory of its own); `fetcher` brings the files that providers want as bytes;
    `owners` know which account made what (None: in this process alone); what is to be copied,
    `overhear` hears of (None: nothing is); requests for models with a cascade are begun by
    `cascade`.
    """

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        journal: Journal,
        loop: asyncio.AbstractEventLoop,
        decisions: Decisions | None = None,
        answers: Store | None = None,
        fetcher: Fetcher | None = None,
        owners: Owners | None = None,
        overhear: Overhear | None = None,
    ) -> None:
        self._runtime = runtime
        self._decisions = decisions
        self._journal = journal
        self._loop = loop
        self._overhear = overhear
        self.cascade: Begin | None = None
        self._running: set[Passage] = set()
        self._counting = Counting()
        self._bells: list[Bell] = []
        self._fetcher = Fetcher() if fetcher is None else fetcher
        store = Memory() if answers is None else answers
        self._once = Once(store, journal, loop.time, Room())
        self.owners = Owners(loop.time) if owners is None else owners
        self._relay = Relay(runtime, self.owners, loop)
        self.about = self._relay.run

    async def run(self, call: Call, caller: Caller, sink: Sink) -> bool:
        """Answer `call` into `sink`; whether the answer is whole. Raises `ClientError` for what is
        not admitted, or is too much for its tenant's limits; everything later is said to the sink.
        """
        runtime = self._runtime()
        if runtime.tokenizers:
            runtime = await self._count(call, caller.tenant, runtime)
        if call.operation == "responses":
            await self._refer(call, caller)
            runtime = self._runtime()
        clock, now = self._loop.time, self._loop.time()
        request = admit(call, caller, runtime, now, self.owners)
        if (claim := caller.claim) is not None:
            # It comes back here without the claim, unless there is an answer already.
            return await self._once.answer(claim, self.run, call, replace(caller, claim=None), sink)
        allowance, allowances = None, caller.tenant.allowances
        if allowances is not None:
            allowance = allowances.admit(call, caller.dialect, request, now)
        journal: Reader = self._journal if allowance is None else Metering(allowance, self._journal)
        if runtime.shadows and self._overhear is not None and call.model in runtime.shadows:
            sink, journal = self._overhear(call, caller, request, runtime, sink, journal)
        driven: Callable[..., Passage] = Passage
        if self.cascade is not None and call.model in runtime.cascades:
            request, driven = self.cascade(call, caller, request, runtime)
        bell = self._bells.pop() if self._bells else Bell(self._loop)
        decisions = self._decisions
        record = None if decisions is None else recorded(decisions, call, caller, runtime, now)
        course = runtime.engine.start(request, now, bell.wake, record)
        reply = Reply(caller, sink, clock, now, allowance)
        way: Way = course
        if call.model in runtime.ladders and may_descend(call, request):
            way = self._descent(course, reply, call, caller, request, runtime, bell)
        if runtime.fleet is not None:
            way = Sharing(way, runtime.fleet, bell, allowance)
        passage = driven(call, reply, runtime, way, bell, self._fetcher, journal)
        self._running.add(passage)
        try:
            return await passage.drive(self._running)
        finally:
            self._over(passage, allowance, bell)

    async def _refer(self, call: Call, caller: Caller) -> None:
        """Have remembered what comes of `call`, and learn whose that is to which it refers."""
        call.keep = self.owners.keeper(caller.tenant.name)
        if call.bound or call.traces:
            await self.owners.learn((*call.bound, *call.traces))

    async def _count(self, call: Call, tenant: Tenant, runtime: Runtime) -> Runtime:
        """Have the input counted by the tokenizers that the model's targets name, if any do. What
        is in force then may be another file.
        """
        tokenizers = runtime.tokenizers.get(call.model)
        if tokenizers is None or call.counted or not runtime.admits(call.model, tenant):
            return runtime
        call.counted = await self._counting.count(call, tokenizers)
        return self._runtime()

    def _over(self, passage: Passage, allowance: Allowance | None, bell: Bell) -> None:
        """Settle and give back what was taken for a request."""
        self._running.discard(passage)
        passage.close()
        if allowance is not None:
            allowance.settle(self._loop.time())
        if len(self._bells) < SPARE_BELLS:
            self._bells.append(bell)
        else:
            bell.close()

    def _descent(
        self, course: Course, reply: Reply, call: Call, caller: Caller, request: Request,
        runtime: Runtime, bell: Bell,
    ) -> Descent:  # fmt: skip
        """The course, and those of the models that `call` falls back on: by their own policies, and
        whether its tenant may ask for them or not, which is the operator's wish.
        """

        def start(model: str, only: frozenset[str] | None, rung: int) -> Course:
            barred = runtime.barred(caller, call.model, model)
            model = runtime.route(model, call, caller, None, barred)
            if only is None and runtime is not self._runtime():
                only = frozenset(runtime.upstreams)  # of another file's targets it knows nothing
            decisions, needs = self._decisions, runtime.needs.get(model)
            record = decisions.further(caller.request_id, rung) if decisions is not None else None
            lacking = runtime.lacking(call.operation, model)
            again = request._replace(
                model=model,
                only=only,
                policy=None,
                features=brought(call, caller, needs, runtime, model) if needs else NO_FEATURES,
                requires=required(call, caller.dialect, lacking) if lacking else NO_ABILITIES,
                barred=barred,
            )
            return runtime.engine.start(again, self._loop.time(), bell.wake, record)

        return Descent(course, runtime.ladders[call.model], reply, start)

    @property
    def running(self) -> int:
        """Requests under way."""
        beside = self._counting.running + self._once.replaying + self._relay.running
        return len(self._running) + beside

    def stop(self) -> None:
        """End every running request with an error that says so: the process is about to go."""
        for passage in list(self._running):
            passage.drain()


def recorded(
    decisions: Decisions, call: Call, caller: Caller, runtime: Runtime, now: float
) -> Record | None:
    """Where its decisions are to be kept; None: nowhere."""
    share = runtime.recorded.get(call.model, 0.0)
    return decisions.sample(caller.request_id, now, share, runtime.revision)


def admit(call: Call, caller: Caller, runtime: Runtime, now: float, owners: Owners) -> Request:
    """The request that the engine sees. Raises `ClientError` for what the tenant may not have."""
    tenant, wishes = caller.tenant, caller.wishes
    by_target = call.model in runtime.upstreams
    if (by_target or wishes.target is not None) and "target" not in tenant.may:
        raise not_allowed("target", tenant)
    if not runtime.admits(call.model, tenant):
        raise runtime.unknown(call.model, tenant)
    policy = None if wishes is NONE else granted(wishes, tenant, runtime)
    only = None
    if wishes.target is not None or call.operation in CONFINED:
        only = confined(call, caller, runtime, owners)
    barred = UNBARRED
    if runtime.barring.binds or wishes.only is not None:
        barred = runtime.barred(caller, call.model)
    model, seconds = call.model, runtime.deadlines[call.model]
    if runtime.shifts:
        model = runtime.route(model, call, caller, only, barred)
    if wishes.timeout is not None:
        seconds = min(seconds, wishes.timeout)
    needs = runtime.needs.get(model) if policy is None else policy.needs
    lacking = runtime.lacking(call.operation, model) if runtime.wary else None
    return Request(
        model,
        now + seconds,
        call.input_tokens,
        call.output_tokens,
        call.stream,
        only,
        policy,
        brought(call, caller, needs, runtime, call.model) if needs else NO_FEATURES,
        tenant.name,
        Band.STANDARD if wishes.priority is None else wishes.priority,
        required(call, caller.dialect, lacking) if lacking else NO_ABILITIES,
        caller.dialect.acts(call),
        call.counted,
        barred,
    )


def granted(wishes: Wishes, tenant: Tenant, runtime: Runtime) -> Policy | None:
    """The policy that was wished for. Raises `ClientError` where it, or the priority, is not for
    this tenant, or there is no such policy.
    """
    name = wishes.policy
    if name is not None and "policy" not in tenant.may:
        raise not_allowed("policy", tenant)
    if wishes.priority is not None and "priority" not in tenant.may:
        raise not_allowed("priority", tenant)
    policy = runtime.policies.get(name) if name is not None else None
    if name is not None and policy is None:
        raise wrong_header("policy", f"no policy {name!r}; known: {', '.join(runtime.policies)}")
    return policy


def may_descend(call: Call, request: Request) -> bool:
    """Whether another model, or a text, can stand in: for answers in words, unless a target was
    named.
    """
    return request.only is None and call.operation in IN_WORDS


def required(call: Call, dialect: ClientDialect, lacking: frozenset[str]) -> frozenset[str]:
    """What of `lacking` a target must not lack to serve `call`: what it brings, and its kind."""
    has = dialect.features(call, lacking & dialect.FEATURES)
    return frozenset(name for name in lacking if name == call.operation or has.get(name))


def confined(call: Call, caller: Caller, runtime: Runtime, owners: Owners) -> frozenset[str] | None:
    """The targets to which `call` is confined: the one that was wished for, or those whose
    embeddings can be compared, or those of the account that keeps what it refers to; None: it is
    not. Raises `ClientError` where there are none.
    """
    target, only = caller.wishes.target, None
    if target is not None:
        if target not in runtime.upstreams:
            raise wrong_header("target", f"no target {target!r} is declared and switched on")
        only = frozenset({target})
    elif call.operation == "embeddings":
        return runtime.embedders(call.model)
    if not (call.bound or call.stays or call.traces):
        return only
    targets = only or runtime.reached(call.model) or frozenset({call.model})
    tenant, alone = caller.tenant.name, runtime.tenants.alone
    keepers = confined_by(call, targets, runtime.accounts, owners, tenant, alone=alone)
    return only if keepers is None else keepers
