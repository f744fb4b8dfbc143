"""What an outage may cost: the guard before dearer tiers.

When the first tier of a route is down, a dearer one answers in its stead, and nobody notices until
the bill comes. So what is sent to dearer tiers only because cheaper ones fail is paid from a purse:
each request puts in three times what it would cost where it starts, and what lies there melts away
within about an hour. In ordinary times it comes to hold three times what an hour costs; a tier that
is no more than three times as dear never empties it. Overflow that limits cause is the user's own
wish, and free. Prices are integers; without the prices of all targets there is no guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING, Final

from policies.engine.refusal import Refusal, Refused
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.standing import Member

TIMES: Final = 3
"""Times its ordinary cost that a route may spend while it is served by dearer tiers."""
HOUR: Final = 3600.0
START: Final = 1_000_000_000
"""Nano-dollars in the purse of a route that has seen nothing yet."""
TOO_DEAR: Final = Refused(Refusal.BILL)


class Purse:
    """What a route may still spend on dearer tiers, in nano-dollars."""

    __slots__ = ("_at", "_level")

    def __init__(self, now: float) -> None:
        self._level = float(START)
        self._at = now

    def deposit(self, ordinary: int, now: float) -> None:
        """A request has come that costs `ordinary` nano-dollars where it starts."""
        elapsed = now - self._at
        if elapsed > 0:
            self._level *= exp(-elapsed / HOUR)
            self._at = now
        self._level += TIMES * ordinary

    def holds(self, cost: int) -> bool:
        """Whether so many nano-dollars are there."""
        return self._level >= cost

    def spend(self, cost: int) -> None:
        """Take them out."""
        self._level = max(0.0, self._level - cost)


def guarded(members: Sequence[Member]) -> bool:
    """Whether a pool of these has dearer tiers, as far as all prices are known."""
    prices = {member.tier: member.standing.facts.price for member in members}
    known = all(member.standing.facts.price is not None for member in members)
    return known and len(prices) > 1


def cost(member: Member, request: Request) -> int:
    """What `request` is expected to cost there, in nano-dollars; 0 where no price is known."""
    price = member.standing.facts.price
    if price is None:
        return 0
    output, most = member.length.usual, request.output_tokens
    if most is not None and most < output:
        output = float(most)
    return price.input * request.input_tokens + price.output * round(output)
