"""How long a target takes, with the wait for the first token and the time per token apart.

One number for both ranks long answers as slow targets; seconds per token alone ranks them as
fast ones. Only answers are measured here: a failure moves health, never a mean, and an attempt
that nobody waited for to the end counts only as "at least this long".
"""

from __future__ import annotations

from math import exp
from typing import Final

from policies.engine.learning.histogram import Histogram
from policies.engine.learning.line import Line, Slope

PEAK: Final = 10.0
"""Seconds; the wait for the first token jumps up at once and comes down with this constant
(peak-EWMA).
"""
SHORTEST: Final = 0.1
"""Seconds; measurements that are closer count as if they were so far apart."""
FORGOTTEN: Final = 15.0
"""Seconds without a measurement after which the next one counts whole, also when it is faster: the
average is of another time.
"""
PER_TOKEN: Final = 30.0
BASELINE: Final = 600.0
SPREAD: Final = 4.0
"""One measurement moves the time per token by at most this factor: proxies coalesce chunks."""
STREAM_SHARE: Final = 0.25
"""How much of the time after the first token counts when the answer is streamed: the reader is
reading.
"""
LEVEL_LEARNING: Final = 0.05
"""A level that follows at once is no measure of load: whoever gets a crowd would look usual."""


class Latency:
    """What was measured of one target.

    `start` and `per_token` are what an answer is predicted from: the wait before it is written, and
    the pace of writing. `first` is that wait as streams have shown it, for an input of usual
    length (`prefill` is what longer ones add); until one has, both come from a line through the
    answers that came in one piece. `firsts` and `totals` are how waits and whole answers are
    spread.
    """

    __slots__ = (
        "_first_at", "_token_at", "at", "baseline", "first", "firsts", "per_token", "pieces",
        "prefill", "start", "totals", "usual_in_flight",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self.first: float | None = None
        self.start: float | None = None
        self.per_token: float | None = None
        self.prefill = Slope()
        self.pieces = Line()
        self.baseline: float | None = None
        self.usual_in_flight = 0.0
        self.at = self._first_at = self._token_at = now
        self.firsts = Histogram()
        self.totals = Histogram()

    def first_token(self, seconds: float, in_flight: int, now: float, tokens: int = 0) -> None:
        """The first content for an input of `tokens` came `seconds` after sending."""
        elapsed = now - self._first_at
        self._first_at = self.at = now
        prefill = self.prefill
        prefill.record(tokens, seconds)
        if prefill.pace:
            seconds = max(0.0, seconds - prefill.more(tokens))
        self.firsts.record(seconds)
        since = elapsed if elapsed > SHORTEST else SHORTEST
        first, baseline = self.first, self.baseline
        if first is None or seconds >= first or elapsed >= FORGOTTEN:
            first = seconds
        else:
            first += (seconds - first) * (1 - exp(-since / PEAK))
        self.first = self.start = first
        if baseline is None:
            self.baseline = seconds
        else:
            self.baseline = baseline + (seconds - baseline) * since / (since + BASELINE)
        self.usual_in_flight += (in_flight - self.usual_in_flight) * LEVEL_LEARNING

    def finished(
        self,
        total: float,
        after_first: float | None,
        output: int | None,
        in_flight: int,
        now: float,
    ) -> None:
        """A whole answer took `total` seconds, `after_first` of them after the first content
        (None: it came in one piece), and had `output` tokens (None: unknown).
        """
        if output and after_first is not None:
            self._token(after_first / (output - 1 if output > 1 else 1), now)
        elif output and self.first is not None:
            self._token(max(0.0, total - self.first) / output, now)
        elif output:
            self.pieces.record(output, total)
            self.start, self.per_token = self.pieces.start, self.pieces.pace
        if after_first is None:
            self.totals.record(total)
            if not output:
                self.first_token(total, in_flight, now)
        self.usual_in_flight += (in_flight - self.usual_in_flight) * LEVEL_LEARNING
        self.at = now

    def at_least(self, seconds: float, now: float) -> None:
        """An attempt waited `seconds` for its first token in vain: it takes no less."""
        if self.first is not None and seconds > self.first:
            self.first = self.start = seconds
        self.at = now

    def late(self, tokens: int, *, stream: bool) -> float | None:
        """Seconds that only one first content in a thousand takes for an input of `tokens` (one
        whole answer, where it is not streamed), None if nothing is known.
        """
        late = self.firsts.late if stream else self.totals.late
        if late is None or not stream or not self.prefill.pace:
            return late
        return late + max(0.0, self.prefill.more(tokens))

    def high(self, *, stream: bool) -> float | None:
        """Seconds within which 95 of 100 first contents come (whole answers, where they are not
        streamed), None if nothing is known.
        """
        return self.firsts.high if stream else self.totals.high

    def slowness(self) -> float:
        """L in [0.2, 1]: below 1 when the first token takes more than twice what it usually
        does.
        """
        if not self.first or not self.baseline:
            return 1.0
        return min(1.0, max(0.2, 2.0 * self.baseline / self.first))

    def _token(self, seconds: float, now: float) -> None:
        known, elapsed = self.per_token, now - self._token_at
        self._token_at = now
        if known is None:
            self.per_token = seconds
            return
        if known and seconds > known * SPREAD:
            seconds = known * SPREAD
        elif known and seconds < known / SPREAD:
            seconds = known / SPREAD
        if elapsed < SHORTEST:
            elapsed = SHORTEST
        if elapsed < FORGOTTEN:
            seconds = known + (seconds - known) * (1 - exp(-elapsed / PER_TOKEN))
        self.per_token = seconds
