"""Eight instances under one limit: how much of it they use, that they never use more, and what
becomes of both, and of latency, while Redis is away.

    python -m benchmarks.fleet [--only PART]

Instances are routers in processes of their own, the server is a real one, and a provider in this
process writes down what came when; so every figure is what the provider saw. Demand is about twice
what the limits allow, spread over the instances by Zipf's law, with bursts. It takes ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import monotonic
from typing import NamedTuple

from benchmarks.fleet.cost import cost
from benchmarks.fleet.instances import Demand, fleet
from benchmarks.fleet.provider import Provider, fullest, provided
from tests.router.quota.servers import Process, process, wait_until

SPAN = 60.0
LIMITS = {
    "requests": "requests: 600/min",
    "tokens": "tokens: 60k/min",
    "bounded": "tokens: 60k/min",
}
UNITS = {"requests": ("requests", 600), "tokens": ("tokens", 60_000), "bounded": ("tokens", 60_000)}
RATES = {"requests": 16.0, "tokens": 12.0, "bounded": 12.0}
MOST = {"bounded": 300}
"""Output tokens that a request may take; without a bound they are reserved by experience."""
STEADY, AWAY, AFTER = 180.0, 150.0, 70.0


class Scene(NamedTuple):
    """What a part of the benchmark plays with."""

    folder: Path
    instances: list[str]
    provider: Provider
    redis: Process


def main() -> None:
    """Print the figures."""
    parts: dict[str, Callable[[], None]] = {
        "cost": cost,
        "limits": lambda: asyncio.run(limits()),
        "hole": lambda: asyncio.run(hole()),
        "news": lambda: asyncio.run(news()),
    }
    parser = argparse.ArgumentParser(prog="benchmarks.fleet")
    parser.add_argument("--only", choices=parts)
    only = parser.parse_args().only
    load = os.getloadavg()[0]
    print(f"CPython {platform.python_version()}, load {load:.1f}", flush=True)
    for name, part in parts.items():
        if only in {None, name}:
            part()


@asynccontextmanager
async def scene(limits: dict[str, str]) -> AsyncIterator[Scene]:
    """A fleet with these limits, by model."""
    with TemporaryDirectory() as name, process(Path(name)) as redis:
        async with provided() as provider:
            with fleet(Path(name), limits, provider.port, redis.port) as instances:
                yield Scene(Path(name), instances, provider, redis)


async def limits() -> None:
    """Use of the limits while Redis is there, while it is killed, and after it came back empty."""
    async with scene(LIMITS) as (folder, instances, provider, redis):
        demand = Demand(instances, RATES, MOST)
        begin = monotonic()
        running = asyncio.create_task(demand.run(SPAN + STEADY + AWAY + AFTER))
        await asyncio.sleep(SPAN + STEADY)
        used("Redis is there", provider, begin + SPAN, begin + SPAN + STEADY)
        lost = sum(log.read_text().count(" are away, ") for log in folder.glob("log-*"))
        print(f"  of an instance, {lost} times the server was late", flush=True)
        redis.kill()
        gone = monotonic()
        await asyncio.sleep(AWAY)
        used("Redis was killed", provider, gone, gone + AWAY)
        redis.start()
        wait_until(redis.answers)
        back = monotonic()
        await running
        used("Redis is back, empty", provider, back, back + AFTER)
        wrong = {end: n for end, n in demand.ended.items() if end[-3:] not in {"200", "429"}}
        print(f"  answers that were neither 200 nor 429: {wrong or 'none'}", flush=True)


def used(when: str, provider: Provider, begin: float, end: float) -> None:
    """What came between two instants, beside the limits; windows of a minute may begin before."""
    print(f"{when} ({end - begin:.0f} s); of the limit:", flush=True)
    for model, (units, limit) in UNITS.items():
        came = provider.since(model, begin - SPAN)
        windows = [
            total
            for one, total in zip(came, fullest(came, SPAN, units), strict=True)
            if begin <= one.at < end
        ]
        within = [one for one in came if begin <= one.at < end]
        total = sum(1 if units == "requests" else one.used for one in within)
        share = total / (limit * (end - begin) / SPAN)
        high = quantiles(windows, n=100)[-1]
        print(
            f"  {model:9} used {share:.3f}; windows: 99 % within {high / limit:.3f}, "
            f"most {max(windows) / limit:.3f}",
            flush=True,
        )


async def hole() -> None:
    """Latency while the server takes what it is sent, and says nothing."""
    async with scene({"plenty": "requests: 100k/min"}) as (_, instances, _, redis):
        demand = Demand(instances, {"plenty": 60.0}, {})
        running = asyncio.create_task(demand.run(25.0))
        await asyncio.sleep(10.0)
        stopped = monotonic()
        redis.stop()
        await asyncio.sleep(10.0)
        redis.go_on()
        await running
        for when, begin, end in (
            ("before", stopped - 8, stopped),
            ("in the first second", stopped, stopped + 1),
            ("after it", stopped + 1, stopped + 10),
        ):
            took = [seconds for at, seconds, _ in demand.took if begin <= at < end]
            middle, high = quantiles(took, n=100)[49], quantiles(took, n=100)[-1]
            print(
                f"  {when:20} median {middle * 1000:6.1f} ms, 99 % {high * 1000:6.1f} ms, "
                f"most {max(took) * 1000:6.1f} ms ({len(took)} requests)",
                flush=True,
            )
        print(f"  answers: {dict(demand.ended)}", flush=True)


async def news() -> None:
    """How soon siblings leave a target alone that asked one of them for a rest."""
    late = []
    for _ in range(5):
        async with scene({"resting": "concurrent: 1000"}) as (_, instances, provider, _):
            demand = Demand(instances, {"resting": 200.0}, {})
            running = asyncio.create_task(demand.run(4.0))
            await asyncio.sleep(2.0)
            provider.rests["resting"] = 30
            await asyncio.sleep(1.0)
            at = provider.refused_at["resting"]
            after = [one.at - at for one in provider.since("resting", at)]
            late.append(max(after, default=0.0))
            running.cancel()
            await asyncio.wait([running])
    told = ", ".join(f"{seconds * 1000:.0f}" for seconds in sorted(late))
    print(f"the last request of a sibling after a rest was asked for: {told} ms (≤ 50)", flush=True)


if __name__ == "__main__":
    main()
