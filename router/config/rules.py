"""What a start rule of a route says, in plain values.

Must not: know what follows from it; that is the policy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison with a count: `sign` is one of > >= < <=."""

    sign: Literal[">", ">=", "<", "<="]
    count: int


Asked = Threshold | bool | tuple[str, ...] | tuple[tuple[str, str], ...]
"""What a condition asks: how many of something, whether it is there, which of some it is, or pairs
that it has.
"""


@dataclass(frozen=True, slots=True)
class StartRule:
    """A request for which all `conditions` hold, by name, starts in `tier`, from 1; or, where that
    is None, is by `score` harder.
    """

    conditions: tuple[tuple[str, Asked], ...]
    tier: int | None
    score: float = 0.0
