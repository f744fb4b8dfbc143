"""What a route's shadow is: where to, how much, and by what prices. One value for each revision of
the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies import Price
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

    def cost(self, target: str, read: int | None, written: int | None) -> int | None:
        """Nano-dollars for so many tokens of input and output; None: nobody knows."""
        price = self.prices.get(target)
        if price is None or read is None or written is None:
            return None
        return price.input * read + price.output * written
