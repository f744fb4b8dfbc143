"""What the file names by import paths, once it is made: kept while the file says the same of it.

Why: what is in force is put in force anew with every step of a shift and every word of an operator.
A user's policy may take long to be made, which nobody should wait for again, and what is known of
it, that it took too long as well, must not be forgotten.
Must not: know how anything is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from router.config import PolicySpec

T = TypeVar("T")


class Made:
    """What is made now, and `held` by where it stands; what was `before` is taken from there."""

    def __init__(self, before: Made | None = None) -> None:
        self._before = {} if before is None else before.held
        self.held: dict[str, tuple[PolicySpec, Any]] = {}

    def of(self, place: str, spec: PolicySpec, make: Callable[[PolicySpec], T]) -> T:
        """What stands at this place of the file: made by `make`, unless it is there already."""
        held = self._before.get(place)
        if held is None or not _same(held[0], spec):
            held = spec, make(spec)
        self.held[place] = held
        made: T = held[1]
        return made


def _same(one: PolicySpec, other: PolicySpec) -> bool:
    # To be equal is not enough: 1, 1.0 and true are.
    return one == other and repr(one.options) == repr(other.options)
