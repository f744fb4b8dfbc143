"""What an open stream takes of memory: streams that have begun and go no further."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from benchmarks.wire.account import resident
from benchmarks.wire.figures import per_stream
from benchmarks.wire.load import Client, Streaming, Tally, held, run
from benchmarks.wire.peers import Bench, Served

WARM_UP = 20
SETTLED = 0.2


class Memory(NamedTuple):
    """MB at rest, and kB for each of so many open streams."""

    streams: int
    secure: bool
    rest: float
    stream: float
    errors: int


async def memory(
    bench: Bench,
    peer: Callable[[Bench], AbstractContextManager[Served]],
    streams: int,
    *,
    secure: bool,
) -> Memory:
    """Start a process, and hold so many streams open through it."""
    with peer(bench) as served:
        rest = resident(served.pid)
        port = served.ports[secure]

        def make(number: int, tally: Tally) -> Client:
            request = served.request("stream", 500, number, secure=secure)
            user = b"%d" % number
            hold = tally is kept
            return Streaming(request, tally, no_more if hold else lambda: go_on(user))

        def no_more() -> None:
            """Nothing follows."""

        go_on = bench.provider.go_on
        kept = Tally()
        warmed = await run(port, WARM_UP, make, SETTLED)
        before = resident(served.pid)
        clients = await held(port, streams, make, kept)
        await asyncio.sleep(SETTLED)
        after = resident(served.pid)
        errors = warmed.errors + streams - kept.first
        for client in clients:
            client.leave()
    return Memory(streams, secure, rest / 1e6, per_stream(before, after, streams), errors)
