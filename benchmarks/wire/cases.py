"""The cases, and one round of one of them."""

from __future__ import annotations

import argparse
import asyncio
from typing import NamedTuple

from benchmarks.wire.account import time
from benchmarks.wire.canned import CHUNKS
from benchmarks.wire.figures import Sample, sample
from benchmarks.wire.load import Asking, Client, Make, Streaming, Tally, run, wrk
from benchmarks.wire.peers import Bench, Served


class Case(NamedTuple):
    """`answer` is the provider's, `size` that of a request in bytes, `most` how many times Envoy's
    cost is asked for. Streams need more `clients`, or those who make the load have more to do for a
    chunk than a fast relay, and it is never saturated.
    """

    name: str
    answer: str
    size: int
    secure: bool
    unit: str
    most: float
    clients: int


CASES = (
    Case("0.5 kB", "small", 500, False, "request", 2.0, 64),
    Case("0.5 kB, TLS", "small", 500, True, "request", 2.0, 64),
    Case("20 kB", "large", 20_000, False, "request", 2.0, 64),
    Case("20 kB, TLS", "large", 20_000, True, "request", 2.0, 64),
    Case(f"{CHUNKS} chunks", "stream", 500, False, "chunk", 1.6, 256),
    Case(f"{CHUNKS} chunks, TLS", "stream", 500, True, "chunk", 1.6, 256),
)
"""Requests are as long as answers; an upstream over TLS is what life has."""


async def measured(case: Case, served: Served, bench: Bench, options: argparse.Namespace) -> Sample:
    """One round of one subject."""
    port = served.ports[case.secure]
    streams = case.unit == "chunk"
    clients = options.clients or case.clients
    before = time(served.pid)
    if options.load == "wrk" and not streams:
        request = served.request(case.answer, case.size, 0, secure=case.secure)
        tally = await wrk(port, clients, request, options.seconds, bench.folder)
    else:
        make = streaming(case, served, bench, options.pace) if streams else asking(case, served)
        tally = await run(port, clients, make, options.seconds)
    spent = time(served.pid).since(before)
    return sample(spent, tally.chunks if streams else tally.answers, tally.errors)


def asking(case: Case, served: Served) -> Make:
    """Clients who want answers in one piece."""

    def make(number: int, tally: Tally) -> Client:
        request = served.request(case.answer, case.size, number, secure=case.secure)
        return Asking(request, tally)

    return make


def streaming(case: Case, served: Served, bench: Bench, pace: float) -> Make:
    """Clients who want streams, and have the next chunk written `pace` seconds after the last."""
    loop = asyncio.get_running_loop()

    def make(number: int, tally: Tally) -> Client:
        request = served.request(case.answer, case.size, number, secure=case.secure)
        user = b"%d" % number

        def go_on() -> None:
            if pace:
                loop.call_later(pace, bench.provider.go_on, user)
            else:
                bench.provider.go_on(user)

        return Streaming(request, tally, go_on)

    return make
