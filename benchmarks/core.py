"""What a decision, a pipeline and a request through the listener cost in CPU on this machine.

Three seams, from the inside out: a course over eight targets from `start` to `close`, as in life
with others under way (each takes three seconds, one comes every tenth of one); the pipeline with a
sink and a transport that do nothing; whole requests through a listener in a process of its own,
with the simulated transport. Every figure is the median of its rounds, with the range beside it, in
microseconds of CPU; the interpreter is named because it matters. Run it twice before believing it.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import sysconfig
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from time import process_time

import uvloop

from benchmarks.listener import CASES, through_the_listener
from benchmarks.nothing import MANY_CHUNKS, ONE_CHUNK, NullSink, call, caller, runtime
from policies import (
    Attempt,
    Course,
    Engine,
    Facts,
    LeastLatency,
    Limits,
    Outcome,
    Policy,
    Priority,
    Rate,
    Report,
    Request,
    Route,
    Send,
    Target,
    WeightedRoundRobin,
)
from router.dialects.estimate import estimated_tokens
from router.pipeline import Pipeline
from router.telemetry.counters import Counters
from router.telemetry.decisions import Decisions, Origin
from router.telemetry.journal import Journal, Reader
from router.telemetry.lines.writing import Writer

ROUNDS = 15
TARGETS = 8
LIMITED = Limits([Rate(10**9, 60)], [Rate(10**12, 60)], 10**6)
APART = 0.1
WAITING, UNDER_WAY = 10, 30
"""Courses without content so far, and all that are open."""
PROSE = b"Whoever asks has 12 words; some are long, others short. "
ANSWERED = Report(Outcome.OK, input_tokens=900, output_tokens=200)


def main() -> None:
    """Print the table."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    built = "PGO" if "--enable-optimizations" in options else "plainly built"
    print(f"CPython {platform.python_version()} ({built}), {platform.machine()}, {ROUNDS} rounds")
    print(f"{'CPU µs':58}{'median':>8}{'range':>16}{'budget':>9}")
    for name, policy in (
        ("weighted_round_robin", WeightedRoundRobin()),
        ("least_latency", LeastLatency()),
        ("priority", Priority()),
    ):
        show(f"course over {TARGETS} targets, {name}", courses(policy, Limits()), None)
    show(f"course over {TARGETS} targets, everything on", courses(LeastLatency(), LIMITED), 15)
    show("pipeline, null sink and transport, one target", pipelines(None, 1, 1), 25)
    show(f"the same over {TARGETS} targets", pipelines(None, 1, TARGETS), None)
    for name, share in (("its decision kept in memory", 0.0), ("its decision written", 1.0)):
        show(f"the same over {TARGETS} targets, {name}", pipelines(None, 1, TARGETS, share), None)
    show("the same, a stream of one chunk", pipelines(ONE_CHUNK, 1, TARGETS), None)
    show("the same, a further relayed chunk", pipelines(MANY_CHUNKS, 100, TARGETS), None)
    for size, budget in ((500, 2), (20_000, 10), (200_000, 80)):
        show(f"an estimate of tokens, {size / 1000:g} kB of prose", estimates(size), budget)
    for case in CASES:
        show(f"through the listener, {case.name}", through_the_listener(case), None)


def show(name: str, rounds: list[float], budget: int | None) -> None:
    """One line of the table."""
    spread = f"{min(rounds):.1f}–{max(rounds):.1f}"
    print(
        f"{name:58}{median(rounds):8.1f}{spread:>16}{f'≤ {budget}' if budget else '':>9}",
        flush=True,
    )


def courses(policy: Policy, limits: Limits) -> list[float]:
    """One streamed course; `limits` bind each target, and all of them together."""
    targets = [Target(f"p/{number}", number + 1.0, number // 4) for number in range(TARGETS)]
    facts = {name: Facts(limits) for name in ("p", *(target.name for target in targets))}
    engine = Engine({"m": Route(targets, policy)}, facts=facts, rng=Random(1), now=0.0)
    now = 0.0
    under_way: deque[tuple[Course, Attempt]] = deque()

    def one() -> None:
        nonlocal now
        now += APART
        course = engine.start(Request("m", now + 60, 900, stream=True), now)
        action = course.next(now)
        assert isinstance(action, Send)
        action.attempt.sent(now)
        under_way.append((course, action.attempt))
        if len(under_way) > WAITING:
            under_way[-WAITING - 1][1].first_token(now)
        if len(under_way) > UNDER_WAY:
            course, attempt = under_way.popleft()
            attempt.settle(ANSWERED, now)
            course.close(now)

    timed(one, UNDER_WAY)
    return timed(one, 5000)


def estimates(size: int) -> list[float]:
    """The estimate of one body's tokens."""
    body = (b'{"model":"m","messages":[{"role":"user","content":"' + PROSE * size)[:size]
    return timed(lambda: estimated_tokens(body), 2_000_000 // size)


def timed(one: Callable[[], object], count: int) -> list[float]:
    """CPU µs of `one`, for each round."""
    rounds = []
    for _ in range(ROUNDS):
        begin = process_time()
        for _ in range(count):
            one()
        rounds.append((process_time() - begin) / count * 1e6)
    return rounds


def pipelines(
    chunks: list[bytes] | None, per: int, targets: int, recorded: float | None = None
) -> list[float]:
    """A request through the pipeline; with many chunks, what each adds. Its decision is `recorded`
    in memory, and that share of them is written.
    """

    async def run() -> list[float]:
        loop = asyncio.get_running_loop()
        running = runtime(targets, chunks, loop.time())
        with tempfile.TemporaryDirectory() as folder:
            writer = Writer(Path(folder) / "decisions.jsonl", 2**30, 1, "e", print)
            await writer.start()
            decisions = None
            if recorded is not None:
                running = replace(running, recorded={"m": recorded})
                origin = Origin("e", 1, loop.time())
                decisions = Decisions(origin, 1000, None, write=writer.write)
            readers: list[Reader] = [Counters(), *([] if decisions is None else [decisions])]
            journal = Journal(readers, lambda name, error: sys.exit(f"{name}: {error}"))
            pipeline = Pipeline(lambda: running, journal, loop, decisions)
            request, who, sink = call(stream=chunks is not None), caller(), NullSink()
            rounds = []
            for _ in range(ROUNDS):
                count = 2000 // per
                begin = process_time()
                for _ in range(count):
                    await pipeline.run(request, who, sink)
                while writer.waiting:  # noqa: ASYNC110 - a thread takes it
                    await asyncio.sleep(0.05)
                rounds.append((process_time() - begin) / count / per * 1e6)
            await writer.close()
        assert sink.answers == ROUNDS * count
        return rounds

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


if __name__ == "__main__":
    main()
