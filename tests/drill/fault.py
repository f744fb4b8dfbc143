"""What a fault is, and what must come of it; nothing here is run."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from router.testing import Answer, Script
from tests.drill.seen import WAYS, Seen, Way
from tests.drill.stage import Stage

TEXT = "one two three four five"
GOOD = Answer(TEXT)
QUICK = 0.4
"""Seconds that a failover may take on a machine that does other things as well. What it takes on
one that does not is measured by `benchmarks/faults.py`.
"""
PATIENCE = 0.3
"""Seconds to the first content and between two pieces, as the drill's file sets them."""


@dataclass
class Sight:
    """What was seen of one fault in one way. `wrong`: what should not have been."""

    words: str
    seconds: float | None = None
    attempts: tuple[int, int] | None = None
    wrong: list[str] = field(default_factory=list)


Certificate = Literal["right", "expired", "of an unknown authority", "for another name"]
Scene = Callable[[Stage, Way], Awaitable[Sight]]


@dataclass(frozen=True)
class Expected:
    """What the client must see: the answer, or an error of the SDK's, after content or without.
    `by` and `code` may be any of several, and `within` is in seconds beside a good request's.
    """

    by: tuple[str, ...] = ()
    error: str = ""
    code: tuple[str, ...] = ()
    broken_off: bool = False
    retry_after: tuple[float, float] | None = None
    within: float = QUICK

    def wrong(self, seen: Seen, added: float) -> list[str]:
        """What is not as it must be."""
        wrong = []
        if seen.error != self.error:
            wrong.append(f"{seen.error or 'no error'} instead of {self.error or 'the answer'}")
        if not self.error and seen.text != TEXT:
            wrong.append(f"the text {seen.text!r}")
        if not self.error and not seen.finished:
            wrong.append("no end, and no error")
        if self.by and seen.target not in self.by:
            wrong.append(f"from {seen.target or 'nobody'} instead of {' or '.join(self.by)}")
        if self.code and seen.code not in self.code:
            wrong.append(f"code {seen.code!r} instead of {' or '.join(self.code)}")
        if self.error and (not TEXT.startswith(seen.text) or bool(seen.text) != self.broken_off):
            wrong.append(f"the text {seen.text!r} before the error")
        if added > self.within:
            wrong.append(f"{added * 1000:.0f} ms more, {self.within * 1000:.0f} are allowed")
        return wrong + self._wrong_time(seen)

    def _wrong_time(self, seen: Seen) -> list[str]:
        wrong = []
        if self.retry_after is not None:
            least, most = self.retry_after
            if seen.retry_after is None or not least <= seen.retry_after <= most:
                wrong.append(f"Retry-After {seen.retry_after}, not {least:g} to {most:g}")
        if seen.retry_after is not None and "x-should-retry" in seen.headers:
            wrong.append("Retry-After beside x-should-retry")
        return wrong


@dataclass(frozen=True)
class Fault:
    """One row: what the first target does (and the second), and what must come of it.

    The request is made `times` times, one after the other, and `attempts` are those on the first
    and on the second target of all of them. `keys` are more keys of the first provider, `serves`
    those of its model; the request `asks` for this besides. With a `ladder` the route falls back on
    the second target and on a text. A `long` one takes seconds, and runs beside the others; after
    the `last` nobody is there. A `scene` is run instead of plain requests.
    """

    name: str
    first: Script
    expected: Expected = field(default_factory=Expected)
    attempts: tuple[int, int] | None = (1, 1)
    second: Script = GOOD
    ways: Sequence[Way] = WAYS
    times: int = 1
    keys: str = ""
    serves: str = ""
    route: str = ""
    asks: Mapping[str, object] = field(default_factory=dict)
    tls: Certificate | None = None
    gone: bool = False
    ladder: bool = False
    long: bool = False
    last: bool = False
    scene: Scene | None = None


@dataclass(frozen=True)
class Theme:
    """Faults of one kind: what happens, and what a client sees of it, in the README's words."""

    happens: str
    sees: str
    faults: Sequence[Fault]


def only_late(wrong: list[str]) -> bool:
    """Whether nothing was wrong but figures of time, which a machine that does much else may make
    odd for a while, and not twice.
    """
    return bool(wrong) and all(re.search(r"\d ms\b", told) for told in wrong)
