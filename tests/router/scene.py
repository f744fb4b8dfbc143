"""A pipeline with everything round it that a request needs, and nothing that touches a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from policies import (
    Candidate,
    Engine,
    Facts,
    Policy,
    Request,
    Retry,
    Route,
    Target,
    WeightedRoundRobin,
)
from router.building.choosing import needs_of
from router.caller import Caller, Wishes
from router.dialects.contract import NO_FIELDS, Fields, Operation
from router.dialects.hints import Hint
from router.dialects.openai.dialect import OPENAI, SPOKEN, OpenAI
from router.estimating import Estimating
from router.idempotency.claim import claim_of
from router.idempotency.store import Store
from router.ladder import Ladder
from router.pipeline import Pipeline
from router.runtime import Runtime
from router.telemetry.decisions import Decisions
from router.telemetry.journal import (
    AttemptRecord,
    Journal,
    Reader,
    RefusalRecord,
    RequestRecord,
)
from router.tenants.identity import EVERYTHING, Tenant, Tenants
from router.upstream.transport import Timeouts, Upstream
from tests.router.scripted import Client, Script, Scripted

MESSAGES = [{"role": "user", "content": "Say hello."}]
ALL = Tenant("all", EVERYTHING)


@dataclass(frozen=True)
class InOrder:
    """Takes the first that can serve, in the order of the route."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def fresh(self) -> None:
        """Nothing."""

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: None,
        now: float,
        rng: Random,
    ) -> Candidate:
        return candidates[0]


class Kept:
    """A reader of the journal that keeps it."""

    def __init__(self) -> None:
        self.attempts: list[AttemptRecord] = []
        self.requests: list[RequestRecord] = []

    def attempt(self, record: AttemptRecord) -> None:
        self.attempts.append(record)

    def request(self, record: RequestRecord) -> None:
        self.requests.append(record)

    def refused(self, record: RefusalRecord) -> None:
        raise AssertionError("the pipeline does not report refusals at the door")


class Scene:
    """The model `chat` with a target for every name in `scripts`, asked in that order; the targets
    of a `ladder` are models of their own, and not of `chat`.
    """

    def __init__(
        self,
        scripts: Mapping[str, Iterable[Script]],
        *,
        deadline: float = 60.0,
        attempts: int = 3,
        facts: Mapping[str, Facts] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - a value
        ask_usage: bool = True,
        policy: Policy | None = None,
        decisions: Decisions | None = None,
        alike: Mapping[str, frozenset[str]] | None = None,
        resume: Mapping[str, bool] | None = None,
        answers: Store | None = None,
        ladder: Ladder | None = None,
        dialect: OpenAI = OPENAI,
        one_model: bool = False,
        estimators: Mapping[str, Estimating] | None = None,
        tiered: bool = False,
        more: Fields = NO_FIELDS,
        hint: Hint | None = None,
        hinted: bool = True,
    ) -> None:
        """`one_model`: what stands behind the slash is the upstream's name of the model; `tiered`:
        each target of `chat` is a tier.
        """
        loop = asyncio.get_running_loop()
        self.kept = Kept()
        self.forgiven = 0
        self.transport = Scripted(scripts)
        retry = Retry(attempts=attempts)
        apart = {name for rung in (ladder.models if ladder else ()) for name in rung.targets}
        names = [name for name in scripts if name not in apart]
        targets = [Target(name, tier=at * tiered) for at, name in enumerate(names)]
        routes = {"chat": Route(targets, policy or InOrder(), retry)}
        routes |= {name: Route([Target(name)], InOrder(), retry) for name in scripts}
        self.routes = routes
        self.engine = Engine(routes, rng=Random(1), now=loop.time(), facts=facts)
        self.runtime = Runtime(
            revision="1",
            engine=self.engine,
            upstreams={
                name: Upstream(
                    target=name,
                    model=name.partition("/")[2] if one_model else f"model-of-{name}",
                    speaks=SPOKEN if dialect is OPENAI else dict.fromkeys(SPOKEN, dialect),
                    transport=self.transport,
                    timeouts=timeouts,
                    ask_usage=ask_usage,
                    more=more,
                    hints={} if hint is None else {"chat": hint},
                )
                for name in scripts
            },
            tenants=Tenants((), ALL),
            deadlines=dict.fromkeys(routes, deadline),
            targets={"chat": frozenset(scripts)},
            off={"asleep": "nobody has a key"},
            policies={"weighted_round_robin": WeightedRoundRobin()},
            listed={"chat": 0, "charm": 0},
            needs=needs_of(routes, estimators or {}),
            estimators=estimators or {},
            alike=alike or {},
            ladders={} if ladder is None else {"chat": ladder},
            resume=resume or {},
            hinted=frozenset({"chat"} if hinted and hint else ()),
        )
        readers: list[Reader] = [self.kept]
        if decisions is not None:
            readers.append(decisions)
        journal = Journal(readers, failed)
        self.pipeline = Pipeline(lambda: self.runtime, journal, loop, decisions, answers)

    async def ask(
        self,
        sink: Client | None = None,
        *,
        wishes: Wishes = Wishes(),  # noqa: B008 - a value
        tenant: Tenant = ALL,
        headers: Mapping[str, str] | None = None,
        request_id: str = "req_1",
        key: str | None = None,
        **fields: Any,
    ) -> Client:
        """Ask for an answer in one piece; `stream=True`, and any other field, as a client would."""
        body = json.dumps({"model": "chat", "messages": MESSAGES, **fields}).encode()
        return await self.ask_raw(
            body,
            sink,
            wishes=wishes,
            tenant=tenant,
            headers=headers,
            request_id=request_id,
            key=key,
        )

    async def ask_raw(
        self,
        body: bytes,
        sink: Client | None = None,
        *,
        wishes: Wishes = Wishes(),  # noqa: B008 - a value
        tenant: Tenant = ALL,
        headers: Mapping[str, str] | None = None,
        request_id: str = "req_1",
        operation: Operation = "chat",
        key: str | None = None,
    ) -> Client:
        sink = sink or Client()
        claim = None if key is None else claim_of(tenant.name, operation, key, body)
        caller = Caller(request_id, tenant, OPENAI, headers or {}, wishes, claim)
        try:
            await self.pipeline.run(OPENAI.parse(body, operation), caller, sink)
        finally:
            if not self.pipeline.running:
                self.nothing_is_left()
        assert sink.ended
        return sink

    @property
    def asked(self) -> list[str]:
        """The targets that were sent something, in order."""
        return [sent.target for sent in self.transport.sent]

    @property
    def outcomes(self) -> list[str]:
        """How each attempt ended."""
        reports = [record.report for record in self.kept.attempts]
        return [f"{report.outcome.value} {report.phase.value}" for report in reports]

    @property
    def request(self) -> RequestRecord:
        """The one record of the one request."""
        (record,) = self.kept.requests
        return record

    def nothing_is_left(self) -> None:
        """Every attempt is settled and reported once, every exchange is over."""
        assert self.engine.in_flight == 0
        assert all(sent.exchange.over for sent in self.transport.sent)
        assert len(self.kept.attempts) == len(self.transport.sent) - self.forgiven
        numbers = [(one.request_id, one.model, one.number) for one in self.kept.attempts]
        assert len(self.kept.requests) > 1 or len(set(numbers)) == len(numbers)


def failed(reader: str, error: Exception) -> None:
    """A reader of the journal must not."""
    raise error


def read_by_sdk(client: Client) -> list[ChatCompletionChunk]:
    """What OpenAI's own SDK makes of a streamed answer; raises what it raises."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(client.status, headers=client.headers, content=client.body)

    transport = httpx2.MockTransport(reply)
    with openai.OpenAI(
        api_key="k",
        base_url="http://nowhere.invalid/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=transport),
    ) as sdk:
        return list(sdk.chat.completions.create(model="m", messages=[], stream=True))


def words_of(client: Client) -> str:
    """The text of a streamed answer, as the SDK reads it."""
    chunks = read_by_sdk(client)
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def comments_of(client: Client) -> list[str]:
    """The comments between the events."""
    lines = client.body.decode().splitlines()
    return [line.removeprefix(": ") for line in lines if line.startswith(":")]


def events_of(client: Client) -> bytes:
    """All but the comments."""
    events = client.body.split(b"\n\n")
    return b"".join(event + b"\n\n" for event in events if event and not event.startswith(b":"))


def looks_whole(client: Client) -> bool:
    """Whether a client could take what it got for a whole answer."""
    return b"[DONE]" in client.body or b'"finish_reason": "stop"' in client.body
