"""What a request and a streamed chunk cost through the router, beside other proxies.

    python -m benchmarks.wire [--rounds 7] [--seconds 2] [--only Envoy,bare] ...

The router runs on one core, as an operator starts it, with everything on: keys, limits, a policy
over eight targets, counters. This process is both its clients and its provider, on the other core.
Beside it, in the same interleaved rounds and on the same core: the router as `make compiled` left
it, if it did, Envoy, nginx, and two connections of the router's own event loop with nothing
between. What is counted is the scheduler's accounting of each process, divided by the answers or
chunks that its clients had whole; never the time that passed. Every error fails the run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.wire import peers
from benchmarks.wire.account import cores, descriptors
from benchmarks.wire.canned import provided
from benchmarks.wire.cases import CASES, measured
from benchmarks.wire.figures import Sample, Verdict, costs, ratio, saturated, spread
from benchmarks.wire.load import awake
from benchmarks.wire.memory import Memory, memory
from benchmarks.wire.peers import Bench, Served

AT_REST = 60.0
"""MB that an idle router may hold."""
A_STREAM = 20.0
"""kB that an open stream may cost beside its two connections."""
DESCRIPTORS = 20_000
Peer = Callable[[Bench], AbstractContextManager[Served]]


def main() -> None:
    """Print the tables; fail when there were errors."""
    if sys.platform != "linux":
        sys.exit("CPU time is read from the scheduler's accounting under /proc: this needs Linux")
    options = asked()
    if descriptors(DESCRIPTORS) < 2 * max(options.streams, default=0) + 100:
        loud(f"too few descriptors are allowed for {options.streams} streams (ulimit -n)")
        options.streams = []
    with TemporaryDirectory() as folder:
        errors = uvloop.run(benchmark(options, Path(folder)))
    if errors:
        sys.exit(f"{errors} errors")


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each subject in each round")
    parser.add_argument("--clients", type=int, help="connections, instead of a case's own")
    parser.add_argument("--load", choices=("wrk", "own"), default="own", help="wrk: if installed")
    parser.add_argument("--only", type=lambda text: text.split(","), help="subjects, by name")
    parser.add_argument("--before", type=Path, help="another checkout, measured beside this one")
    parser.add_argument("--cases", default="", help="only those with this in their name")
    parser.add_argument("--streams", type=int, nargs="*", default=[1000, 5000], help="held open")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds before each chunk")
    return parser.parse_args()


async def benchmark(options: argparse.Namespace, folder: Path) -> int:
    """Everything; the number of errors."""
    core, other = cores()
    if core == other:
        loud("one core only: load and subject share it")
    os.sched_setaffinity(0, {other})
    if options.load == "wrk" and not peers.found("wrk"):
        loud("wrk is not installed: requests come from this process")
        options.load = "own"
    header(options)
    async with provided(folder) as provider:
        bench = Bench(provider, folder, core, options.before or peers.ROOT)
        present = dict(available(options))
        with awake():
            errors, samples = await requests(bench, present, options)
        stored = await memories(bench, present, options.streams)
    print()
    for verdict in verdicts(samples, stored):
        print(verdict.told())
    return errors + sum(one.errors for ones in stored.values() for one in ones)


def header(options: argparse.Namespace) -> None:
    given = sysconfig.get_config_var("CONFIG_ARGS") or ""
    built = "PGO" if "--enable-optimizations" in given else "not told to be PGO"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"CPython {platform.python_version()} ({built}), {platform.machine()}, load {load}; "
        f"{options.rounds} rounds of {options.seconds:g} s, "
        f"requests by {options.load}"
    )


def available(options: argparse.Namespace) -> Iterator[tuple[str, Peer]]:
    """Who can be measured here."""
    wanted = options.only or ["compiled", "Envoy", "nginx", "bare"]
    yield peers.ROUTER, peers.router
    if "compiled" in wanted and peers.BUILT.is_dir():
        yield peers.COMPILED, peers.compiled
    if options.before is not None:
        yield peers.BEFORE, peers.before
    if "Envoy" in wanted:
        if missing := peers.envoy_installed():
            loud(f"Envoy cannot be had, nothing is compared with it: {missing}")
        else:
            yield "Envoy", peers.envoy
    if "nginx" in wanted:
        if peers.found("nginx"):
            yield "nginx", peers.nginx
        else:
            loud("nginx is not installed")
    if "bare" in wanted:
        yield "bare uvloop", peers.relay


async def requests(
    bench: Bench, present: dict[str, Peer], options: argparse.Namespace
) -> tuple[int, dict[tuple[str, str], list[Sample]]]:
    """Rounds of every case, the subjects in turn; the errors, and the samples."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    print(f"\n{'':34}{'CPU µs':>22}{'× Envoy':>20}{'busy':>7}{'a second':>10}{'errors':>8}")
    with ExitStack() as stack:
        served = [stack.enter_context(peer(bench)) for peer in present.values()]
        for case in CASES:
            if options.cases not in case.name:
                continue
            for number in range(options.rounds + 1):
                for one in served:
                    told = await measured(case, one, bench, options)
                    if number:  # the first warms up
                        samples.setdefault((case.name, one.name), []).append(told)
            for one in served:
                show(case.name, one.name, samples)
    return sum(one.errors for ones in samples.values() for one in ones), samples


def show(case: str, name: str, samples: dict[tuple[str, str], list[Sample]]) -> None:
    """One line of the table."""
    mine, beside = samples[case, name], samples.get((case, "Envoy"))
    times = ""
    if beside is not None and name != "Envoy":
        compared = ratio(mine, beside)
        times = compared.told(2) if compared is not None else "not compared"
    used = spread([one.busy * 100 for one in mine]).median
    mark = " " if saturated(mine) else "*"
    print(
        f"{case:22}{name:12}{costs(mine).told(1):>22}{times:>20}{used:5.0f}%{mark}"
        f"{spread([one.rate for one in mine]).median:10.0f}{sum(one.errors for one in mine):8}",
        flush=True,
    )


async def memories(
    bench: Bench, present: dict[str, Peer], streams: list[int]
) -> dict[str, list[Memory]]:
    """What open streams take, in a process of its own for each."""
    stored: dict[str, list[Memory]] = {}
    if streams:
        print(f"\n{'':34}{'MB at rest':>12}{'kB a stream':>14}{'beside bare':>14}{'errors':>8}")
    for count in streams:
        for secure in (False, True):
            bare = None
            for name, peer in reversed(present.items()):
                one = await memory(bench, peer, count, secure=secure)
                stored.setdefault(name, []).append(one)
                bare = one if name == "bare uvloop" else bare
                beside = "" if bare in (None, one) else f"{one.stream - bare.stream:.1f}"
                what = f"{count} streams{', TLS' if secure else ''}"
                print(
                    f"{what:22}{name:12}{one.rest:12.1f}{one.stream:14.1f}{beside:>14}"
                    f"{one.errors:8}",
                    flush=True,
                )
    return stored


def verdicts(
    samples: dict[tuple[str, str], list[Sample]], stored: dict[str, list[Memory]]
) -> Iterator[Verdict]:
    """What was asked for, and what it came to."""
    for case, name in product(CASES, (peers.ROUTER, peers.COMPILED)):
        mine, beside = samples.get((case.name, name)), samples.get((case.name, "Envoy"))
        if mine is not None:
            compared = ratio(mine, beside) if beside is not None else None
            times = compared.median if compared is not None else None
            what = f"{case.name}, {name}: times Envoy's CPU a {case.unit}"
            yield Verdict(what, case.most, times)
    ours, bare = stored.get("router", []), stored.get("bare uvloop", [])
    for one, other in zip(ours, bare, strict=False):
        what = f"{one.streams} streams{', TLS' if one.secure else ''}: kB beside the transport"
        yield Verdict(what, A_STREAM, one.stream - other.stream)
    if ours:
        yield Verdict("MB at rest", AT_REST, max(one.rest for one in ours))
    errors = sum(
        one.errors for (_, name), ones in samples.items() if name == "router" for one in ones
    )
    yield Verdict("errors", 0, errors + sum(one.errors for one in ours))


def loud(what: str) -> None:
    print(f"\n!!! {what}\n", flush=True)


if __name__ == "__main__":
    main()
