"""What a request is expected to cost on each of several targets, and how much that weighs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.standing import Member

LEAST_PART = 0.01
"""Of the dearest: what costs less counts as that, since what is free is not infinitely better."""


def price(member: Member, request: Request, warm: float) -> float | None:
    """Nano-dollars that `request` is expected to cost there if so many tokens of it are `warm`;
    None where no price is known. Where none is known for cached tokens, they save nothing.
    """
    known = member.standing.facts.price
    if known is None:
        return None
    output, most = member.length.usual, request.output_tokens
    if most is not None and most < output:
        output = most
    whole = known.input * request.input_tokens + known.output * output
    if warm and known.cached is not None:
        whole -= (known.input - known.cached) * warm
    return whole


def counted(prices: Sequence[float | None]) -> list[float]:
    """The same, as they are weighed: what is unknown counts as the dearest that is known, so nobody
    looks cheap by saying nothing; all as 1 where nothing is known, or all is free.
    """
    dearest = max([one for one in prices if one is not None], default=0.0)
    if dearest <= 0.0:
        return [1.0] * len(prices)
    least = dearest * LEAST_PART
    return [dearest if one is None else max(one, least) for one in prices]
