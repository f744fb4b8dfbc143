"""What binds several targets together: an account, a company, a region, an upstream model.

A group has the limits and pauses that bind all of its targets, and a fate that they share: where
two are ejected within seconds and none of the others has answered since, it is the group that is
sick. Then all of it is ejected, and one probe asks for all. What one group explains is no evidence
against those named after it: a region that is out says nothing of its company's other regions.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from policies.engine.learning.breaker import State, Trip, Why
from policies.engine.limits.quota import Quota
from policies.engine.refusal import NEVER, Refusal, Refused
from policies.engine.route import Facts

if TYPE_CHECKING:
    from policies.engine.attempt import Attempt
    from policies.engine.standing import Standing

FIRST_DENIAL: Final = 60.0
LONGEST_DENIAL: Final = 900.0
LONGEST_NAMED: Final = 86_400.0
"""The pause of a denial that names its own end is believed up to here: a look a day costs little,
and a header may lie.
"""
LONGEST_RESET: Final = 60.0
"""A pause that a provider asks for is believed up to here: headers lie, and a minute costs
little.
"""
NONSENSE: Final = 3600.0
"""A longer one is not believed at all: it says that too much was sent, not when that is over."""
UNNAMED_RESET: Final = 1.0
"""The first pause after a 429 that named none."""
LONGEST_GUESS: Final = 10.0
"""Its longest: limits mostly come back within a minute, and too long a guess wastes them."""
UNNAMED_SPILL: Final = 0.5
"""The pause where capacity of one's own is used up, and nobody says until when: it comes back all
the time, and what waits for it is not sent there. No provider names one; it is as long as the SDKs
of OpenAI and Anthropic wait before their first retry (`INITIAL_RETRY_DELAY` of both).
"""
ALONE: Final = 1.0
"""Seconds between two requests after guessed rests, until one is answered: whoever waited for the
end of a guess would else be refused together.
"""
TOGETHER: Final = 10.0
"""Seconds within which ejections are of one cause."""
ENOUGH: Final = 2


class Pause:
    """Until when nothing is sent, and why. The later end wins. `denials` in a row, and throttles in
    a row that name no end, make it longer; an answer ends the row. After a denial one attempt is
    the trial: the others wait for what becomes of it. `shut` is `until`, or never while one is out,
    or a second later once somebody is sent after guesses. `alarm` is told whenever it becomes
    later, or a row longer.
    """

    __slots__ = (
        "_alarm", "_refused_at", "_trial", "denials", "refusal", "shut", "throttles", "until",
    )  # fmt: skip

    def __init__(self, alarm: Callable[[], None]) -> None:
        self._alarm = alarm
        self.until = self.shut = float("-inf")
        self.refusal = Refusal.RESTING
        self.denials = self.throttles = 0
        self._refused_at = float("-inf")
        self._trial: Attempt | None = None

    @property
    def row(self) -> bool:
        """Whether it was refused, and nothing answered since."""
        return bool(self.denials or self.throttles)

    def refused(self, now: float) -> Refused:
        """Why nothing is sent at `now`."""
        if self.until > now:
            return Refused(self.refusal, self.until)
        if self._trial is not None:
            return Refused(Refusal.DENIED)
        return Refused(Refusal.RESTING, self.shut)

    def rest(self, refusal: Refusal, until: float) -> None:
        """Send nothing before `until`."""
        if until > self.until:
            self.until = until
            self.refusal = refusal
            if self._trial is None:
                self.shut = until
                self._alarm()

    def begin_trial(self, attempt: Attempt) -> None:
        """Let the others wait for what becomes of `attempt`."""
        self._trial = attempt
        self.shut = NEVER
        self._alarm()

    def asks_alone(self, now: float) -> None:
        """Let the others wait a second for what becomes of the one that is sent now."""
        self.shut = max(self.shut, now + ALONE)
        self._alarm()

    def end_trial(self, attempt: Attempt) -> None:
        """Wait for `attempt` no longer, if it was the trial."""
        if self._trial is attempt:
            self._trial = None
            self.shut = self.until

    def throttled(self, now: float, named: float | None) -> None:
        """Too much was sent: `named` seconds of rest, at most a minute; a second, doubling, where
        the provider names none, or nonsense.
        """
        self._refused_at = now
        if named is None or not 0 < named <= NONSENSE:
            if self.refusal is Refusal.RESTING and now < self.until:
                return  # It was on its way when the first was refused.
            named = min(LONGEST_GUESS, UNNAMED_RESET * 2.0**self.throttles)
            self.throttles = min(self.throttles + 1, 10)
            self._alarm()
        self.rest(Refusal.RESTING, now + min(LONGEST_RESET, named))

    def spilled(self, now: float, named: float | None) -> None:
        """The capacity that is its own is used up: `named` seconds of rest, at most a minute; a
        moment where nobody says, or it is nonsense. No row of them means anything.
        """
        if named is None or not 0 < named <= NONSENSE:
            named = UNNAMED_SPILL
        self.rest(Refusal.SPILLED, now + min(LONGEST_RESET, named))

    def answered(self, started: float) -> None:
        """An attempt that was `started` then was answered: rows of refusals before it are over."""
        if started >= self._refused_at:
            self.denials = self.throttles = 0
            if self._trial is None:
                self.shut = self.until

    def begin_row(self, now: float) -> None:
        """A peer was denied: of those who come when that is over, one is the trial."""
        self._refused_at = now
        self.denials = max(1, self.denials)
        self._alarm()

    def denied(self, now: float, named: float | None) -> None:
        """A credential, a bill or a model was refused: 60 s, doubling to 15 min; `named`
        seconds where the provider says when its quota comes back.
        """
        self._refused_at = now
        if named is None and self.refusal is Refusal.DENIED and now < self.until:
            return  # It was on its way when the first was denied: one denial, not many.
        if named is None:
            rest = min(LONGEST_DENIAL, FIRST_DENIAL * 2.0**self.denials)
        else:
            rest = min(LONGEST_NAMED, max(0.0, named))
        self.denials = min(self.denials + 1, 10)
        self._alarm()
        self.rest(Refusal.DENIED, now + rest)


class Group:
    """Targets that share limits and a fate. `standings` are set by the engine."""

    __slots__ = ("_trips", "facts", "name", "pause", "quota", "sick", "standings")

    def __init__(self, name: str, facts: Facts) -> None:
        self.name = name
        self.facts = facts
        self.pause = Pause(self.doubt)
        self.quota = Quota(facts.limits)
        self.standings: tuple[Standing, ...] = ()
        self.sick = False
        self._trips: dict[str, float] = {}

    def refit(self, facts: Facts) -> None:
        """Take new facts, as a standing does."""
        self.quota.refit(facts.limits)
        self.facts = facts

    def doubt(self) -> None:
        """Something may speak against all of its targets."""
        for one in self.standings:
            one.doubt()

    @property
    def asked(self) -> bool:
        """Whether it is sick as a whole, and a probe is already on its way for all of it."""
        return self.sick and any(one.breaker.state is State.PROBING for one in self.standings)

    def tripped(self, standing: Standing, now: float, rng: Random) -> bool:
        """One of its targets was ejected: the rest as well, if it looks like one cause. Whether it
        does.
        """
        if self.sick:
            for other in self.standings:
                if other.breaker.state is State.EJECTED:
                    other.breaker.until = max(other.breaker.until, standing.breaker.until)
            return True
        self._trips = {
            one.name: at
            for one in self.standings
            if (at := self._trips.get(one.name)) is not None and now - at <= TOGETHER
        }
        self._trips[standing.name] = now
        if len(self._trips) < ENOUGH:
            return False
        begin = min(self._trips.values())
        if any(one.heard >= begin for one in self.standings):
            return False
        self.sick = True
        for other in self.standings:
            if other.breaker.admits():
                other.breaker.trip(Trip(now, Why.FATE, group=self.name), rng)
        return True

    def recovered(self, now: float) -> None:
        """A probe was answered: those that were ejected with the others come back, those with
        reasons of their own are asked next.
        """
        if not self.sick:
            return
        self.sick = False
        self._trips.clear()
        for other in self.standings:
            other.breaker.spared(now)
