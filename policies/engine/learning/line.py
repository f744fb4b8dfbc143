"""What lengths add to times, learned from nothing but both.

Start and pace of answers that come in one piece: `Line`. Seconds that a token of input adds to the
wait for the first content: `Slope`.

Time over tokens takes the wait before the first token for slowness, so a target that was asked for
three tokens at a time would look a hundred times too slow for three hundred. A line through the
answers tells the two apart as soon as their lengths differ; until then the pace is taken to be no
slower than is common.
"""

from __future__ import annotations

from typing import Final

FADE: Final = 0.9
"""What each answer leaves of the weight of those before it: about ten count."""
COMMON_PACE: Final = 0.02
"""Seconds a token, 50 tokens a second: what is believed of answers that are all equally long."""
MEMORY: Final = 50.0
"""Waits that count in a slope, about."""
FEWEST: Final = 12.0
"""Waits of which a slope may be told at the earliest."""
SURE: Final = 3.5**2
"""A slope must be three and a half times its own error. For n waits of whose variance it explains a
share r², the square of that is r²(n - 2)/(1 - r²): of fifty a fifth is enough, of a dozen not half.
"""
LEAST_SPREAD: Final = 0.1
"""Lengths that spread less than this share of their mean say nothing of the pace."""


class Line:
    """Least squares over the last answers, those of before fading."""

    __slots__ = ("_tokens", "_tokens2", "_total", "_weight", "_work", "pace", "start")

    def __init__(self) -> None:
        self._weight = 0.0
        self._tokens = 0.0
        self._total = 0.0
        self._tokens2 = 0.0
        self._work = 0.0
        self.start: float | None = None
        self.pace: float | None = None

    def record(self, tokens: int, seconds: float) -> None:
        """An answer of `tokens` took `seconds`."""
        self._weight = weight = self._weight * FADE + 1.0
        self._tokens = self._tokens * FADE + tokens
        self._total = self._total * FADE + seconds
        self._tokens2 = self._tokens2 * FADE + tokens * tokens
        self._work = self._work * FADE + tokens * seconds
        mean, usual = self._tokens / weight, self._total / weight
        spread, least = self._tokens2 / weight - mean * mean, LEAST_SPREAD * mean
        pace, most = COMMON_PACE, usual / mean
        if spread > least * least:
            pace = (self._work / weight - mean * usual) / spread
            pace = pace if pace > 0.0 else 0.0
        self.pace = pace = pace if pace < most else most
        start = usual - pace * mean
        self.start = start if start > 0.0 else 0.0


class Slope:
    """Seconds that each token of input adds, once the lengths seen explain enough of the waits.
    Every other wait is read: that is as sure a little later, and costs half.

    `pace` is 0 until then: a slope through noise would make long inputs look slow or fast by
    chance.
    """

    __slots__ = ("_count", "_mixed", "_passed", "_spread", "_time", "_tokens", "_variance", "pace")

    def __init__(self) -> None:
        self._passed = True
        self._count = 0.0
        self._tokens = self._time = 0.0
        self._spread = self._variance = self._mixed = 0.0
        self.pace = 0.0

    def record(self, tokens: int, seconds: float) -> None:
        """An input of `tokens` waited `seconds`."""
        self._passed = not self._passed
        if self._passed:
            return
        count = self._count
        if count < MEMORY:
            self._count = count = count + 1.0
        share = 1.0 / count
        far, late = tokens - self._tokens, seconds - self._time
        kept, step = 1.0 - share, far * share
        self._tokens += step
        self._time += late * share
        self._spread = spread = kept * (self._spread + step * far)
        self._variance = kept * (self._variance + share * late * late)
        self._mixed = mixed = kept * (self._mixed + step * late)
        known = mixed > 0.0 and count >= FEWEST
        if known and mixed * mixed * (count - 2.0 + SURE) > SURE * spread * self._variance:
            self.pace = mixed / spread
        else:
            self.pace = 0.0

    def more(self, tokens: int) -> float:
        """Seconds that an input of `tokens` takes more than a usual one; less than 0 if it is
        shorter.
        """
        return self.pace * (tokens - self._tokens)
