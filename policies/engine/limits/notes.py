"""What is taken of limits, and what settles it, as notes that all quotas of an attempt read."""

from __future__ import annotations

from policies.engine.limits.counting import Need
from policies.engine.limits.windows import HALF, MICROSECONDS, Note


def reservation(need: Need, now: float) -> Note:
    """One request that needs so much, for every quota that binds it."""
    at = int(now * MICROSECONDS + HALF)
    tokens, read, written = need
    return at, at, 1, tokens, read, written


def refund(reserved: Note, now: float) -> Note:
    """What settles a reservation of which nothing was sent."""
    taken, _, _, tokens, read, written = reserved
    return taken, int(now * MICROSECONDS + HALF), -1, -tokens, -read, -written
