"""Evidence that may be looked at after every request, and acted upon at once: e-processes.

Two arms are compared block by block, by the means m₁ (canary) and m₀ (control) of what lies in
[0, 1]: whether a request failed, whether it was late, what it cost of a cap. The *line*
m₁ = ratio · m₀ + points parts what is allowed from what is not. For each side of it there is a
wager against that side: with guesses θ₁, θ₀ from the other side, made before the block is seen,

    E = Π (1 + (xᵢ − a) g₁) · Π (1 + (yⱼ − b) g₀),  g₁ = (θ₁ − a) / (a (1 − a)),  g₀ alike,

where (a, b) is the point of the line nearest to the guesses by n₁ KL(θ₁‖a) + n₀ KL(θ₀‖b). For means
0 and 1 it is a likelihood ratio, Wald's (1945). Its mean is at most 1 on the side that is wagered
against: there n₁ (m₁ − a) g₁ + n₀ (m₀ − b) g₀ ≤ 0, since (a, b) is nearest, and the product is at
most that sum's exponential. So is the product over all blocks, however the means drift from one to
the next, as long as each block is on that side; and by Ville's inequality it ever exceeds 1/α with
a chance of at most α. (Turner, Ly, Grünwald 2021 for two samples; Waudby-Smith and Ramdas 2023 for
means; Howard et al. 2021 and Johari et al. 2017 for deciding at any time.)

It must not know what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, log1p
from typing import NamedTuple

LOWEST, HIGHEST = -3.0, 6.0
"""Within these a wager's logarithm is kept, that what changes late is seen soon: after any length
of good time, a bad one is weighed from e⁻³ on. It costs the guarantee its "ever": from e⁻³ it is
20 times as far to 1/α as from 1.
"""
STAKES = (0.7, 0.2, 0.1)
"""What is staked on each of a side's guesses; most on the first, which is nearest to the line."""
BUNCH, AT_ONCE = 10, 2.4
"""The most that so many requests of the canary's are worth together: failures come in bunches, and
a bunch is one thing that happened. Who gains less than E is still not expected to gain.
"""
HALVINGS = 30

Sample = Sequence[tuple[float, int]]
"""Values in [0, 1] with their counts."""


class Line(NamedTuple):
    """m₁ = ratio · m₀ + points."""

    ratio: float
    points: float

    def at(self, control: float) -> float:
        """The canary's mean on it."""
        return self.ratio * control + self.points


class Guess(NamedTuple):
    """Means of both arms, inside (0, 1)."""

    canary: float
    control: float


def size(sample: Sample) -> int:
    """How many values there are."""
    return sum(count for _, count in sample)


def wager(canary: Sample, control: Sample, guess: Guess, line: Line) -> float:
    """The logarithm of E of one block: what `guess` gains against its other side of `line`; 0
    where there is nothing to compare.
    """
    n1, n0 = size(canary), size(control)
    if not n1 or (line.ratio and not n0):
        return 0.0
    b = _nearest(n1, n0, guess, line)
    a = line.at(b)
    if not (0 < a < 1 and 0 < b < 1):
        return 0.0
    gain = _gain(canary, guess.canary, a) + _gain(control, guess.control, b)
    return min(gain, AT_ONCE * ceil(n1 / BUNCH))


def certainty(wagers: Sequence[float]) -> float:
    """How sure it is that the side that was wagered against is not the true one: 1 − 1/E, where E
    is what the stakes on all guesses have come to; 0 to 1.
    """
    worth = sum(stake * exp(each) for stake, each in zip(STAKES, wagers, strict=True))
    return max(0.0, 1 - 1 / worth)


def kept(logarithm: float) -> float:
    """Within what is kept."""
    return min(max(logarithm, LOWEST), HIGHEST)


def _gain(sample: Sample, guessed: float, nearest: float) -> float:
    stake = (guessed - nearest) / (nearest * (1 - nearest))
    return sum(count * log1p((value - nearest) * stake) for value, count in sample)


def _nearest(n1: int, n0: int, guess: Guess, line: Line) -> float:
    """The control's mean at the point of the line that is nearest to the guess."""
    if not line.ratio:
        return guess.control
    highest = min(1.0, (1 - line.points) / line.ratio)
    across = min(max((guess.canary - line.points) / line.ratio, 0.0), highest)
    low, high = sorted((guess.control, across))
    high = min(high, highest)
    for _ in range(HALVINGS):
        b = (low + high) / 2
        a = line.at(b)
        if not (0 < a < 1 and 0 < b < 1):
            break
        rising = n1 * line.ratio * (a - guess.canary) / (a * (1 - a))
        rising += n0 * (b - guess.control) / (b * (1 - b))
        low, high = (low, b) if rising > 0 else (b, high)
    return (low + high) / 2
