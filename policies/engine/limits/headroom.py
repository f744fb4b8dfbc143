"""What providers say of their limits, in numbers: as it is told to the engine, and as it shows
what that came to.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from policies.engine.limits.windows import MICROSECONDS
from policies.engine.refusal import NEVER

Dimension = Literal["requests", "tokens", "input", "output"]

MINUTE = 60 * MICROSECONDS
DAY = 86_400 * MICROSECONDS
PLENTY = 0.25
"""Of a limit: less is little."""
MANY = 400
"""For so many a limit is taken whose size is not known."""


class Headroom(NamedTuple):
    """What a provider says is left of one of its limits.

    `of` is what that counts, `left` how many units are left of `limit` (None: it did not say),
    `reset` the seconds until all are back (None: likewise), `span` the seconds over which the limit
    counts, where its name tells; `name` tells apart limits that count the same.
    """

    of: Dimension
    left: int
    limit: int | None = None
    reset: float | None = None
    span: float | None = None
    name: str = ""


class Used(NamedTuple):
    """The `share` of a target's provisioned capacity that its provider says is used, above 1 where
    it is more; `rest` are the seconds until it is not all of it (None: it did not say).
    """

    share: float
    rest: float | None = None


class Measurement(NamedTuple):
    """What the head of one answer says is left, how many of its headers could not be read, and what
    of provisioned capacity is used.
    """

    said: tuple[Headroom, ...]
    nonsense: int = 0
    used: Used | None = None


class Measured(NamedTuple):
    """A level as it stands: what is `left` (infinite: nothing binds), out of which `limit`; units
    that others used of the same account; the `share` of the limit in force, below 1 after refusals
    although there was room; `written` is the limit of the file where the provider's is another.
    `whole` is the instant at which all are back, where the provider named one. `believed`: what it
    says changes as it should.
    """

    name: str
    of: Dimension
    left: float
    limit: int | None
    span: float
    whole: float
    foreign: int
    share: float
    written: int | None
    believed: bool

    @property
    def scarce(self) -> bool:
        """Whether little is left, or it is not what its provider says it is."""
        little = self.left < (self.limit or MANY) * PLENTY
        return self.left < NEVER and (little or self.share < 1)


def is_credible(said: Headroom) -> bool:
    """Whether there can be such a limit."""
    limit = said.limit
    return said.left >= 0 and (limit is None or (limit > 0 and said.left <= limit))


def without_nonsense(said: Headroom) -> Headroom:
    """Without a reset that is longer than the limit's own span, or before now."""
    reset, span = said.reset, said.span
    if reset is None or 0 <= reset <= (DAY / MICROSECONDS if span is None else span * 1.02 + 1):
        return said
    return said._replace(reset=None)


def span_of(said: Headroom, known: int) -> int:
    """Over how many microseconds it counts: as its name tells, else a minute until a reset shows
    that it is a day.
    """
    if said.span is not None:
        return round(said.span * MICROSECONDS)
    longer = said.reset is not None and said.reset * MICROSECONDS > MINUTE + MICROSECONDS
    return DAY if longer else known
