"""What is known of an attempt, and of a request, once it is over."""

from __future__ import annotations

from typing import NamedTuple

from policies.engine.outcome import Outcome
from policies.engine.refusal import Cause
from policies.simulate.arrivals import Arrival


class Sent(NamedTuple):
    """One attempt, over: from `at` to `end`, the tokens that it took and gave, and when and from
    whom its request came, and for which model; `cached_tokens` are those of the input that were
    read from a cache.
    """

    target: str
    at: float
    end: float
    outcome: Outcome
    input_tokens: int
    output_tokens: int
    came: float = 0.0
    tenant: str = ""
    model: str = ""
    cached_tokens: int = 0


class Answered(NamedTuple):
    """One request, over. `first` and `total` are seconds since it came, None and the whole wait
    where there was no answer. `sends` are over all of its `courses`, of which there are more than
    one where its client came again. `cause` says why there was no answer, None if the client left;
    `limited`, where that is noted, that it found a target at a limit when it came.
    """

    arrival: Arrival
    target: str | None
    first: float | None
    total: float
    sends: int
    courses: int
    cause: Cause | None
    limited: bool = False

    @property
    def at(self) -> float:
        """When it came."""
        return self.arrival.at

    @property
    def left(self) -> bool:
        """Whether its client had no more patience."""
        return self.target is None and self.cause is None
