"""What one file made of the traffic, summed up in blocks: requests that came one after another.

Why: sums over a few dozen blocks say how much is chance as well as every request would, and are
small enough to be handed from one process to another.
Must not: compare; that takes two.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from policies import Outcome, Price
from policies.simulate import Answered, Arrival, Sent

BILLED = frozenset({Outcome.OK, Outcome.ABANDONED})
"""Ends of attempts that are paid for: a provider that fails charges nothing."""
BLOCKS = 40
"""In each run."""

Cell = tuple[str, str]
"""A model, and the tenant who asked for it."""


@dataclass(slots=True)
class Sums:
    """Of some requests, block by block: how many there were, got no answer, found a target at a
    limit; what was spent, in nano-dollars; their waits for the first token, in order, also all of
    them together; and the sends to each target. `unpriced` are targets that should have been paid,
    nobody knows what.
    """

    requests: list[int]
    errors: list[int]
    limited: list[int]
    spent: list[int]
    waits: list[array[float]]
    sends: dict[str, list[int]] = field(default_factory=dict)
    unpriced: set[str] = field(default_factory=set)
    ordered: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls, blocks: int) -> Sums:
        """None yet."""
        requests, errors, limited, spent = ([0] * blocks for _ in range(4))
        waits = [array("d") for _ in range(blocks)]
        return cls(requests, errors, limited, spent, waits)

    def add(self, other: Sums) -> None:
        """Those of other requests in the same blocks."""
        for mine, theirs in (
            (self.requests, other.requests),
            (self.errors, other.errors),
            (self.limited, other.limited),
            (self.spent, other.spent),
            *(
                (self.sends.setdefault(target, [0] * len(self.spent)), sends)
                for target, sends in other.sends.items()
            ),
        ):
            mine[:] = [one + more for one, more in zip(mine, theirs, strict=True)]
        for waits, more in zip(self.waits, other.waits, strict=True):
            waits.extend(more)
        self.unpriced |= other.unpriced


class Tallies:
    """The sums of every model and tenant, over `runs` of the same requests."""

    def __init__(self, arrivals: Sequence[Arrival], runs: int) -> None:
        self.cells: dict[Cell, Sums] = {}
        self._blocks = BLOCKS * runs
        count = len(arrivals)
        self._bounds = [arrivals[block * count // BLOCKS].at for block in range(1, BLOCKS)]

    def add(
        self,
        run: int,
        answered: Iterable[Answered],
        sent: Iterable[Sent],
        prices: Mapping[str, Price | None],
    ) -> None:
        """What came of them in one run."""
        bounds, offset = self._bounds, run * BLOCKS
        for one in answered:
            arrival = one.arrival
            sums = self._of(arrival.model, arrival.tenant)
            block = bisect_right(bounds, arrival.at) + offset
            sums.requests[block] += 1
            sums.limited[block] += one.limited
            if one.first is None:
                sums.errors[block] += 1
            else:
                sums.waits[block].append(one.first)
        for each in sent:
            sums = self._of(each.model, each.tenant)
            block = bisect_right(bounds, each.came) + offset
            target = each.target
            sends = sums.sends.get(target)
            if sends is None:
                sends = sums.sends[target] = [0] * self._blocks
            sends[block] += 1
            if each.outcome in BILLED:
                price = prices[target]
                if price is None:
                    sums.unpriced.add(target)
                else:
                    read, written = each.input_tokens, each.output_tokens
                    sums.spent[block] += price.of(read, written, each.cached_tokens)

    def group(self, model: str | None = None, tenant: str | None = None) -> Sums:
        """The sums over a model, over a tenant, or over all."""
        whole = Sums.empty(self._blocks)
        for (of, who), sums in self.cells.items():
            if model in (None, of) and tenant in (None, who):
                whole.add(sums)
        whole.waits = [array("d", sorted(waits)) for waits in whole.waits]
        whole.ordered = sorted(chain.from_iterable(whole.waits))
        return whole

    def _of(self, model: str, tenant: str) -> Sums:
        sums = self.cells.get((model, tenant))
        if sums is None:
            sums = self.cells[model, tenant] = Sums.empty(self._blocks)
        return sums
