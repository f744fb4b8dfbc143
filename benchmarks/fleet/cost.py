"""What it costs to ask the fleet: CPU of a request through the pipeline alone, with limits of this
instance, and with the same limits shared through a real server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import uvloop

from benchmarks.nothing import NullSink, call, caller, runtime
from policies import Facts, Limits, Rate, Route, Target
from router.pipeline import Pipeline
from router.quota.bounds import Settled, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide
from router.runtime import Runtime
from router.telemetry.counters import Counters
from router.telemetry.journal import Journal
from tests.router.quota.servers import server

IN_FLIGHT, EACH, ROUNDS = 64, 100, 7
LIMITS = Limits([Rate(10**9, 60)], [Rate(10**12, 60)], 10**6)


class Deaf:
    """Is told how the server is. A round in which it is away measures nothing."""

    def __init__(self) -> None:
        self.outages = 0

    def away(self, why: str) -> None:
        self.outages += 1

    def still_away(self, why: str, *, lasting: bool) -> None: ...

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        return ()


def cost() -> None:
    """Print the figures, for one target and for eight."""
    with TemporaryDirectory() as folder, server(Path(folder)) as url:
        for targets in (1, 8):
            uvloop.run(compared(url, targets))


async def compared(url: str, targets: int) -> None:
    """Rounds in turn, at 64 requests in flight."""
    loop = asyncio.get_running_loop()
    redis = Redis(url, "bench")
    deaf = Deaf()
    shared = Shared(redis, "bench", deaf)
    await shared.start()
    alone = runtime(targets, None, loop.time())
    names = list(alone.upstreams)
    route = Route([Target(name) for name in names])
    alone.engine.replace({"m": route}, dict.fromkeys(names, Facts(LIMITS)), loop.time())
    bounds = {name: bounds_of("bench", name, LIMITS) for name in names}
    fleet = replace(alone, fleet=Fleetwide("bench", shared, bounds, {}, {}))
    own: list[float] = []
    asked: list[float] = []
    while len(own) < ROUNDS:
        own.append(await round_of(alone))
        asked.append(await round_of(fleet))
        if deaf.outages:
            deaf.outages = 0
            own.pop()
            asked.pop()
            await asyncio.sleep(1)
    await shared.close()
    await redis.close()
    more = median(b - a for a, b in zip(own, asked, strict=True))
    print(
        f"{targets} target(s) with all limits, {IN_FLIGHT} in flight: {median(own):.1f} µs a "
        f"request alone, {median(asked):.1f} in a fleet: {more:.1f} more (≤ 20)",
        flush=True,
    )


async def round_of(running: Runtime) -> float:
    """CPU µs of a request."""
    journal = Journal([Counters()], lambda *_: None)
    pipeline = Pipeline(lambda: running, journal, asyncio.get_running_loop())
    request, who, sink = call(stream=False), caller(), NullSink()

    async def some() -> None:
        for _ in range(EACH):
            await pipeline.run(request, who, sink)

    begin = process_time()
    await asyncio.gather(*[some() for _ in range(IN_FLIGHT)])
    return (process_time() - begin) / IN_FLIGHT / EACH * 1e6
