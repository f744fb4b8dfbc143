"""What a provider says is left of one of its limits, and what may be sent by that.

A level stands beside our own windows and knows more than they do: what others use of the same
account, limits that nobody wrote down, and when the provider's window turns over. What an answer
says is older than what was sent since its request, so that is subtracted. It is lowered at once and
raised slowly, since headers lie; what is not credible is no measurement at all.

Everything is an integer: instants in microseconds, units in parts of as many as the limit's span
has microseconds, so that a microsecond refills exactly the limit's amount of parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from policies.engine.limits.headroom import MANY, MINUTE, Headroom, Measured, span_of
from policies.engine.limits.windows import MICROSECONDS, Window
from policies.engine.refusal import NEVER
from policies.engine.route import Limits, Rate

SECOND: Final = MICROSECONDS
FORGOTTEN: Final = 10 * MICROSECONDS
"""For so long it holds what was said of a limit, when neither its size nor its reset was."""
RAISED: Final = 200 * MICROSECONDS
"""In so long a level may rise by the whole limit beyond the limit's own pace: 5 % in ten seconds.
"""
WHOLE: Final = 1000
"""A limit's share in force, in thousandths; what a refusal although there was room leaves of it,
in tenths; its least; and what it regains (2 % in ten seconds).
"""
LEFT_BY_A_REFUSAL: Final = 8
LEAST: Final = 100
REGAINED: Final = 20, 10 * MICROSECONDS
NOTICEABLE: Final = 20
"""A difference of more than a twentieth is one."""
COUNTED: Final = 1 << 62
"""More than anybody uses."""
ANSWERS: Final = 10
"""So many answers in a row make a difference from the written limit certain."""
STALE: Final = 2
"""So often it may say the same after the reset that it named, and is believed."""


class Level:
    """One limit as its provider measures it. Instants are in microseconds.

    `_left` is in parts, and so is `_own`, what we used that has not come back (in thousandths of
    them, since it comes back by the share that is in force). Where the provider's numbers agree
    with a limit that refills steadily it does so here, else nothing is back before the named reset.
    To ask at one more instant changes no later answer.
    """

    __slots__ = (
        "_apart", "_at", "_fresh", "_left", "_own", "_refills", "_regained", "_resets", "_said",
        "_seen", "_since", "_span", "_stale", "_used", "foreign", "limit", "name", "of", "share",
        "written",
    )  # fmt: skip

    def __init__(self, said: Headroom, at: int) -> None:
        self.of = said.of
        self.name = said.name or said.of
        self.limit: int | None = None
        self.written: int | None = None
        self.foreign = 0
        self.share = WHOLE
        self._span = span_of(said, MINUTE)
        self._left = self._own = self._fresh = self._apart = self._stale = 0
        self._said = -1
        self._used = Window(COUNTED, self._span / MICROSECONDS)
        self._refills = False
        self._resets = self._at = self._seen = self._since = self._regained = at

    def spare(self, at: int) -> float:
        """Units that may be taken; infinite where nothing binds, below 0: a debt."""
        parts = self._parts(at)
        return NEVER if parts is None else parts // self._span

    def wait(self, need: int, at: int) -> int:
        """Microseconds until `need` units will be there if nothing else is taken; more than there
        ever are need all of them.
        """
        parts = self._parts(at)
        if parts is None:
            return 0
        limit = self.limit
        if limit is None:
            return 0 if parts >= need * self._span else self._resets - at
        in_force = limit * self.share // WHOLE or 1
        needed = min(need, in_force) * self._span
        if parts >= needed:
            return 0
        if not self._refills:
            wait = max(1, self._resets + self._pad - at)
        else:
            lack = needed - self._left if self._stale < STALE else 0
            own = needed * WHOLE - (in_force * self._span * WHOLE - self._own)
            own = 0 if self._stale < STALE and self.share == WHOLE else own
            wait = max(-(-lack // limit), -(-own // (limit * self.share)))
        # When the limit regains a step of its share it may be sooner: look again then.
        return wait if self.share == WHOLE else min(wait, self._regained + REGAINED[1] - at)

    def take(self, units: int, at: int) -> None:
        """We send, or correct, so many units."""
        self._advance(at)
        self._left -= units * self._span
        self._own = max(0, self._own + units * self._span * WHOLE)
        self._fresh += units
        self._bound()

    def heard(self, said: Headroom, after: int, limits: Limits, at: int) -> None:
        """An answer's head came at `at`, of which nothing is nonsense; `after` units were taken
        since its request was sent. `limits` are those of the file.
        """
        self._advance(at)
        if (span := span_of(said, self._span)) != self._span:
            self._left, self._own = self._left // self._span * span, self._own // self._span * span
            self._span = span
            self._used = Window(COUNTED, span / MICROSECONDS)
        limit = said.limit if said.limit is not None else self.limit
        self._is_stale(said, limit, at)
        left, known = (said.left - after) * self._span, self._left
        first, self.limit = limit is None or self.limit is None, limit
        if not first and limit is not None:
            passed = at - self._seen
            raised = passed * limit * self._span // RAISED
            known += raised if self._refills else raised + passed * limit
        self._left = left if first else min(left, known)
        self._bound()
        self._read_reset(said, at)
        self._compare(said, after, limits, at)
        self._said, self._seen = said.left, at

    def refused(self, at: int) -> None:
        """Too much was sent, although there was room."""
        self._advance(at)
        self.share = max(LEAST, self.share * LEFT_BY_A_REFUSAL // 10)
        self._regained = at

    def believe(self) -> None:
        """It refused: there is a limit, whatever its headers look like."""
        self._stale = 0

    def part(self, at: int) -> float:
        """What is left, as a part of the limit."""
        return self.spare(at) / (self.limit or MANY)

    def shown(self, at: int) -> Measured:
        """It, as it stands."""
        spare = self.spare(at)
        whole = NEVER if self._resets <= at else self._resets / MICROSECONDS
        return Measured(
            self.name,
            self.of,
            max(0, spare),
            self.limit,
            self._span / MICROSECONDS,
            whole,
            self.foreign,
            self.share / WHOLE,
            self.written if self._apart >= ANSWERS else None,
            self._stale < STALE,
        )

    @property
    def pace(self) -> float:
        """Units a second that go on for long."""
        return self.limit * MICROSECONDS / self._span if self.limit is not None else NEVER

    @property
    def warned(self) -> bool:
        """Whether the last answer made it certain that the file names another limit."""
        return self._apart == ANSWERS

    @property
    def _pad(self) -> int:
        """How much later than it said a reset may be: many name it in whole seconds."""
        return min(self._span // 60, SECOND)

    def _parts(self, at: int) -> int | None:
        self._advance(at)
        limit = self.limit
        if limit is None:
            return None if self._stale >= STALE or at >= self._resets else self._left
        in_force = (limit * self.share // WHOLE or 1) * self._span
        if self._stale >= STALE:
            return in_force + -self._own // WHOLE
        left = self._left
        return left if self.share == WHOLE else min(left, in_force + -self._own // WHOLE)

    def _advance(self, at: int) -> None:
        limit = self.limit
        if at <= self._at or limit is None:
            return
        gain, each = REGAINED
        while self.share < WHOLE and at >= self._regained + each:
            self._regained += each
            self._pass(limit, self._regained)
            self.share = min(WHOLE, self.share + gain)
        self._pass(limit, at)

    def _pass(self, limit: int, at: int) -> None:
        passed = max(0, at - self._at)
        self._at += passed
        if self._refills:
            self._left = min(limit * self._span, self._left + passed * limit)
            self._own = max(0, self._own - passed * limit * self.share)
        elif at >= self._resets + self._pad:
            self._turn(limit)

    def _turn(self, limit: int) -> None:
        """The reset that was named is here: all are back."""
        self._left, self._own = limit * self._span, 0
        self._refills = True

    def _bound(self) -> None:
        """Headers lie: a debt is no larger than the limit, or it would outlive them for ever."""
        if self.limit is not None:
            whole = self.limit * self._span
            self._left = max(-whole, min(self._left, whole))
            self._own = min(self._own, 2 * whole * WHOLE)

    def _is_stale(self, said: Headroom, limit: int | None, at: int) -> None:
        """See whether it says the same although its window turned over."""
        if said.left != self._said:
            self._stale = 0
        elif at >= self._resets > self._seen and (limit is None or 2 * said.left < limit):
            self._stale += 1
        if not self._refills and self.limit is not None and at >= self._resets > self._seen:
            self._turn(self.limit)

    def _read_reset(self, said: Headroom, at: int) -> None:
        limit = self.limit
        if limit is None:
            wait = FORGOTTEN if said.reset is None else round(said.reset * MICROSECONDS) + self._pad
            self._resets = at + wait
        elif said.reset is None:
            self._refills = True
        else:
            reset = round(said.reset * MICROSECONDS)
            steady = (limit - said.left) * self._span // limit
            self._refills = abs(reset - steady) <= max(steady // NOTICEABLE, self._pad)
            self._resets = at + reset

    def _compare(self, said: Headroom, after: int, limits: Limits, at: int) -> None:
        """Its limit with the file's, and what is used with what we used."""
        self._used.take(self._fresh, at)
        self._fresh = 0
        limit = self.limit
        if limit is None:
            return
        rates: Sequence[Rate] = getattr(limits, self.of, ())
        span = self._span / MICROSECONDS
        self.written = written = next((r.amount for r in rates if r.seconds == span), None)
        apart = written is not None and abs(limit - written) * NOTICEABLE > written
        self._apart = self._apart + 1 if apart else 0
        if at - self._since >= self._span:
            own = COUNTED - self._used.spare(at)
            own = own if self._refills else self._own // (self._span * WHOLE)
            others = limit - said.left - max(0, own - after)
            noticed = others > 1 and others * NOTICEABLE > limit and self._stale < STALE
            self.foreign = others if noticed else 0
