"""What all pairs of a route and its shadow have come to so far: counts and sums, of fixed size.

Additive: what the workers of one router saw is one sample. It is JSON both ways.
"""

from __future__ import annotations

from math import log

import msgspec

from router.shadow.histogram import Histogram
from router.shadow.intervals import Mean, Ratio, Table
from router.shadow.pairs import Pair, Side

Counts = dict[str, int]


class Of(msgspec.Struct):
    """One side: how its attempts ended, why its answers stopped, how long it took to their first
    content and to their end.
    """

    outcomes: Counts = msgspec.field(default_factory=dict)
    stopped: Counts = msgspec.field(default_factory=dict)
    first: Histogram = msgspec.field(default_factory=Histogram)
    total: Histogram = msgspec.field(default_factory=Histogram)

    def add(self, side: Side) -> None:
        _count(self.outcomes, side.outcome)
        if side.stopped:
            _count(self.stopped, side.stopped)
        if side.first is not None:
            self.first.add(side.first)
        if side.total is not None:
            self.total.add(side.total)

    def plus(self, other: Of) -> Of:
        """Both as one."""
        return Of(
            _sum(self.outcomes, other.outcomes),
            _sum(self.stopped, other.stopped),
            self.first.plus(other.first),
            self.total.plus(other.total),
        )


class Evidence(msgspec.Struct):
    """`sampled` requests were to be copied, `held` of them were not, by the cause; what is `spent`
    on copies is in nano-dollars. Times, tokens and characters are compared where both were
    answered; of times and characters the logarithms of the ratios are kept. `failed`, `malformed`
    (no JSON of the schema) and `misused` (calls of tools that are none) count pairs by whose it
    was. `errors` are the judge's.
    """

    sampled: int = 0
    held: Counts = msgspec.field(default_factory=dict)
    spent: int = 0
    control: Of = msgspec.field(default_factory=Of)
    shadow: Of = msgspec.field(default_factory=Of)
    failed: Table = msgspec.field(default_factory=Table)
    first: Mean = msgspec.field(default_factory=Mean)
    total: Mean = msgspec.field(default_factory=Mean)
    characters: Mean = msgspec.field(default_factory=Mean)
    tokens: Ratio = msgspec.field(default_factory=Ratio)
    cost: Ratio = msgspec.field(default_factory=Ratio)
    malformed: Table = msgspec.field(default_factory=Table)
    misused: Table = msgspec.field(default_factory=Table)
    score: Mean = msgspec.field(default_factory=Mean)
    errors: int = 0

    @property
    def pairs(self) -> int:
        """Requests that were answered twice, or failed."""
        return self.failed.count

    def hold(self, why: str) -> None:
        """A request that was sampled is not copied, or not compared."""
        _count(self.held, why)

    def add(self, pair: Pair) -> None:
        control, shadow = pair.control, pair.shadow
        self.control.add(control)
        self.shadow.add(shadow)
        self.failed.add(not control.answered, not shadow.answered)
        if not (control.answered and shadow.answered):
            return
        _ratio(self.first, control.first, shadow.first)
        _ratio(self.total, control.total, shadow.total)
        _ratio(self.characters, control.characters, shadow.characters)
        if control.tokens is not None and shadow.tokens is not None:
            self.tokens.add(control.tokens, shadow.tokens)
        if control.cost is not None and shadow.cost is not None:
            self.cost.add(control.cost, shadow.cost)
        if control.form is not None and shadow.form is not None:
            self.malformed.add(not control.form, not shadow.form)
        if control.tools is not None and shadow.tools is not None:
            self.misused.add(not control.tools, not shadow.tools)
        if pair.score is not None:
            self.score.add(pair.score)

    def plus(self, other: Evidence) -> Evidence:
        """Both as one."""
        return Evidence(
            self.sampled + other.sampled,
            _sum(self.held, other.held),
            self.spent + other.spent,
            self.control.plus(other.control),
            self.shadow.plus(other.shadow),
            self.failed.plus(other.failed),
            self.first.plus(other.first),
            self.total.plus(other.total),
            self.characters.plus(other.characters),
            self.tokens.plus(other.tokens),
            self.cost.plus(other.cost),
            self.malformed.plus(other.malformed),
            self.misused.plus(other.misused),
            self.score.plus(other.score),
            self.errors + other.errors,
        )


def _ratio(mean: Mean, control: float | None, shadow: float | None) -> None:
    if control and shadow:
        mean.add(log(shadow / control))


def _count(counts: Counts, what: str) -> None:
    counts[what] = counts.get(what, 0) + 1


def _sum(one: Counts, other: Counts) -> Counts:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
