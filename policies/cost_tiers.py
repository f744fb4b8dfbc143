"""Cost tiers: a request starts in the tier that its rules name, and goes on to a dearer one only
when it must.

Where every request starts in the first tier, the hard ones fail there first and are paid for
twice; where they start in the last, the easy ones cost what the hard ones are worth. What tells
them apart before they are sent is little, and cheap to read: how long they are, whether they bring
tools, a schema, images. From its start on a request is served as by `priority`: a tier takes what
it has room for, the overflow goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from policies import overflow
from policies.least_latency import LeastLatency
from policies.policy import Candidate, Policy, Request

FEATURES = ("tools", "schema", "images")
"""Conditions on what a request brings, which its driver must look for."""
SIGNS = (">=", "<=", ">", "<")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison with a number of tokens: `Threshold(">", 8_000)`."""

    sign: Literal[">", ">=", "<", "<="]
    tokens: int

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise ValueError(f"{self.sign!r} is none of {', '.join(SIGNS)}")

    def holds(self, tokens: int | None) -> bool:
        """Whether `tokens` compares so; what is unknown (None) never does."""
        if tokens is None:
            return False
        match self.sign:
            case ">":
                return tokens > self.tokens
            case ">=":
                return tokens >= self.tokens
            case "<":
                return tokens < self.tokens
            case "<=":
                return tokens <= self.tokens


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests for which all of its conditions hold start in `tier` (counted from 0) or later.

    `input_tokens` is an estimate; `output_tokens` the caller's bound, and who set none matches no
    rule about it. `tools`, `schema` (an answer in a given form) and `images` ask what the request
    brings. None asks nothing.
    """

    tier: int
    input_tokens: Threshold | None = None
    output_tokens: Threshold | None = None
    stream: bool | None = None
    tools: bool | None = None
    schema: bool | None = None
    images: bool | None = None

    def __post_init__(self) -> None:
        if self.tier < 0:
            raise ValueError(f"tier {self.tier}: tiers count from 0")

    @property
    def needs(self) -> frozenset[str]:
        """The features that it asks for."""
        return frozenset(name for name in FEATURES if getattr(self, name) is not None)

    def holds(self, request: Request) -> bool:
        """Whether all of its conditions hold for `request`; a feature that nobody looked for is
        not there.
        """
        if self.input_tokens is not None and not self.input_tokens.holds(request.input_tokens):
            return False
        if self.output_tokens is not None and not self.output_tokens.holds(request.output_tokens):
            return False
        if self.stream is not None and self.stream is not request.stream:
            return False
        return all(
            wanted is None or wanted is bool(request.features.get(name, False))
            for name, wanted in zip(FEATURES, (self.tools, self.schema, self.images), strict=True)
        )


@dataclass(frozen=True, slots=True)
class CostTiers:
    """Tiers from the cheapest to the dearest. A request starts in the highest tier that one of the
    `rules` that hold for it names, else in the first; `within` chooses inside a tier.
    """

    rules: tuple[Rule, ...] = ()
    within: Policy = field(default_factory=LeastLatency)

    @property
    def needs(self) -> frozenset[str]:
        """What its rules and the policy inside the tiers need."""
        return self.within.needs.union(*(rule.needs for rule in self.rules))

    @property
    def learn(self) -> Callable[..., None] | None:
        """What the policy inside learns, each tier for itself; None if it learns nothing."""
        return overflow.lesson(self.within)

    @property
    def odds(self) -> overflow.Odds | None:
        """How likely each is to be chosen, by the policy inside; None if that does not tell."""
        return overflow.odds(self.within)

    @property
    def measures(self) -> bool:
        """Whether the policy inside the tiers goes by measurements."""
        return getattr(self.within, "measures", False)

    def start(self, request: Request) -> int:
        """The tier, from 0, before which `request` is not sent anywhere."""
        return max([rule.tier for rule in self.rules if rule.holds(request)], default=0)

    def fresh(self) -> overflow.Memory:
        """One memory of the inner policy for each tier."""
        return overflow.Memory()

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: overflow.Memory,
        now: float,
        rng: Random,
    ) -> Candidate:
        """The inner policy's choice in the first tier, from its start on, that can serve."""
        return overflow.choose(self.within, request, candidates, memory, now, rng)
