"""What a request is expected to take of a target's limits: the one place where its length there is
estimated.

How long a request is, each model's tokenizer decides: who has it may have counted, else it is
estimated. How long its answer is, nobody knows before.
What is reserved goes by what is expected; how the provider counts that, `Counting` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.engine.learning.estimates import MOST_FACTOR
from policies.engine.limits.counting import AS_WRITTEN, Need
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.pool import Pool
    from policies.engine.standing import Member, Standing


def needs(member: Member, request: Request) -> Need:
    """What is reserved for `request` on a target."""
    bound, standing = request.output_tokens, member.standing
    given = length(standing, request) if request.counted else request.input_tokens
    input_, output = int(given * standing.estimates.factor + 0.5), member.spread.output(bound)
    counting = standing.facts.counting
    if counting is AS_WRITTEN:  # as for most: without a call
        return input_ + output, input_, output
    return counting.reserved(input_, output, bound)


def length(standing: Standing, request: Request) -> int:
    """Tokens of the input of `request` by a target's tokenizer; as estimated, where it was not
    counted so.
    """
    return basis(standing, request) or request.input_tokens


def basis(standing: Standing, request: Request) -> int:
    """What the count of a target's provider teaches by: the length by its tokenizer, 0 where it was
    not counted so; as estimated, where the target names none.
    """
    tokenizer = standing.facts.tokenizer
    return request.counted.get(tokenizer, 0) if tokenizer else request.input_tokens


def at_most(pool: Pool, request: Request) -> int:
    """Tokens of which no member of a pool reserves more for `request`, in any dimension, whatever
    was learned of it: who has room for so many has room for it, and of who has not, more is asked.
    """
    most, bound = request.input_tokens, request.output_tokens
    if request.counted:
        most = max(most, *request.counted.values())
    if bound is None:
        bound = pool.length.high
        if pool.unbounded > bound:
            bound = pool.unbounded
    return most * MOST_FACTOR + bound
