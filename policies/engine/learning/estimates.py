"""How long requests and answers are, in tokens, before anybody has counted them.

Whoever asks brings an estimate of its input that knows no tokenizer; how far each target counts
beside it, its own counts tell. How long answers are is told by answers: of a route, and of each
upstream model apart, since models of one route differ several times over. Only what providers
counted teaches here; what the driver estimated itself would confirm its own mistakes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from policies.engine.learning.histogram import Histogram

SHORT: Final = 100
"""Tokens; an input that is estimated at less says more of the form it came in than of its text."""
STEADY: Final = 0.1
"""How much of the distance one count moves the factor, once some were seen: about ten count."""
LEAP: Final = 2.0
"""A count is taken for at most this times what was expected: so, up or down, one moves the factor
by no more than a tenth.
"""
LEAST_FACTOR: Final = 0.25
MOST_FACTOR: Final = 4
CERTAIN: Final = 0.5
"""Of what an input is estimated at, so much it has at least. Of texts in twenty languages and forms
against five vocabularies, none had less, but for Hindi in one of them (0.49).
"""
UNSEEN: Final = 256
"""Tokens that are expected of an answer, at least, before enough of its model were seen."""
ENOUGH: Final = 20
"""Answers of which the longest is the 95th percentile. The first of a target are all read."""
EVERY: Final = 8
"""Later it is one of so many: as sure a little later, for an eighth of the cost."""
OUTPUT_LEARNING: Final = 0.05
DEFAULT_OUTPUT: Final = 200.0
"""Tokens of a usual answer before any was seen: the median of public conversation traces is 211."""


class Tally(NamedTuple):
    """Sums over the counts that were read: tokens that were expected, tokens that were counted, and
    those by which each single expectation was wrong, either way.
    """

    expected: int
    counted: int
    off: int


class Estimates:
    """What one target's counts say of estimates. `factor` in [1/4, 4] is what it counts over what
    was estimated, as a slow average that no single count moves far. `passed` are the answers that
    could have been read.
    """

    __slots__ = ("_answers", "_inputs", "_seen", "factor", "passed")

    def __init__(self) -> None:
        self.factor = 1.0
        self._seen = self.passed = 0
        self._inputs, self._answers = [0, 0, 0], [0, 0, 0]

    def input(self, estimate: int) -> int:
        """Tokens that an input of so many, as estimated, is expected to have here."""
        return int(estimate * self.factor + 0.5)

    def at_least(self, estimate: int) -> int:
        """Tokens that it has for certain, so that what may fit somewhere is never refused there.
        Counts only lower it: where a target counts more than it is sent (a text that it keeps),
        that says nothing of the next request.
        """
        factor = self.factor
        return int(estimate * (factor * CERTAIN if factor < 1.0 else CERTAIN))

    def read(self, estimate: int, counted: int) -> None:
        """It counted so many tokens of an input that was estimated."""
        factor = self.factor
        _add(self._inputs, int(estimate * factor + 0.5), counted)
        if estimate < SHORT:
            return
        found = counted / estimate
        if found > factor * LEAP:
            found = factor * LEAP
        seen = self._seen
        if seen < 1 / STEADY:
            self._seen = seen + 1
        share = 1 / (seen + 2)
        factor += (found - factor) * (share if share > STEADY else STEADY)
        self.factor = min(MOST_FACTOR, max(LEAST_FACTOR, factor))

    def wrote(self, expected: int, counted: int) -> None:
        """It counted so many tokens of an answer; so many were expected."""
        _add(self._answers, expected, counted)

    def tallies(self) -> tuple[Tally, Tally]:
        """What was expected and counted of inputs, and of answers."""
        return Tally(*self._inputs), Tally(*self._answers)


def _add(sums: list[int], expected: int, counted: int) -> None:
    sums[0] += expected
    sums[1] += counted
    sums[2] += abs(expected - counted)


class Spread:
    """How long the answers of one upstream model are on one route. `high` is a length that 95 of a
    hundred do not exceed, up to a quarter too high.
    """

    __slots__ = ("_lengths", "_seen", "high")

    def __init__(self) -> None:
        self._lengths = Histogram()
        self._seen = 0
        self.high = UNSEEN

    def answered(self, output: int) -> None:
        """An answer had `output` tokens."""
        self._lengths.record(output)
        high = int(self._lengths.high or UNSEEN)
        if self._seen < ENOUGH:
            self._seen += 1
            high = max(high, UNSEEN)
        self.high = high

    def output(self, bound: int | None) -> int:
        """Tokens to be ready for where the caller bounds an answer so (None: not at all). While
        too few were seen, a bound is all that is known.
        """
        high = self.high
        return high if bound is None or (bound > high and self._seen >= ENOUGH) else bound


class Length:
    """How long the answers of a route are. `usual` is one for all of its targets: compared at a
    length of its own, a target would look slow for the long answers that it happened to give.
    `high` is the highest of its models'.
    """

    __slots__ = ("_spreads", "high", "usual")

    def __init__(self) -> None:
        self.usual = DEFAULT_OUTPUT
        self.high = UNSEEN
        self._spreads: dict[str, Spread] = {}

    def of(self, model: str) -> Spread:
        """Those of one upstream model, which the route has targets of."""
        if (spread := self._spreads.get(model)) is None:
            spread = self._spreads[model] = Spread()
        return spread

    def answered(self, output: int) -> None:
        """An answer had `output` tokens."""
        self.usual += (output - self.usual) * OUTPUT_LEARNING

    def counted(self, spread: Spread, output: int) -> None:
        """A provider counted `output` tokens in an answer of the model with this `spread`."""
        spread.answered(output)
        self.high = max([one.high for one in self._spreads.values()])
