"""How limits stand, one by one: for the headers of an answer, and for whoever is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from policies.engine.limits.counting import Need
from policies.engine.limits.quota import Quota
from policies.engine.limits.windows import HALF, INPUT, MICROSECONDS, OUTPUT, REQUESTS, TOKENS

Counted = Literal["requests", "tokens", "input_tokens", "output_tokens", "concurrent"]
NAMES: Final[dict[int, Counted]] = {
    REQUESTS: "requests",
    TOKENS: "tokens",
    INPUT: "input_tokens",
    OUTPUT: "output_tokens",
}


class Stand(NamedTuple):
    """How one limit stands, of `amount` requests or tokens in any `seconds`, or of places: `left`
    (below 0: a debt), and the seconds until there is room for the request that was asked about (0:
    now, None: nobody knows), until there is more than now, and until everything is there again.
    """

    counts: Counted
    amount: int
    seconds: float
    left: int
    wait: float | None
    more: float = 0.0
    back: float = 0.0


def stands(quota: Quota, need: Need, now: float) -> Iterator[Stand]:
    """How each limit of `quota` stands, and would towards a request that needs so much: in the
    order of its windows, then places.
    """
    quota.room(now)
    at, limits = int(now * MICROSECONDS + HALF), quota.limits
    for rate, window, kind in quota.windows():
        wait = window.wait(1 if kind == REQUESTS else need[kind - TOKENS], at)
        more, back = window.returns(at)
        yield Stand(
            NAMES[kind],
            rate.amount,
            rate.seconds,
            window.spare(at),
            wait / MICROSECONDS,
            more / MICROSECONDS,
            back / MICROSECONDS,
        )
    if limits.concurrent is not None:
        left = int(quota.ceiling) - quota.in_flight
        yield Stand("concurrent", limits.concurrent, 0, left, 0.0 if left > 0 else None)
