"""What a request is expected to take of a target's limits: the one place where its length there is
estimated.

How long a request is, each model's tokenizer decides, and how long its answer, nobody knows before.
What is reserved goes by what is expected; how the provider counts that, `Counting` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.engine.limits.counting import AS_WRITTEN, Need
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.pool import Pool
    from policies.engine.standing import Member

OUTPUT_GUESS = 256
"""Tokens expected of an answer to which the caller set no bound."""


def needs(member: Member, request: Request) -> Need:
    """What is reserved for `request` on a target."""
    input_, bound = request.input_tokens, request.output_tokens
    output = OUTPUT_GUESS if bound is None else bound  # what is expected
    counting = member.standing.facts.counting
    if counting is AS_WRITTEN:  # as for most: without a call
        return input_ + output, input_, output
    return counting.reserved(input_, output, bound)


def at_most(pool: Pool, request: Request) -> int:
    """Tokens of which no member of a pool reserves more for `request`, in any dimension: who has
    room for so many has room for it. It is worked out once for each request, and so is simple.
    """
    bound = request.output_tokens
    return request.input_tokens + (pool.unbounded if bound is None else bound)
