"""What prefix affinity is worth, and what it costs: made-up conversations before targets that keep
what they have read, in virtual time.

For 1, 2, 3 and 8 targets, well, and with one of them sick for a while: how much of what one cache
for all could have had was read from caches, how unevenly the targets were loaded, and how long
first tokens took, with affinity and without it, by the same requests. Then what it costs to look.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import NamedTuple

from benchmarks.choosing import body, choosing, cpu
from policies import LeastLatency, Outcome, Request, Route, Target, WeighedLatency
from policies.affinity.prefix import PREFIX
from policies.simulate import Estimate, Fault, Scenario, Service, World
from policies.simulate.prompts import Conversations, ideal
from policies.simulate.service import NEVER
from router.dialects.beginning import beginning
from router.dialects.openai.dialect import OPENAI

POOLS = (1, 2, 3, 8)
SEEDS = 20
SECONDS = 300.0
SICK = (100.0, 200.0)
"""When the first target is ten times as slow, if it is."""
RATE = 0.8
"""Conversations that begin each second, for each target; about three requests."""
SERVICE = Service(first_token=0.3, per_input=1e-4, cache=2_000_000)
"""Reads 10,000 tokens a second."""
WITH, WITHOUT = WeighedLatency("prefix"), LeastLatency()
LEAST_HITS, MOST_LOAD = 0.8, 1.3
"""What is asked: of the ideal hits; over the mean load, where all are well."""


class Figures(NamedTuple):
    """One run. `hits`: of the tokens that an ideal cache would have had; `load`: the most requests
    that a target had, over the mean; `late`: the 99th percentile of the waits for a first token, in
    seconds, while the trouble lasts; `mean` of the same.
    """

    hits: float
    load: float
    late: float
    mean: float


def scenario(targets: int, *, sick: bool, seconds: float = SECONDS) -> Scenario:
    """So many equal targets; the first of them is sick for a third of the time, if one is."""
    names = [f"p{number}/m" for number in range(targets)]
    start, end = (seconds * at / SECONDS for at in SICK)
    return Scenario(
        f"{targets} targets, {'one sick' if sick else 'well'}",
        faults=(Fault(names[0], start, end, slower=10.0, pace=5.0),) if sick else (),
        seconds=seconds,
        start=start if sick else NEVER,
        end=end if sick else NEVER,
        sick=names[0],
        targets=tuple(map(Target, names)),
        service=SERVICE,
    )


def measured(world: World, asked: Scenario, best: float) -> Figures:
    """What a run came to; `best` is the ideal part of hits."""
    answers = [sent for sent in world.sent if sent.outcome is Outcome.OK]
    read = sum(sent.input_tokens for sent in answers)
    hits = sum(sent.cached_tokens for sent in answers) / read / best
    counts = Counter(sent.target for sent in world.sent)
    load = max(counts.values()) * len(asked.targets) / counts.total()
    start, end = (asked.start, asked.end) if asked.start < NEVER else (0.0, asked.seconds)
    came = [one for one in world.answered if start <= one.at < end]
    waits = sorted(asked.deadline if one.first is None else one.first for one in came)
    return Figures(hits, load, waits[len(waits) * 99 // 100], sum(waits) / len(waits))


def pair(
    asked: Scenario, seed: int, onset: Callable[[World], None] | None = None
) -> tuple[Figures, Figures]:
    """One seed, with affinity and without. `onset` happens in both when the trouble begins."""
    rate = RATE * len(asked.targets)
    arrivals = Conversations(rate).come(asked.seconds, Random(f"{seed}/conversations"))
    best = ideal(arrivals)
    runs = []
    for policy in (WITH, WITHOUT):
        world = asked.world(policy, seed)
        if onset is not None:
            world.at(asked.start, partial(onset, world))
        runs.append(measured(world.run(arrivals), asked, best))
    return runs[0], runs[1]


def warm_everywhere(world: World) -> None:
    """From now on each target keeps what any of them has read."""
    caches = [server.cache for server in world.servers.values()]
    for one in caches:
        for other in caches:
            one.add(other)


def nobody_sticks(world: World) -> None:
    """From now on nobody goes by what is warm."""
    targets = [Target(name) for name in world.servers]
    world.engine.replace({"chat": Route(targets, WITHOUT)}, None, world.now)


EXPLAINED: dict[str, Callable[[World], None] | None] = {
    "  over more seeds": None,
    "  no affinity by then": nobody_sticks,
    "  all warm by then": warm_everywhere,
}
"""What tells where the wait comes from that affinity adds where one of two targets falls sick."""
MORE = 5
"""Times the seeds that this takes."""


class Told(NamedTuple):
    """All seeds of a scenario; `later` is how much later the 99th percentile is with affinity, in
    seconds, seed by seed.
    """

    hits: Estimate
    load: Estimate
    late: Estimate
    later: Estimate
    hits_without: Estimate
    late_without: Estimate

    def holds(self, *, sick: bool) -> bool:
        """Whether what is asked of it is kept."""
        even = sick or self.load.mean <= MOST_LOAD
        return self.hits.mean >= LEAST_HITS and even and self.later.mean <= self.later.half


def told(pairs: Sequence[tuple[Figures, Figures]]) -> Told:
    """Over the seeds."""
    own, others = zip(*pairs, strict=True)
    return Told(
        Estimate(tuple(one.hits for one in own)),
        Estimate(tuple(one.load for one in own)),
        Estimate(tuple(one.late for one in own)),
        Estimate(tuple(one.late - other.late for one, other in pairs)),
        Estimate(tuple(one.hits for one in others)),
        Estimate(tuple(one.late for one in others)),
    )


HEAD = f"{'':22} {'of ideal hits':>22} {'load / mean':>14} {'p99 of first token, s':>30}"


def line(name: str, one: Told, *, sick: bool) -> str:
    """A line of the table: with affinity, and without it in brackets."""
    verdict = "pass" if one.holds(sick=sick) else "MISS"
    hits, late = one.hits_without.mean, one.late_without.mean
    return (
        f"{name:22} {_shown(one.hits)} ({hits:.3f}) {_shown(one.load)} {_shown(one.late)}"
        f" ({late:.3f}) {one.later.mean:+.3f}±{one.later.half:.3f}  {verdict}"
    )


def _shown(one: Estimate) -> str:
    return f"{one.mean:7.3f}±{one.half:.3f}"


def judge(seeds: int, pools: Sequence[int] = POOLS) -> bool:
    """Print the table; whether all of it is as asked. What explains a line follows it."""
    print(HEAD)
    fine = True
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        for sick in (False, True):
            for targets in pools:
                asked = scenario(targets, sick=sick)
                one = told(list(processes.map(partial(pair, asked), range(seeds))))
                print(line(asked.name, one, sick=sick), flush=True)
                fine = fine and one.holds(sick=sick)
                for name, what in EXPLAINED.items() if sick and targets == 2 else ():
                    runs = processes.map(partial(pair, asked, onset=what), range(MORE * seeds))
                    print(line(name, told(list(runs)), sick=True), flush=True)
    return fine


# What it costs to look.

LENGTHS = (500, 4_000, 16_000, 64_000, 1_000_000)
"""Characters of a prompt."""


def show_cpu() -> None:
    """CPU time of reading how a prompt begins, and of choosing over eight targets by it."""
    print(f"choosing without affinity {choosing(WITHOUT, request_of(4_000)):14.1f} µs")
    print("prompt             read  choosing: new  warm at one  at all")
    for length in LENGTHS:
        call = OPENAI.parse(body(length))
        fields, tokens = call.fields, call.input_tokens
        read = cpu(lambda f=fields, t=tokens: beginning(f, t, "", "", ""))  # type: ignore[misc]
        told = [f"{choosing(WITH, request_of(length), warm=warm):9.1f} µs" for warm in (0, 1, 8)]
        print(f"{length / 1000:9,.1f} kB {read:7.1f} µs {''.join(told)}")


def request_of(length: int) -> Request:
    """Somebody's who sends so many characters, as the router reads it."""
    call = OPENAI.parse(body(length))
    prefix = beginning(call.fields, call.input_tokens, "", "", "")
    features = {} if prefix is None else {PREFIX: prefix}
    return Request("m", 1e9, call.input_tokens, None, True, features=features)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge it, and say what it costs; 1 where something is not as asked."""
    parser = argparse.ArgumentParser(description="what prefix affinity is worth")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--cpu", action="store_true", help="what it costs, and nothing else")
    options = parser.parse_args(argv)
    fine = options.cpu or judge(options.seeds)
    show_cpu()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
