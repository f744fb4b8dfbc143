"""How long a target takes, with the wait for the first token and the time per token apart.

One number for both ranks long answers as slow targets; seconds per token alone ranks them as
fast ones. Only answers are measured here: a failure moves health, never a mean, and an attempt
that nobody waited for to the end counts only as "at least this long".
"""

from __future__ import annotations

from math import exp, frexp

from policies.engine.line import Line

PEAK = 10.0
"""Seconds; the wait for the first token jumps up at once and comes down with this constant
(peak-EWMA).
"""
PER_TOKEN = 30.0
BASELINE = 600.0
SPREAD = 4.0
"""One measurement moves the time per token by at most this factor: proxies coalesce chunks."""
STREAM_SHARE = 0.25
"""How much of the time after the first token counts when the answer is streamed: the reader is
reading.
"""
OUTPUT_LEARNING = 0.05
DEFAULT_OUTPUT = 200.0
"""Tokens of an answer before any was seen: the median of public conversation traces is 211."""


class Histogram:
    """Counts by power of two, halved every thousand: a bounded memory of a distribution. `tail` is
    its 99th percentile, looked up once in a while.
    """

    __slots__ = ("_bins", "_count", "_fresh", "tail")

    LOWEST = -10
    """2**-10 s, about a millisecond."""
    LOOKED_UP = 16
    """Durations after which the tail is looked up again."""

    def __init__(self) -> None:
        self._bins = [0.0] * 32
        self._count = 0.0
        self._fresh = 0
        self.tail: float | None = None

    def record(self, seconds: float) -> None:
        """Count one duration."""
        index = frexp(seconds)[1] - 1 - self.LOWEST
        if index < 0 or seconds <= 0:
            index = 0
        self._bins[index if index < 32 else 31] += 1
        self._count += 1
        if self._count >= 1000:
            self._bins = [count / 2 for count in self._bins]
            self._count /= 2
        self._fresh -= 1
        if self._fresh < 0:
            self._fresh = self.LOOKED_UP
            self.tail = self.quantile(0.99)

    def quantile(self, share: float) -> float | None:
        """A duration that `share` of those counted do not exceed, up to a factor of two; None
        if empty.
        """
        if not self._count:
            return None
        left = share * self._count
        for index, count in enumerate(self._bins):
            left -= count
            if left <= 1e-9:
                return float(2.0 ** (index + self.LOWEST + 1))
        return float(2.0 ** (len(self._bins) + self.LOWEST))


class Length:
    """How long the answers of a route are. One for all of its targets: compared at a length of its
    own, a target would look slow for the long answers that it happened to give.
    """

    __slots__ = ("usual",)

    def __init__(self) -> None:
        self.usual = DEFAULT_OUTPUT

    def answered(self, output: int) -> None:
        """An answer had `output` tokens."""
        self.usual += (output - self.usual) * OUTPUT_LEARNING


class Latency:
    """What was measured of one target.

    `start` and `per_token` are what an answer is predicted from: the wait before it is written, and
    the pace of writing. `first` is that wait as streams have shown it; until one has, both come
    from a line through the answers that came in one piece.
    """

    __slots__ = (
        "_first_at", "_token_at", "at", "baseline", "first", "per_token", "pieces", "start",
        "totals", "usual_in_flight",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self.first: float | None = None
        self.start: float | None = None
        self.per_token: float | None = None
        self.pieces = Line()
        self.baseline: float | None = None
        self.usual_in_flight = 0.0
        self.at = self._first_at = self._token_at = now
        self.totals = Histogram()

    def first_token(self, seconds: float, in_flight: int, now: float) -> None:
        """The first content came `seconds` after sending."""
        elapsed = max(0.1, now - self._first_at)
        self._first_at = now
        if self.first is None or seconds >= self.first:
            self.first = seconds
        else:
            self.first += (seconds - self.first) * (1 - exp(-elapsed / PEAK))
        self.start = self.first
        if self.baseline is None:
            self.baseline = seconds
        else:
            self.baseline += (seconds - self.baseline) * (1 - exp(-elapsed / BASELINE))
        self.usual_in_flight += (in_flight - self.usual_in_flight) * 0.1
        self.at = now

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
            self._token(after_first / max(1, output - 1), now)
        elif output and self.first is not None:
            self._token(max(0.0, total - self.first) / output, now)
        elif output:
            self.pieces.record(output, total)
            self.start, self.per_token = self.pieces.start, self.pieces.pace
        if after_first is None:
            self.totals.record(total)
            if not output:
                self.first_token(total, in_flight, now)
        self.usual_in_flight += (in_flight - self.usual_in_flight) * 0.1
        self.at = now

    def at_least(self, seconds: float) -> None:
        """An attempt waited `seconds` for its first token in vain: it takes no less."""
        if self.first is not None and seconds > self.first:
            self.first = self.start = seconds

    def slowness(self) -> float:
        """L in [0.2, 1]: below 1 when the first token takes more than twice what it usually
        does.
        """
        if not self.first or not self.baseline:
            return 1.0
        return min(1.0, max(0.2, 2.0 * self.baseline / self.first))

    def _token(self, seconds: float, now: float) -> None:
        known, elapsed = self.per_token, max(0.1, now - self._token_at)
        self._token_at = now
        if known is None:
            self.per_token = seconds
            return
        seconds = min(known * SPREAD, max(known / SPREAD, seconds)) if known else seconds
        self.per_token = known + (seconds - known) * (1 - exp(-elapsed / PER_TOKEN))
