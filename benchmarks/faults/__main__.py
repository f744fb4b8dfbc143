"""What failing costs: the time that a failover adds, how late a silence is noticed, the CPU of
paths that end in errors beside that of good requests, and whether a storm of errors leaves the
router responsive.

    python -m benchmarks.faults

The router runs on one core, as an operator starts it; its clients and its provider are on the
other. Times are medians with the 95th percentile; CPU is the scheduler's accounting, as a median of
rounds. Run it twice before believing it.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import sysconfig
from collections.abc import Iterator
from itertools import repeat
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

import uvloop

from benchmarks.faults.client import HEALTH, Client, asking
from benchmarks.faults.provider import LATER, faulty
from benchmarks.faults.router import FRESH, LIMIT, Served, served
from benchmarks.wire.account import cores, started_on, time

PROBES = 60
TIMES = 2
"""Requests of each fresh account."""
ROUNDS = 5
STORM, RATE, CLIENTS = 4.0, 2000, 40
"""Seconds, requests a second, connections."""


def main() -> None:
    """Print the figures."""
    if sys.platform != "linux":
        sys.exit("CPU time is read from the scheduler's accounting under /proc: this needs Linux")
    optimised = "PGO" if "optimiz" in (sysconfig.get_config_var("CONFIG_ARGS") or "") else "plain"
    load = os.getloadavg()[0]
    print(f"CPython {platform.python_version()} ({optimised} build), load {load:.1f}\n")
    uvloop.run(measure())


async def measure() -> None:
    async with faulty() as port:
        with served(port) as router, started_on(cores()[1]):
            names = {fault: fresh(fault) for fault in FRESH}
            await failovers(router, names)
            await silences(router, names)
            await cpu(router, names)
            await storms(router)


def fresh(fault: str) -> Iterator[str]:
    """Routes whose first target will fail, and has not yet failed often."""
    for number in range(FRESH[fault]):
        for _ in range(TIMES):
            yield f"{fault}-{number}-route"


async def failovers(router: Served, names: dict[str, Iterator[str]]) -> None:
    """Time beside a good stream's, one request at a time, good and bad in turn."""
    client = await Client.to(router.address)
    took: dict[str, list[float]] = {"good": [], "cut": [], "refused": []}
    for _ in range(PROBES):
        for case, seconds in took.items():
            model = "stream" if case == "good" else next(names[case])
            told = await client.post(model, stream=True)
            assert (told.status, told.error) == (200, False), (case, told)
            seconds.append(told.ended)
    await client.close()
    good = median(took["good"])
    print(f"a good stream takes {good * 1000:.2f} ms; more than that, in ms:")
    told_of("a failover after a cut before content", [s - good - LATER for s in took["cut"]], 10)
    told_of("a failover after a refused connection", [s - good for s in took["refused"]], 5)


async def silences(router: Served, names: dict[str, Iterator[str]]) -> None:
    """How long after its limit a silence has its consequence, twenty at a time."""
    print(f"\nafter a limit of {LIMIT * 1000:.0f} ms, in ms:")
    for case, what in (
        ("stall", "a stream that stalls after content: the error event"),
        ("silent", "a provider that says nothing: the answer, from elsewhere"),
    ):
        late = []
        for _ in range(3):
            clients = [await Client.to(router.address) for _ in range(20)]
            models = [next(names[case]) for _ in clients]
            posts = [c.post(m, stream=True) for c, m in zip(clients, models, strict=True)]
            for told in await asyncio.gather(*posts):
                assert told.error == (case == "stall"), (case, told)
                began = told.first if case == "stall" else 0.0
                late.append(told.ended - began - LIMIT)
            await asyncio.gather(*[client.close() for client in clients])
        told_of(what, late, 100)


def told_of(what: str, seconds: list[float], most: float) -> None:
    """One line: the median and the 95th percentile, in ms, and what is allowed."""
    high = quantiles(seconds, n=20)[-1]
    print(f"  {what:58} {median(seconds) * 1000:6.2f}, 95 % {high * 1000:6.2f} (≤ {most:g})")


class Case(NamedTuple):
    """A request, what it must end in, and how many of it make a round."""

    what: str
    model: str
    stream: bool = False
    status: int = 200
    error: bool = False
    requests: int = 200


CASES = [
    Case("an answer in one piece", "whole"),
    Case("  a 400, relayed", "rejects", status=400, error=True),
    Case("  too long for the first, answered by the second", "misfit"),
    Case("  too long for both", "unfit", status=400, error=True),
    Case("  nobody listens, so nobody is tried any more", "down", status=503, error=True),
    Case("a stream", "stream", stream=True),
    Case("  a refused connection, answered by the second", "refused", stream=True, requests=80),
    Case("  cut before content, answered by the second", "cut", stream=True, requests=80),
    Case("  cut after content", "cut_after", stream=True, error=True, requests=80),
]


async def cpu(router: Served, names: dict[str, Iterator[str]]) -> None:
    """CPU of the router for one request, each case in each round."""
    spent: dict[str, list[float]] = {case.what: [] for case in CASES}
    for turn in range(ROUNDS + 1):
        for case in CASES:
            models = names.get(case.model) or repeat(case.model)
            before = time(router.pid).on
            await crowd(router, case, [next(models) for _ in range(case.requests)])
            if turn:  # the first warms up
                spent[case.what].append((time(router.pid).on - before) / case.requests * 1e6)
    print("\nCPU µs of one request, and beside a good one of its kind:")
    beside = 1.0
    for what, each in spent.items():
        cost = median(each)
        beside = beside if what.startswith(" ") else cost
        ratio = f"{cost / beside:.2f} × (≤ 3)" if cost != beside else ""
        print(f"  {what:58} {cost:6.0f} ({min(each):.0f}–{max(each):.0f})  {ratio}")


async def crowd(router: Served, case: Case, models: list[str]) -> None:
    """Ask these models, over eight connections."""

    async def some(mine: list[str]) -> None:
        client = await Client.to(router.address)
        for model in mine:
            told = await client.post(model, stream=case.stream)
            status = 503 if told.status == 502 else told.status  # failed, or not asked any more
            assert (status, told.error) == (case.status, case.error), (model, told)
        await client.close()

    await asyncio.gather(*[some(models[number::8]) for number in range(8)])


async def storms(router: Served) -> None:
    """Failing requests at a fixed rate, and how long `/healthz` takes meanwhile."""
    print(f"\n{RATE:,} failing requests a second for {STORM:g} s, and /healthz every 20 ms:")
    for what, model in (
        ("400s, relayed", "rejects"),
        ("too long for both: two attempts each", "unfit"),
        ("nobody left", "down"),
    ):
        before = time(router.pid)
        over = perf_counter() + STORM
        each = [failing(router, model, over, number) for number in range(CLIENTS)]
        sampling = asyncio.create_task(health(router, over))
        done = await asyncio.gather(*each)
        waits = [wait * 1000 for wait in await sampling]
        used = time(router.pid).since(before)
        high = quantiles(waits, n=100)[-1]
        told = f"{sum(done) / STORM:5,.0f}/s, core {used.on / used.wall:4.0%}, /healthz "
        told += f"{median(waits):.1f} ms, 99 % {high:.1f}, most {max(waits):.1f} (< 50)"
        print(f"  {what:40} {told}")


async def failing(router: Served, model: str, over: float, number: int) -> int:
    """One client's share of a storm; how many requests it made."""
    client = await Client.to(router.address)
    request = asking(model, stream=False)
    pause = CLIENTS / RATE
    due = perf_counter() + pause * number / CLIENTS
    done = 0
    while due < over:
        await asyncio.sleep(max(0.0, due - perf_counter()))
        told = await client.send(request)
        assert told.error, told
        due += pause
        done += 1
    await client.close()
    return done


async def health(router: Served, over: float) -> list[float]:
    """How long `/healthz` took, as often as it was asked."""
    client = await Client.to(router.address)
    waits = []
    while perf_counter() < over:
        waits.append((await client.send(HEALTH)).ended)
        await asyncio.sleep(0.02)
    await client.close()
    return waits


if __name__ == "__main__":
    main()
