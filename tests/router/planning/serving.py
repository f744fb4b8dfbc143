"""A router that runs on a file, in virtual time: what it does with requests that come at instants
that are known. What a plan says it would do is held against it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple, cast

import msgspec

from policies import Engine
from policies.simulate import Arrival
from router.building import build
from router.building.assembly import runtime_of
from router.caller import Caller, Wishes
from router.config import load
from router.dialects.openai.dialect import OPENAI
from router.pipeline import Pipeline
from router.telemetry.decisions import Decision, Decisions, Origin
from router.telemetry.journal import Journal, RequestRecord
from router.telemetry.lines.line import Line
from router.telemetry.lines.making import lines_of
from router.tenants.identity import DEFAULT
from router.upstream.http import Http
from tests.router.clock import JumpingLoop
from tests.router.scene import Kept, failed
from tests.router.scripted import Client

WRITTEN = 6
"""Tokens of an answer: each is an event."""


class Served(NamedTuple):
    """What became of the requests: each target's part of what was sent, nano-dollars a request, the
    median wait for the first token, the share without an answer; and the requests as they were
    counted.
    """

    shares: dict[str, float]
    cost: float
    median: float
    errors: float
    arrivals: list[Arrival]


def serve(path: Path, arrivals: Sequence[Arrival], records: Path | None = None) -> Served:
    """Let a router with this file answer them all, each streamed; and write what was decided."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        served, lines = runner.run(_serve(path, arrivals))
    if records is not None:
        records.write_bytes(msgspec.json.Encoder().encode_lines(lines))
    return served


async def _serve(path: Path, arrivals: Sequence[Arrival]) -> tuple[Served, list[Line]]:
    loop = asyncio.get_running_loop()
    lines: list[Line] = []

    def write(decision: Decision, end: RequestRecord) -> None:
        lines.extend(lines_of(decision, end, "5f0c", loop.time()))

    config = load(path, {})
    routes, kept = build.routes_of(config), Kept()
    engine = Engine(routes, facts=build.facts_of(config), rng=Random(1), now=loop.time())
    upstreams = build.upstreams_of(config, {}, cast("Http", None))
    runtime = runtime_of(config, routes, engine, upstreams)
    runtime = replace(runtime, recorded={"chat": 1.0})
    decisions = Decisions(Origin("5f0c", 1, 0.0), 0, write=write)
    pipeline = Pipeline(lambda: runtime, Journal([kept, decisions], failed), loop, decisions)

    async def one(number: int, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.at)
        words = "word " * arrival.input_tokens
        body = {"model": arrival.model, "messages": [{"role": "user", "content": words}]}
        call = OPENAI.parse(json.dumps({**body, "stream": True}).encode(), "chat")
        caller = Caller(f"req_{number}", DEFAULT, OPENAI, {}, Wishes(), None)
        await pipeline.run(call, caller, Client())

    await asyncio.gather(*(one(number, arrival) for number, arrival in enumerate(arrivals)))
    return _summed(config, kept), lines


def _summed(config: Any, kept: Kept) -> Served:
    sends = Counter(attempt.target for attempt in kept.attempts)
    spent = 0
    for attempt in kept.attempts:
        report, price = attempt.report, config.target(attempt.target)[1].price
        if report.outcome.good:
            spent += price.input * (report.input_tokens or 0)
            spent += price.output * (report.output_tokens or 0)
    requests = kept.requests
    waits = [each.first - each.started for each in requests if each.first is not None]
    return Served(
        {target: count / sends.total() for target, count in sends.items()},
        spent / len(requests),
        median(waits),
        sum(each.end != "ok" for each in requests) / len(requests),
        [
            Arrival(
                each.started,
                each.input_tokens or 0,
                each.output_tokens or WRITTEN,
                model=each.model,
                tenant=each.tenant,
            )
            for each in requests
        ],
    )
