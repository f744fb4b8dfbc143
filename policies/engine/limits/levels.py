"""All that a provider says is left of a target's limits: what its answers' headers came to.

One more bound beside the windows of the target's `Quota`, which asks it. A target of which no
answer ever named a limit has none of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from policies.engine.limits.counting import Need
from policies.engine.limits.headroom import (
    PLENTY,
    Dimension,
    Headroom,
    Measured,
    Measurement,
    is_credible,
    without_nonsense,
)
from policies.engine.limits.measured import Level
from policies.engine.limits.windows import INPUT, MICROSECONDS, OUTPUT, REQUESTS, TOKENS, Note
from policies.engine.refusal import NEVER
from policies.engine.route import Limits

OFTEN: Final = 0.1
"""Seconds between two measurements of a target of which plenty is left; where it is not, each
answer is one.
"""
MOST_NOTES: Final = 1000
TOGETHER: Final = 100_000
"""Microseconds within which requests count as if they went out at once: what came back between them
is not counted where all was there, which errs by a 600th of a minute's limit.
"""
MOST_LEVELS: Final = 16
"""A provider has a handful of limits."""
COLUMN: Final[dict[Dimension, int]] = {
    "requests": REQUESTS, "tokens": TOKENS, "input": INPUT, "output": OUTPUT,
}  # fmt: skip
"""What of a note a level counts."""


class Levels:
    """What its provider says is left of a target.

    `sure` is as `Quota`'s: one more request fits for certain while it has at most so many tokens
    (-1: not for certain). `due` is the instant from which the next answer is worth reading;
    `nonsense` counts what could not be.
    """

    __slots__ = (
        "_levels", "_lowered", "_notes", "_requests", "_sent", "_unread", "due", "nonsense", "sure",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sure: float = NEVER
        self.due = -NEVER
        self.nonsense = 0
        self._levels: dict[tuple[str, float | None], Level] = {}
        self._notes: list[Note] = []
        self._unread: list[Note] = []
        self._requests: float = NEVER
        self._sent = self._lowered = -(1 << 62)  # before any instant

    def wait(self, need: Need, at: int) -> int:
        """Microseconds from `at` until one more request that needs so much will fit, if nothing
        else is taken.
        """
        self.look(at)
        return max([wait for wait, _ in self._waits(need, at)], default=0)

    def longest(self, need: Need, now: float) -> tuple[float, Measured] | None:
        """The level that has room for such a request last, and the seconds until then; None: there
        is no level.
        """
        at = to_microseconds(now)
        self.look(at)
        waits = self._waits(need, at)
        if not waits:
            return None
        wait, level = max(waits, key=lambda one: one[0])
        return wait / MICROSECONDS, level.shown(at)

    def take(self, note: Note) -> None:
        """A request goes out, or what one took is corrected. The levels read it later, together
        with others.
        """
        unread = self._unread
        if unread and note[1] - unread[0][1] > TOGETHER:
            self._read()
        unread.append(note)
        _, _, requests, most, read, written = note
        if read > most:
            most = read
        if written > most:
            most = written
        if most > 0:
            self.sure -= most
        if requests > 0:
            self._requests -= requests
        if self._requests < 1:
            self.sure = -1.0

    def correct(self, note: Note) -> None:
        """What a request took was another amount. Where the provider has told since what is left,
        it told it of that request as well.
        """
        if note[0] > self._sent:
            self.take(note)

    def seed(self, notes: Iterable[Note]) -> None:
        """Requests that are under way, of which nothing was noted."""
        self._notes = sorted(notes)

    def observe(self, told: Measurement, limits: Limits, sent: float, now: float) -> list[Measured]:
        """An answer's head came, to a request that was sent at `sent`. Returns the levels of which
        it is certain now that the written `limits` are others.
        """
        at, begun = to_microseconds(now), to_microseconds(sent)
        self.nonsense += told.nonsense
        if begun < self._sent:
            return []  # A later one has told more.
        self._sent = begun
        self._read()
        self._notes = notes = [note for note in self._notes if note[0] > begun]
        warned = []
        for one in told.said:
            if not is_credible(one):
                self.nonsense += 1
                continue
            credible = without_nonsense(one)
            self.nonsense += credible is not one
            level = self._level(credible, at)
            if level is None:
                continue
            column = COLUMN[one.of]
            after = sum([note[column] for note in notes])
            level.heard(credible, after, limits, at)
            if level.warned:
                warned.append(level.shown(at))
        self.look(at)
        plenty = all(level.part(at) > PLENTY for level in self._levels.values())
        self.due = now + OFTEN if plenty else -NEVER
        return warned

    def throttled(self, taken: Note, sent: float, now: float) -> None:
        """A request that took so much, sent at `sent`, was refused as too much. Where the headers
        of the refusal itself still leave room, the limit is lower than they say: the one of which
        the least is left.
        """
        at, begun = to_microseconds(now), to_microseconds(sent)
        self._read()
        for level in self._levels.values():
            level.believe()
        if (
            begun < self._lowered
            or not self._levels
            or self.wait((taken[TOKENS], taken[INPUT], taken[OUTPUT]), at)
        ):
            return  # One rush of requests is refused together.
        self._lowered = at
        min(self._levels.values(), key=lambda level: level.part(at)).refused(at)
        self.look(at)

    def room(self, of: Dimension, at: int) -> float:
        """Units of one kind that are left, infinite where nothing bounds them."""
        self._read()
        spares = [level.spare(at) for level in self._levels.values() if level.of == of]
        return max(0, min(spares, default=NEVER))

    def look(self, at: int) -> None:
        """Work out what is left for certain: until something is taken, time only adds to it."""
        self._read()
        tokens = requests = NEVER
        for level in self._levels.values():
            spare = level.spare(at)
            if level.of == "requests":
                requests = min(requests, spare)
            else:
                tokens = min(tokens, spare)
        self._requests, self.sure = requests, tokens if requests >= 1 else -1

    def pace(self, need: Need) -> float:
        """Requests a second, of so many tokens each, that go on for long."""
        units = 1, *need
        paces = [
            level.pace / each
            for level in self._levels.values()
            if (each := units[COLUMN[level.of] - REQUESTS])
        ]
        return min(paces, default=NEVER)

    def shown(self, now: float) -> tuple[Measured, ...]:
        """Every level, as it stands."""
        self._read()
        at = to_microseconds(now)
        return tuple(level.shown(at) for level in self._levels.values())

    def _waits(self, need: Need, at: int) -> list[tuple[int, Level]]:
        """Microseconds until each level has room."""
        units = 1, *need
        return [
            (level.wait(units[COLUMN[level.of] - REQUESTS], at), level)
            for level in self._levels.values()
        ]

    def _read(self) -> None:
        """Let the levels read what was taken since they last did."""
        unread = self._unread
        if not unread:
            return
        at = unread[-1][1]
        for level in self._levels.values():
            column = COLUMN[level.of]
            level.take(sum([note[column] for note in unread]), at)
        self._notes += unread
        unread.clear()
        while len(self._notes) > MOST_NOTES:
            self._notes = thinned(self._notes)

    def _level(self, said: Headroom, at: int) -> Level | None:
        key = said.name or said.of, said.span
        level = self._levels.get(key)
        if level is None and len(self._levels) < MOST_LEVELS:
            level = self._levels[key] = Level(said, at)
        return level


def thinned(notes: list[Note]) -> list[Note]:
    """Half as many notes, each the sum of two and as late as the later one."""
    halved = [
        (b[0], b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5])
        for a, b in zip(notes[::2], notes[1::2], strict=False)
    ]
    return halved + notes[len(halved) * 2 :]


def to_microseconds(now: float) -> int:
    """The nearest."""
    return int(now * MICROSECONDS + 0.5)
