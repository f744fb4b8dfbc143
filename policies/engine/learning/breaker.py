"""The breaker: when a target is ejected, and how it comes back.

    HEALTHY ──trip──▶ EJECTED ──its time is over, a request with a rescue comes──▶ PROBING
       ▲                 ▲                                                          │  │
       │                 └──────────────────── the probe failed ────────────────────┘  │
       └── 60 s or 20 answers without a trip ── RECOVERING ◀── the probe was answered ─┘

A probe that was cancelled is no evidence: it leaves EJECTED, with its time over. Only the
probe's own answer closes the breaker: attempts remember the breaker's epoch, and answers to
requests from before the trip say nothing about now.

Trips: five failures in a row (three while recovering), which sees a dead target at once; or more
failures than a healthy target would have, summed up as they come (the cumulative sum of Page,
Continuous inspection schemes, Biometrika 1954): each failure adds, each answer takes away, as much
as it speaks for a sick target against a healthy one. A count in a row is blind to a target that
fails every third request. What is healthy is the target's usual rate, or that of the others if
they fail more, beyond chance: a target that fails as everybody does is not an outlier. No timers:
a state ends by comparing with `now`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from math import log, sqrt
from random import Random
from typing import Final, NamedTuple

IN_A_ROW: Final = 5
IN_A_ROW_RECOVERING: Final = 3
SAMPLE: Final = 50
SAMPLE_AGE: Final = 600.0
LEAST_USUAL, SICK, TIMES_USUAL, SURELY_SICK = 0.02, 0.25, 2.0, 0.95
"""The failure rates that are told apart: at least 2 % is healthy; 25 %, or twice the healthy, is
sick.
"""
CERTAIN: Final = 10.5
"""The sum that trips, as the logarithm of a ratio of likelihoods: 30 % of failures are noticed
within 18 requests at the median and 37 in 95 of 100 (30 and 59 where 5 % are usual); 2 % once in
1,500,000 (simulated; Wilson's lower bound over the last 50 outcomes takes 29 and 46, 36 and 76).
"""
FIRST_REST, LONGEST_REST = 5.0, 60.0
LONGEST_SILENCE: Final = 20.0
"""The longest rest after silence: a probe with a rescue behind it costs little, and who was only
slow should not stay away for a minute.
"""
JITTER: Final = 0.2
RAMP_SECONDS, RAMP_ANSWERS, LEAST_RAMP = 60.0, 20, 0.1
"""A ramp ends by time or by answers, whichever is first, or a quiet route would starve it."""


class State(Enum):
    """Where a breaker stands."""

    HEALTHY = "healthy"
    EJECTED = "ejected"
    PROBING = "probing"
    RECOVERING = "recovering"


HEALTHY, EJECTED, PROBING, RECOVERING = State
"""To be compared with for every request: named through its class, a member costs more than a call.
"""


class Why(Enum):
    """What ejects a target."""

    ROW = "failures in a row"
    SHARE = "too many of the last outcomes failed"
    PROBE = "the probe failed"
    SILENCE = "requests past their time without a first token"
    FATE = "others of its group are ejected"


class Others(NamedTuple):
    """How many of the last outcomes of the other targets of a pool were `bad`, `of` how many."""

    bad: int
    of: int

    @property
    def share(self) -> float:
        """The share of failures among them."""
        return self.bad / self.of

    def fail_more_than(self, rate: float) -> bool:
        """Whether they do beyond chance: of so few that a rate is read from, a failure more or less
        says little.
        """
        return self.bad - sqrt(self.bad) > rate * self.of


class Trip(NamedTuple):
    """An ejection: the instant, why, and what it was seen by: `bad` outcomes, or silent requests,
    out of `of`; the share of failures among the other targets (None: nothing known of any); the
    group whose fate it shares.
    """

    at: float
    why: Why
    bad: int = 0
    of: int = 0
    others: float | None = None
    group: str = ""


class Breaker:
    """One target's breaker. `shut`: ordinary requests are not sent, in EJECTED and PROBING.
    `alarm` is told of each trip.
    """

    __slots__ = (
        "_alarm",
        "_answers",
        "_good_since",
        "_relief",
        "_since",
        "_suspicion",
        "_trips",
        "epoch",
        "last_trip",
        "outcomes",
        "row",
        "shut",
        "state",
        "until",
    )

    def __init__(self, now: float, alarm: Callable[[], None], *, ramp: bool) -> None:
        self._alarm = alarm
        self.state = State.RECOVERING if ramp else State.HEALTHY
        self.shut = False
        self.epoch = 0
        self.until = now
        self.last_trip: Trip | None = None
        self.outcomes: deque[tuple[float, bool]] = deque(maxlen=SAMPLE)
        self.row = 0
        self._suspicion = 0.0
        self._relief = 0.0
        self._trips = 0
        self._since = now
        self._good_since = now
        self._answers = 0

    @property
    def since(self) -> float:
        """The instant of its last trip or recovery, whichever is later; else since it is known."""
        return self._since

    def admits(self) -> bool:
        """Whether ordinary requests may be sent."""
        return not self.shut

    def wants_probe(self, now: float) -> bool:
        """Whether one request should be steered here to see."""
        return self.state is State.EJECTED and now >= self.until

    def probe(self) -> None:
        """A probe is on its way."""
        self.state = State.PROBING

    def probe_cancelled(self, epoch: int) -> None:
        """The probe sent in `epoch` ended without evidence; another may be sent at once."""
        if epoch == self.epoch and self.state is State.PROBING:
            self.state = State.EJECTED

    def outrun(self, epoch: int, now: float, rng: Random) -> None:
        """The probe sent in `epoch` had not been answered when another answer had come."""
        if epoch == self.epoch and self.state is State.PROBING:
            self.trip(Trip(now, Why.SILENCE, 1, 1), rng)

    def ramp(self, now: float) -> float:
        """R in [0.1, 1]."""
        if self.state is State.HEALTHY:
            return 1.0
        grown = max((now - self._since) / RAMP_SECONDS, self._answers / RAMP_ANSWERS)
        if grown >= 1.0 and self.state is State.RECOVERING:
            self.state = State.HEALTHY
            self.last_trip = None
            self._good_since = min(now, self._since + RAMP_SECONDS)
            return 1.0
        return max(LEAST_RAMP, min(1.0, grown))

    def failures(self, now: float) -> tuple[int, int]:
        """Bad and all of the outcomes that still count."""
        fresh = [bad for at, bad in self.outcomes if now - at <= SAMPLE_AGE]
        return sum(fresh), len(fresh)

    def answered(self, epoch: int, now: float, *, probe: bool) -> None:
        """A good outcome of an attempt that began in `epoch`."""
        if epoch != self.epoch:
            return
        if probe:
            self._recover(now)
            return
        self.outcomes.append((now, False))
        self.row = 0
        if self._suspicion:
            self._suspicion = max(0.0, self._suspicion - self._relief)
        if self.state is RECOVERING:
            self._answers += 1
            self.ramp(now)

    def failed(
        self,
        epoch: int,
        now: float,
        usual: float,
        others: Others | None,
        rng: Random,
        *,
        probe: bool,
    ) -> None:
        """A bad outcome; `usual` is p0, `others` what is known of the other targets of the pool
        (None: there are none, or nothing is).
        """
        if epoch != self.epoch:
            return
        if probe:
            self.trip(Trip(now, Why.PROBE), rng)
        elif self.admits():
            self.ramp(now)  # it may have ended while nobody looked
            healthy = max(LEAST_USUAL, usual)
            if others is not None and others.fail_more_than(TIMES_USUAL * healthy):
                healthy = others.share
            self._suspect(now, healthy)
            self.outcomes.append((now, True))
            self.row += 1
            if (trip := self._sick(now, others.share if others is not None else None)) is not None:
                self.trip(trip, rng)

    def trip(self, trip: Trip, rng: Random) -> None:
        """Eject it for 5 s, doubling to 60; each clean minute takes back one doubling."""
        now = trip.at
        if self.state is State.HEALTHY:
            self._trips = max(0, self._trips - int((now - self._good_since) / 60.0))
        longest = LONGEST_SILENCE if trip.why is Why.SILENCE else LONGEST_REST
        rest = FIRST_REST * 2.0 ** min(self._trips, 10) * rng.uniform(1 - JITTER, 1 + JITTER)
        self.until = now + min(longest, rest)
        self._trips += 1
        self.state = State.EJECTED
        self.shut = True
        self.last_trip = trip
        self.epoch += 1
        self._since = now
        self.row = 0
        self._suspicion = 0.0
        self._alarm()

    def spared(self, now: float) -> None:
        """What it was ejected with is well again."""
        if self.state is not State.EJECTED or self.last_trip is None:
            return
        if self.last_trip.why is Why.FATE:
            self._recover(now)
        else:
            self.until = now

    def advised(self, now: float, *, well: bool) -> None:
        """A peer's news: a probe of its own that was answered ends the ejection; its bad
        experience only shortens the row of failures that trips here, since its network may be
        what is sick.
        """
        if well and self.state in (State.EJECTED, State.PROBING):
            self._recover(now)
        elif not well and self.state is State.HEALTHY:
            self.row = max(self.row, IN_A_ROW - IN_A_ROW_RECOVERING)

    def _recover(self, now: float) -> None:
        self.state = State.RECOVERING
        self.shut = False
        self.epoch += 1
        self._since = now
        self._answers = 0
        self.row = 0
        # One answer is not yet health: half of what is certain, which twenty answers take away.
        self._suspicion = CERTAIN / 2
        self._relief = log((1 - LEAST_USUAL) / (1 - SICK))
        self.outcomes.clear()

    def _suspect(self, now: float, healthy: float) -> None:
        """One failure more, where `healthy` is the rate at which it would fail anyway."""
        if self.outcomes and now - self.outcomes[-1][0] > SAMPLE_AGE:
            self._suspicion = 0.0
        sick = min(SURELY_SICK, max(SICK, TIMES_USUAL * healthy))
        healthy = min(healthy, sick / TIMES_USUAL)
        self._suspicion += log(sick / healthy)
        self._relief = log((1 - healthy) / (1 - sick))

    def _sick(self, now: float, others: float | None) -> Trip | None:
        row = IN_A_ROW if self.state is State.HEALTHY else IN_A_ROW_RECOVERING
        if self.row >= row:
            return Trip(now, Why.ROW, self.row, self.row, others)
        if self._suspicion >= CERTAIN:
            return Trip(now, Why.SHARE, *self.failures(now), others)
        return None
