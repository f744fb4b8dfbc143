"""What a route's shadow is: where to, how much, and by what prices. One value for each revision of
the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies import Price, Report
from router.config import Shadow
from router.shadow.judged import Judge

ARM = "→shadow"
"""What the engine's route of copies is called, after the model that they are of. Clients cannot ask
for it, and it is the model of copies in the journal.
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """The `shadow` of `model`, with its judge, if it has one. `deadline` is the route's, in
    seconds; `prices` are those that are known of targets that are compared; `output` is the longest
    answer of the shadow's model in tokens (None: nobody said); `groups` are what it shares limits
    with. Two are of one sample where `compared` is the same: who answers, and instead of whom.
    """

    model: str
    shadow: Shadow
    judge: Judge | None
    deadline: float
    prices: Mapping[str, Price]
    output: int | None
    groups: tuple[str, ...]
    compared: str

    @property
    def arm(self) -> str:
        """The engine's route of its copies."""
        return f"{self.model}{ARM}"

    def cost(self, target: str, report: Report) -> int | None:
        """Nano-dollars for an attempt that ended so; None: nobody knows."""
        price = self.prices.get(target)
        return None if price is None else price.cost(report)
