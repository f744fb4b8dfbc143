"""Least latency with more in its cost: what a request costs in money, and what of its prompt is
warm.

cost = T̂ · load / (w · A) · money^price. With `affinity`, T̂ and the money are those of the tokens
that are not read from a cache, so a conversation goes where it was before as long as that is worth
more than what speaks against it: health, load, another's speed. Nothing else keeps it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, cast

from policies.affinity.money import counted, price
from policies.affinity.prefix import PREFIX, prefix_of
from policies.affinity.warmth import Warmth, is_full
from policies.affinity.words import of_money, of_warmth
from policies.engine.learning.cost import predictions
from policies.engine.outcome import Report
from policies.least_latency import TIE, LeastLatency, of_weights, weighed
from policies.policy import Candidate, Request

if TYPE_CHECKING:
    from policies.engine.standing import Member

HALF = 0.5
"""The part of a prompt that is warm where a conversation goes on, and does not just begin alike."""

MOST_PRICE = 10.0
"""A tenth more in price is then as bad as 2.6 times the time."""


class Weighed(NamedTuple):
    """Of candidates, in their order: costs, how many tokens are expected to be read from a cache
    there, and what the request costs there in nano-dollars (None: that is unknown); no money at all
    where it does not weigh.
    """

    costs: list[float]
    warm: list[float]
    money: list[float | None]


@dataclass(frozen=True, slots=True)
class WeighedLatency:
    """Cheapest expected time, weighed by money: what costs twice as much must be 2 ** `price` times
    as fast. With `affinity`, prompts that begin alike go where their beginning is warm.
    """

    affinity: Literal["prefix"] | None = None
    price: float = 0.0

    measures: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.affinity not in (None, "prefix"):
            raise ValueError(f"affinity {self.affinity!r}: there is only prefix")
        if not 0 <= self.price <= MOST_PRICE:
            raise ValueError(f"price {self.price} must be a number from 0 to {MOST_PRICE}")

    @property
    def rule(self) -> str:
        """See `Speaking.rule`."""
        told = LeastLatency.rule
        if self.affinity:
            told += "; what is warm in a prompt cache takes no time there"
        if self.price:
            told += f"; what costs twice as much must be {2**self.price:.3g} times as fast"
        return told

    @property
    def needs(self) -> frozenset[str]:
        """How prompts begin, for affinity."""
        return frozenset({PREFIX}) if self.affinity else frozenset()

    @property
    def odds(self) -> Callable[..., Sequence[float]] | None:
        """How likely each is to be chosen; None with affinity, where that hangs on its memory."""
        return None if self.affinity else self._odds

    @property
    def learn(self) -> Callable[..., None] | None:
        """Where prefixes become warm; None without affinity."""
        return self._learn if self.affinity else None

    def fresh(self) -> Warmth | None:
        """What is warm where; nothing without affinity."""
        return Warmth() if self.affinity else None

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Warmth | None,
        now: float,
        rng: Random,
    ) -> Candidate:
        """The cheapest candidate; of those within 15 % of it the warmest, where a conversation goes
        on, else the one to whom a new beginning belongs.
        """
        if len(candidates) == 1:
            return candidates[0]
        weighed = self.weigh(request, candidates, memory, now)
        costs, warm = weighed.costs, weighed.warm
        bar = min(costs) * TIE
        tied = [index for index, cost in enumerate(costs) if cost <= bar]
        if len(tied) == 1:
            return candidates[tied[0]]
        if memory is not None and (prefix := prefix_of(request)) is not None:
            warmest = max(tied, key=warm.__getitem__)
            if warm[warmest] >= HALF * request.input_tokens:
                return candidates[warmest]
            return memory.place(prefix, [candidates[index] for index in tied], now)
        return candidates[rng.choices(tied, [1 / costs[index] for index in tied])[0]]

    def weigh(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Warmth | None,
        now: float,
    ) -> Weighed:
        """What a request would cost on each of `candidates`. Among the cheapest, nothing is
        expected to be warm at one that was sent more than its share.
        """
        members = cast("Sequence[Member]", candidates)  # what the engine shows are its members
        seconds = predictions(request, members)
        costs = weighed(seconds.copy(), members, now)
        warm = [0.0] * len(members)
        money = self._money(request, members, warm)
        prefix = prefix_of(request) if memory is not None else None
        if memory is None or prefix is None:
            return Weighed(self._paid(costs, money), warm, money)
        cold, warm, costs = memory.weigh(prefix, request.input_tokens, members, costs, seconds, now)
        cold = self._paid(cold, money)
        if not any(warm):
            return Weighed(cold, warm, money)
        money = self._money(request, members, warm)
        costs = self._paid(costs, money)
        asked: set[int] = set()
        loads = memory.loads(members, now)
        while best := _warm_and_cheap(costs, warm) - asked:
            asked |= best
            for index in best:
                if is_full(index, members, cold, loads):
                    costs[index], warm[index] = cold[index], 0.0
        return Weighed(costs, warm, money)

    def _money(
        self, request: Request, members: Sequence[Member], warm: list[float]
    ) -> list[float | None]:
        """What it costs where so much is warm; nobody asks where that does not weigh."""
        if not self.price:
            return []
        return [price(one, request, there) for one, there in zip(members, warm, strict=True)]

    def terms(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Warmth | None,
        now: float,
    ) -> Sequence[str]:
        """What is warm where, what the request costs there, and what weights do."""
        _, warm, money = self.weigh(request, candidates, memory, now)
        known = self.affinity is not None and prefix_of(request) is not None
        tokens = request.input_tokens if known else None
        paid = of_money(money) if money else [""] * len(warm)
        heavy = of_weights(candidates)
        trust = [1.0 if memory is None else memory.trust(one.name) for one in candidates]
        heat = [of_warmth(one, tokens, part) for one, part in zip(warm, trust, strict=True)]
        told = zip(heat, paid, heavy, strict=True)
        return ["; ".join(filter(None, words)) for words in told]

    def _paid(self, costs: list[float], money: list[float | None]) -> list[float]:
        if not self.price:
            return costs
        return [cost * one**self.price for cost, one in zip(costs, counted(money), strict=True)]

    def _learn(
        self,
        request: Request,
        candidate: Candidate,
        report: Report,
        seconds: float,
        first: float | None,
        memory: Warmth,
        now: float,
    ) -> None:
        prefix = prefix_of(request)
        if prefix is not None and (first is not None or report.outcome.good):
            member = cast("Member", candidate)
            memory.learn(prefix, request.input_tokens, member, report, first, now)

    def _odds(
        self, request: Request, candidates: Sequence[Candidate], now: float
    ) -> Sequence[float]:
        costs = self.weigh(request, candidates, None, now).costs
        bar = min(costs) * TIE
        parts = [1 / cost if cost <= bar else 0.0 for cost in costs]
        whole = sum(parts)
        return [part / whole for part in parts]


def _warm_and_cheap(costs: list[float], warm: list[float]) -> set[int]:
    bar = min(costs) * TIE
    return {index for index, there in enumerate(warm) if there and costs[index] <= bar}
