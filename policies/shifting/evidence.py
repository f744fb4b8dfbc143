"""What one arm of a shift has done so far, as counts that add up over instances and over time.

What is counted is the *first* attempt of each request: what is rescued after it is the client's
good fortune and says nothing for the arm. An attempt counts as a request where its outcome says
something of the arm; as a failure where the arm could not serve: it failed, was throttled or was
denied, or the first attempt had to go to the rescue already, since nobody of the canary's could be
asked. What was the caller's fault, or was abandoned before it said anything, is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from policies.shifting.spread import EMPTY, Spread, bin_of, counted


@dataclass(frozen=True, slots=True)
class Evidence:
    """`requests` that were attempted, the `failures` among them, how late their first tokens were
    (`first`, in seconds), and what they cost (`costs`, in nano-dollars; `spent` is the sum of those
    whose price is known).
    """

    requests: int = 0
    failures: int = 0
    first: Spread = EMPTY
    costs: Spread = EMPTY
    spent: int = 0

    @classmethod
    def of(
        cls, *, failed: bool, first_token: float | None = None, cost: int | None = None
    ) -> Evidence:
        """One request: whether it failed; the seconds to its first token, None where there was
        none; what it cost in nano-dollars, None where that is unknown.
        """
        return cls(1, int(failed), _one(first_token), _one(cost), cost or 0)

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(
            self.requests + other.requests,
            self.failures + other.failures,
            self.first + other.first,
            self.costs + other.costs,
            self.spent + other.spent,
        )

    def holds(self, other: Evidence) -> bool:
        """Whether all that `other` counted is counted here as well: nothing was lost since."""
        return (
            self.failures >= other.failures
            and self.requests - self.failures >= other.requests - other.failures
            and self.spent >= other.spent
            and self.first.holds(other.first)
            and self.costs.holds(other.costs)
        )

    def __sub__(self, other: Evidence) -> Evidence:
        """What came since `other`, which this holds."""
        return Evidence(
            self.requests - other.requests,
            self.failures - other.failures,
            self.first - other.first,
            self.costs - other.costs,
            self.spent - other.spent,
        )

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "requests": self.requests,
            "failures": self.failures,
            "first": self.first.plain(),
            "costs": self.costs.plain(),
            "spent": self.spent,
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Evidence:
        """Back from `plain`. Raises `ValueError` for what it cannot have made."""
        try:
            evidence = cls(
                counted(plain["requests"]),
                counted(plain["failures"]),
                Spread.of_plain(plain["first"]),
                Spread.of_plain(plain["costs"]),
                counted(plain["spent"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no evidence: {error!r}") from None
        if evidence.failures > evidence.requests:
            raise ValueError("no evidence: its counts contradict each other")
        return evidence


def _one(value: float | None) -> Spread:
    return EMPTY if value is None else Spread(MappingProxyType({bin_of(value): 1}))


NOTHING = Evidence()
