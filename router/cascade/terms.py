"""What a route's cascade is: its checks, its tiers, and by what prices it is worth it. One value
for each revision of the configuration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies import Price, Report
from router.cascade.checks import Check
from router.config import Audit, Rate
from router.shadow.judged import Judge, Said

ASK = (
    "You check the answer of an assistant. Reply with the one word YES if it does all that the "
    "request asks for, and nothing in it is wrong or missing; otherwise reply NO."
)
"""What a judge is told, where the file says nothing else."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a check of a user's own is given: the `model` that was asked for, the request's body,
    decoded, and what was `said`.
    """

    model: str
    request: Mapping[str, Any]
    said: Said


Own = Callable[[Answered], bool | Awaitable[bool]]
"""Whether an answer is good enough. One that is not a coroutine runs in a thread."""


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """A check by its import path."""

    name: str
    holds: Own


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """A `model` of the file that is asked whether an answer is good enough, with the words `ask`,
    for at most `budget` nano-dollars (None: whatever it costs).
    """

    model: str
    ask: str
    budget: Rate | None

    @property
    def name(self) -> str:
        """As it is shown."""
        return f"judge {self.model}"


Compare = Judge | None
"""A judge of two answers; None: by their words."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The cascade of `model`. `checks` need nothing but the answer, and come first; `others` ask
    somebody. `reads`: the request is read for them. `tiers` are those of the route's targets, from
    0; `prices` are those that are known of them and of the judges' targets, `usual` what is usual
    in each tier (None: unknown). `audit` says what is compared, `compare` by whom. Two are of one
    sample where `measured` is the same. Of a stream so many bytes are held back, its `head` (0:
    streams are not checked).
    """

    model: str
    checks: tuple[Check, ...]
    others: tuple[OwnCheck | ModelCheck, ...]
    reads: bool
    tiers: Mapping[str, int]
    prices: Mapping[str, Price]
    usual: tuple[Price | None, ...]
    audit: Audit | None
    compare: Compare
    measured: str
    head: int = 0

    @property
    def last(self) -> int:
        """The dearest tier."""
        return len(self.usual) - 1

    def onward(self, tier: int, skipped: frozenset[int]) -> int:
        """The tier that is asked after `tier`."""
        return next(one for one in range(tier + 1, self.last + 1) if one not in skipped)

    def cost(self, target: str, report: Report) -> int | None:
        """Nano-dollars for an attempt that ended so; None: nobody knows."""
        price = self.prices.get(target)
        return None if price is None else price.cost(report)

    def estimates(self, tier: int, report: Report, longer: Sequence[float]) -> list[int | None]:
        """What a request that ended so in `tier` would have cost in each tier above it, where
        answers are so many times as `longer`, and caches as warm.
        """
        written, above = report.output_tokens, self.usual[tier + 1 :]
        as_asked = report._replace(service_tier="")
        return [
            None
            if price is None or written is None
            else price.cost(as_asked._replace(output_tokens=round(written * times)))
            for price, times in zip(above, longer, strict=True)
        ]

    def dearest_from(self, tier: int) -> frozenset[str]:
        """The targets of the tiers from that one on."""
        return frozenset(name for name, its in self.tiers.items() if its >= tier)
