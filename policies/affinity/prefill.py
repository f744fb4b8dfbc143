"""What a token of input that is not read from a cache adds to the wait for the first content."""

from __future__ import annotations

USUAL = 1e-4
"""Seconds, 10,000 tokens a second: what is believed before anything is measured."""
MOST = 1e-3
BELIEVED = 1e7
"""Tokens²: how much that belief weighs; as one request that is 3,000 tokens from the mean."""
MEMORY = 50.0
"""Waits that count, about."""


class Prefill:
    """Least squares over the last waits. `pace` is in seconds a token; `mean` the tokens that were
    read afresh, on average (None: nothing was measured).
    """

    __slots__ = ("_count", "_mixed", "_seconds", "_spread", "mean", "pace")

    def __init__(self) -> None:
        self._count = self._seconds = self._spread = self._mixed = 0.0
        self.mean: float | None = None
        self.pace = USUAL

    def record(self, tokens: int, seconds: float) -> None:
        """The first content came `seconds` after so many tokens that no cache had were sent."""
        if self.mean is None:
            self.mean, self._seconds = float(tokens), seconds
        if self._count < MEMORY:
            self._count += 1.0
        share = 1.0 / self._count
        far, late = tokens - self.mean, seconds - self._seconds
        kept = 1.0 - share
        self.mean += far * share
        self._seconds += late * share
        self._spread = kept * (self._spread + far * far * share)
        self._mixed = kept * (self._mixed + far * late * share)
        mixed = self._count * self._mixed + BELIEVED * USUAL
        pace = mixed / (self._count * self._spread + BELIEVED)
        self.pace = min(MOST, max(0.0, pace))
