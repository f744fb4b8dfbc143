"""Tables of what errors mean: a line is what is known of one kind of error, and the meaning of it.

What says more is asked first: an error's message where it is known to be telling, then its codes,
and at last the status. So nothing is decided by a status alone that a code or the body knows
better, and a provider's quirk is a line and never a branch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from policies import Outcome, Scope
from router.dialects.errors.said import Said


class Resets(Enum):
    """When what was refused comes back, as far as it is told."""

    UNTOLD = "–"
    TOLD = "as told"
    BILL = "as told, if that is a minute or more"
    PACIFIC = "midnight in California"
    MONTH = "the first of the next month"


class Meaning(NamedTuple):
    """What a line says that an error is. `overloaded`: it is a sign of sickness too."""

    outcome: Outcome
    scope: Scope = Scope.TARGET
    resets: Resets = Resets.UNTOLD
    overloaded: bool = False


KEY = Meaning(Outcome.DENIED, Scope.PROVIDER)
BILL = Meaning(Outcome.DENIED, Scope.PROVIDER, Resets.BILL)
BILL_OF_MONTH = Meaning(Outcome.DENIED, Scope.PROVIDER, Resets.MONTH)
DAY = Meaning(Outcome.DENIED, Scope.TARGET, Resets.TOLD)
DAY_IN_CALIFORNIA = Meaning(Outcome.DENIED, Scope.TARGET, Resets.PACIFIC)
GONE = Meaning(Outcome.DENIED)
FAILED = Meaning(Outcome.FAILED)
CALLER = Meaning(Outcome.REJECTED, Scope.REQUEST)
UNFIT = Meaning(Outcome.UNFIT, Scope.REQUEST)
FILTERED = Meaning(Outcome.FILTERED, Scope.REQUEST)
THROTTLED = Meaning(Outcome.THROTTLED, resets=Resets.TOLD)
SPILLED = Meaning(Outcome.SPILLED, resets=Resets.TOLD)
OVERLOADED = Meaning(Outcome.THROTTLED, resets=Resets.TOLD, overloaded=True)


@dataclass(frozen=True)
class Line:
    """One line: all that it names must be so, and a line names at least one thing.

    `status` is any of these; `codes` any of these words, in lower case, as the error's code, type
    or reason, or else `says` a pattern in its message, in lower case. `told` is whether the body is
    an error at all, and not a page or nothing. `dated`: it names a time to come back. `unusual`
    holds for operations alone that not every server has.
    """

    means: Meaning
    status: frozenset[int] = frozenset()
    codes: tuple[str, ...] = ()
    says: str = ""
    told: bool | None = None
    dated: bool = False
    unusual: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """`says`, compiled."""
        return re.compile(self.says)

    def holds(self, said: Said, *, usual: bool) -> bool:
        """Whether the error is of this kind, its codes apart."""
        if self.status and said.status not in self.status:
            return False
        if self.told is not None and self.told is not said.told:
            return False
        if (self.unusual and usual) or (self.dated and not said.dated):
            return False
        return not self.says or self.pattern.search(said.message) is not None


def line(
    means: Meaning,
    *status: int,
    codes: str = "",
    says: str = "",
    told: bool | None = None,
    dated: bool = False,
    unusual: bool = False,
) -> Line:
    """A line; `codes` are separated by blanks."""
    words = tuple(codes.lower().split())
    return Line(means, frozenset(status), words, says, told, dated, unusual)


class Table:
    """Lines in their order, by what they go by; what none of them is, `others` may know."""

    __slots__ = ("_by_code", "_by_message", "_by_status", "_others", "lines")

    def __init__(self, lines: Iterable[Line], others: Table | None = None) -> None:
        self.lines = tuple(lines)
        self._others = others
        self._by_message = tuple(one for one in self.lines if one.says or one.dated)
        self._by_status = tuple(
            one for one in self.lines if not (one.says or one.dated or one.codes)
        )
        self._by_code: dict[str, list[Line]] = {}
        for one in self.lines:
            for code in one.codes if not one.says else ():
                self._by_code.setdefault(code, []).append(one)

    def find(self, said: Said, *, usual: bool) -> Line | None:
        """The line of an error; None: no line is. `usual`: every server has the operation."""
        for one in self._by_message:
            if one.holds(said, usual=usual):
                return one
        for code in said.codes:
            for one in self._by_code.get(code, ()):
                if one.holds(said, usual=usual):
                    return one
        for one in self._by_status:
            if one.holds(said, usual=usual):
                return one
        return self._others.find(said, usual=usual) if self._others is not None else None
