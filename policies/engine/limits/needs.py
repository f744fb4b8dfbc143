"""What a request is expected to take of a target's limits: the one place where its length there is
estimated.

How long a request is, each model's tokenizer decides, and how long its answer, nobody knows before.
What is reserved goes by what is expected; how the provider counts that, `Counting` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.engine.learning.estimates import UNSEEN
from policies.engine.limits.counting import AS_WRITTEN, Need
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.pool import Pool
    from policies.engine.standing import Member


def needs(member: Member, request: Request) -> Need:
    """What is reserved for `request` on a target."""
    bound, standing = request.output_tokens, member.standing
    input_, output = standing.estimates.input(request.input_tokens), member.spread.output(bound)
    counting = standing.facts.counting
    if counting is AS_WRITTEN:  # as for most: without a call
        return input_ + output, input_, output
    return counting.reserved(input_, output, bound)


def at_most(pool: Pool, request: Request) -> int:
    """Tokens of which no member of a pool reserves more for `request`, in any dimension: who has
    room for so many has room for it. It is worked out once for each request, and so is simple.
    """
    most, bound, metered = request.input_tokens, request.output_tokens, pool.metered
    if not metered:
        return most + (UNSEEN if bound is None else bound)
    most = max([member.standing.estimates.input(most) for member in metered])
    if bound is None:
        longest = max([member.spread.high for member in metered])
        bound = max(pool.unbounded, longest)
    return most + bound
