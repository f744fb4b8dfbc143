"""What a choice costs, alone: CPU time of a policy's one verb, among eight targets that have
answered.

The other benchmarks ask what choices are worth; what theirs cost is measured here, in one way for
all, so that the figures can stand beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from time import process_time
from timeit import repeat
from typing import Any

import msgspec

from policies import (
    Candidate,
    Engine,
    Outcome,
    Policy,
    Prefix,
    Report,
    Request,
    Route,
    Send,
    Target,
)
from policies.affinity.prefix import PREFIX

EIGHT = tuple(Target(f"p{number}/m") for number in range(8))
SENTENCE = "So it was said of them, and nobody knows whether they did. "


def body(length: int) -> bytes:
    """A request with so many characters."""
    text = (SENTENCE * (length // len(SENTENCE) + 1))[:length]
    return msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]})


def choosing(
    policy: Policy, request: Request, targets: Sequence[Target] = EIGHT, warm: int = 8
) -> float:
    """Microseconds of a choice for `request` among `targets`, of which so many have answered such a
    prompt twice, and the others have answered others.
    """
    chooser = Kept(policy)
    engine = Engine({"m": Route(targets, chooser)}, rng=Random(7), now=0.0)
    for now, target in enumerate([*targets, *targets], start=1):
        alone = request._replace(only=frozenset({target.name}))
        if now % len(targets) >= warm:
            alone = alone._replace(features={PREFIX: Prefix((now,))})
        course = engine.start(alone, float(now))
        match course.next(float(now)):
            case Send(attempt, _):
                cached = request.input_tokens // 2 if now > len(targets) else 0
                attempt.first_token(now + 0.3 + 1e-4 * (request.input_tokens - cached))
                report = Report(Outcome.OK, input_tokens=request.input_tokens, output_tokens=9)
                attempt.settle(report._replace(cached_tokens=cached), now + 0.9)
        course.close(now + 0.9)
    course = engine.start(request, 20.0)
    course.next(20.0)
    took = cpu(chooser.again)
    course.close(20.0)
    return took


class Kept:
    """A policy that can be asked again what it was asked last."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.again: Callable[[], object] = policy.fresh

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def choose(self, *asked: Any) -> Candidate:
        """See `Policy.choose`."""
        self.again = partial(self._policy.choose, *asked)
        return self._policy.choose(*asked)


def cpu(what: Callable[[], object], times: int = 1_000) -> float:
    """Microseconds of it, the least of seven runs: what others do on the machine only adds."""
    return min(repeat(what, timer=process_time, number=times, repeat=7)) / times * 1e6
