"""What each guard compares, as samples of [0, 1], a line and guesses: see `weighing`.

Errors: the share of requests that fail, by points. First token: let q be the control's 95th
percentile as it was before the block; the canary keeps its ratio r as long as no more of its
requests come after r·q than of the control's after q (a point more is let go, since where all are
alike nobody comes after q). That holds whatever the latencies' distribution, and however it drifts
for both. Cost: the mean of costs, cut at twice the control's 99th percentile, for one answer in a
million must not decide. Floor: the canary must serve half of its requests, however badly the
control does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from types import MappingProxyType
from typing import NamedTuple

from policies.shifting.evidence import NOTHING, Evidence
from policies.shifting.spread import PARTS, Spread, middle
from policies.shifting.terms import Guards
from policies.shifting.weighing import Guess, Line, Sample, kept, wager

ERRORS, FIRST_TOKEN, COST, FLOOR = "errors", "first_token_p95", "cost", "floor"
NAMES = (ERRORS, FIRST_TOKEN, COST, FLOOR)
MOST_FAILURES = 0.5
"""More than that share of its requests the canary must never fail."""
ENOUGH = 40
"""Of the control's, before its quantiles are a measure."""
LATE, TAIL, CUT = 0.95, 0.99, 2.0
LET_GO = 0.01


class Weighed(NamedTuple):
    """What the guesses of a guard have come to, as logarithms: that the canary is `worse` than
    allowed, and that it is `no_worse`.
    """

    worse: tuple[float, ...] = (0.0, 0.0, 0.0)
    no_worse: tuple[float, ...] = (0.0, 0.0, 0.0)


FRESH: Mapping[str, Weighed] = {name: Weighed() for name in NAMES}


class Arms(NamedTuple):
    """The same of both arms."""

    control: Evidence = NOTHING
    canary: Evidence = NOTHING

    def holds(self, other: Arms) -> bool:
        """Whether all that `other` counted is counted here as well."""
        return self.control.holds(other.control) and self.canary.holds(other.canary)

    def since(self, other: Arms) -> Arms:
        """What came since `other`, which this holds."""
        return Arms(self.control - other.control, self.canary - other.canary)


NO_EVIDENCE = Arms()


class _Question(NamedTuple):
    line: Line
    canary: Sample
    control: Sample
    expected: float
    """The control's mean as it was before the block."""
    worse: tuple[float, ...]
    no_worse: tuple[float, ...]
    """Guesses of the canary's mean, on either side of the line."""


def weigh(
    weighed: Mapping[str, Weighed],
    block: Arms,
    before: Arms,
    usual: float,
    guards: Guards,
    *,
    trusted: bool,
) -> Mapping[str, Weighed]:
    """`weighed` after one more `block`. What came `before` gives the measures, `usual` being the
    share of the control's requests that failed of late; where the control is not `trusted`, being
    out, nothing speaks for the canary.
    """
    after = dict(weighed)
    for name, question in _questions(block, before, usual, guards).items():
        old = weighed[name]
        line, expected = question.line, question.expected
        # A guess that was cut to be a share may have come to lie on the other side.
        worse = [guess if guess > line.at(expected) else None for guess in question.worse]
        no_worse = [guess if guess < line.at(expected) else None for guess in question.no_worse]
        after[name] = Weighed(
            _each(old.worse, question, worse),
            _each(old.no_worse, question, no_worse) if trusted else old.no_worse,
        )
    return MappingProxyType(after)


def _each(
    wagers: tuple[float, ...], question: _Question, guesses: Sequence[float | None]
) -> tuple[float, ...]:
    canary, control, line = question.canary, question.control, question.line
    return tuple(
        old
        if guess is None
        else kept(old + wager(canary, control, Guess(guess, question.expected), line))
        for old, guess in zip(wagers, guesses, strict=True)
    )


def _questions(block: Arms, before: Arms, usual: float, guards: Guards) -> dict[str, _Question]:
    questions = {ERRORS: _errors(block, usual, guards.errors), FLOOR: _floor(block)}
    if before.control.first.count >= ENOUGH:
        questions[FIRST_TOKEN] = _first_token(block, before, guards.first_token)
    if before.control.costs.count >= ENOUGH:
        questions[COST] = _cost(block, before, guards.cost)
    return questions


def _errors(block: Arms, usual: float, points: float) -> _Question:
    [usual] = _inside(usual)
    return _Question(
        Line(1.0, points),
        _split(block.canary.failures, block.canary.requests),
        _split(block.control.failures, block.control.requests),
        usual,
        _inside(usual + 3 * points, usual + 10 * points, (1 + usual) / 2),
        _inside(usual, usual, usual / 2),
    )


def _floor(block: Arms) -> _Question:
    sample = _split(block.canary.failures, block.canary.requests)
    line = Line(0.0, MOST_FAILURES)
    return _Question(line, sample, (), 0.5, (0.6, 0.75, 0.95), (0.4, 0.25, 0.05))


def _first_token(block: Arms, before: Arms, ratio: float) -> _Question:
    known = before.control.first
    bound = known.quantile(LATE) or 0
    usual = _rate(known.above(bound), known.count)
    allowed = usual + LET_GO
    return _Question(
        Line(1.0, LET_GO),
        _beyond(block.canary.first, bound + round(PARTS * log2(ratio))),
        _beyond(block.control.first, bound),
        usual,
        _inside(1.5 * allowed, 2.5 * allowed, (1 + allowed) / 2),
        _inside(0.6 * allowed, 0.3 * allowed, 0.1 * allowed),
    )


def _cost(block: Arms, before: Arms, ratio: float) -> _Question:
    cap = CUT * middle(before.control.costs.quantile(TAIL) or 0)
    known = _parts(before.control.costs, cap)
    usual = sum(value * count for value, count in known) / before.control.costs.count
    allowed = ratio * usual
    return _Question(
        Line(ratio, 0.0),
        _parts(block.canary.costs, cap),
        _parts(block.control.costs, cap),
        usual,
        _inside(1.25 * allowed, 2.0 * allowed, (1 + allowed) / 2),
        _inside(allowed / ratio, allowed / ratio**2, 0.2 * allowed),
    )


def _rate(events: int, count: int) -> float:
    """A share inside (0, 1): of nothing it is one in a hundred."""
    return (events + 0.5) / (count + 50)


def _inside(*guesses: float) -> tuple[float, ...]:
    return tuple(min(max(guess, 1e-4), 0.98) for guess in guesses)


def _split(events: int, count: int) -> Sample:
    return ((1.0, events), (0.0, count - events))


def _beyond(spread: Spread, bound: int) -> Sample:
    return _split(spread.above(bound), spread.count)


def _parts(costs: Spread, cap: float) -> Sample:
    return tuple((min(middle(index) / cap, 1.0), count) for index, count in costs.bins.items())
