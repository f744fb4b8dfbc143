"""What a passage drives: a course, or what is wrapped around one and looks like one."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Protocol

from policies import Fail, Send, Stop, Wait


class Way(Protocol):
    """One request's way. See `policies.Course`."""

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """See `Course.next`."""

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        """See `Course.go_on`."""

    def climb(self, tier: int, now: float) -> None:
        """See `Course.climb`."""

    def close(self, now: float) -> None:
        """See `Course.close`."""
