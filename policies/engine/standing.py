"""What is known of a target now: its health, breaker, latency, quota, pauses and open attempts.

One standing per target, shared by all routes that name it. A `Member` is a target as one route sees
it: the standing plus the route's weight and tier. Members are the candidates that policies see:
live views, made once per configuration.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from policies.engine.group import Group, Pause
from policies.engine.learning.breaker import HEALTHY, Breaker, Others, Trip, Why
from policies.engine.learning.cost import predictions
from policies.engine.learning.estimates import ENOUGH, EVERY, Estimates, Length
from policies.engine.learning.health import Evidence
from policies.engine.learning.latency import Latency
from policies.engine.limits.concurrency import Pressure
from policies.engine.limits.headroom import Measured, Measurement
from policies.engine.limits.levels import Levels
from policies.engine.limits.needs import basis
from policies.engine.limits.quota import Quota
from policies.engine.outcome import Outcome, Phase, Report
from policies.engine.refusal import NEVER
from policies.engine.resting import heard
from policies.engine.route import Facts, Limits, Target
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.attempt import Attempt

ABANDONED: Final = Outcome.ABANDONED
FAILED: Final = Outcome.FAILED
SILENT: Final = 3
"""Requests past their time, and nothing heard since the first of them was: that is silence."""
HELD_LEARNING: Final = 0.1


class Factors(NamedTuple):
    """A target's health, S = A · L · R, as its factors."""

    availability: float
    latency: float
    ramp: float

    @property
    def score(self) -> float:
        """S in [0, 1]."""
        return self.availability * self.latency * self.ramp


class Standing:
    """What is known of one target now.

    `waiting` are the attempts without content so far, `oldest` the first of them; `heard` is when
    anything but a failure last came from it, `unanswered` counts those who left past their time
    since. `failed` and `served` are when the last of those that failed, and of those that brought
    content, was sent. `clear`: nothing but limits speaks against it, for certain, and it has
    answered since it last refused. Its breaker, its pauses and its learned limit cast a `doubt`
    when that may have changed, and `look_closer` settles it; so what hardly ever changes need not
    be asked of each target for each request.
    """

    __slots__ = (
        "breaker", "clear", "context", "estimates", "evidence", "facts", "failed", "groups",
        "heard", "held", "in_flight", "latency", "name", "oldest", "pauses", "pressure", "quota",
        "quotas", "served", "unanswered", "used", "waiting",
    )  # fmt: skip

    def __init__(
        self, name: str, facts: Facts, groups: tuple[Group, ...], now: float, *, ramp: bool
    ) -> None:
        self.name = name
        self.in_flight = 0
        self.waiting: dict[Attempt, None] = {}
        self.oldest: Attempt | None = None
        self.heard = self.failed = self.served = -NEVER
        self.unanswered = 0
        self.held: float | None = None  # seconds that an attempt holds its place, on average
        self.used: float | None = None  # of provisioned capacity, as its provider last said
        self.evidence = Evidence(now)
        self.clear = False
        self.breaker = Breaker(now, self.doubt, ramp=ramp)
        self.latency = Latency(now)
        self.estimates = Estimates()
        self.pressure = Pressure(self.doubt)
        self.quota = Quota(Limits())
        self.pauses: tuple[Pause, ...] = (Pause(self.doubt),)
        self.refit(facts, groups)

    def refit(self, facts: Facts, groups: tuple[Group, ...]) -> None:
        """Take new facts and keep what was learned. Counters of unchanged limits go on counting."""
        self.quota.refit(facts.limits)
        self.facts = facts
        if facts.provisioned:
            self.pressure.limit = None
        self.context: float = NEVER if facts.context is None else facts.context
        self.groups = groups
        self._bind()
        # A provider's pauses bind its targets; other groups share limits and a fate.
        self.pauses = (self.pauses[0], *(group.pause for group in groups[:1]))
        self.doubt()

    def observe(self, told: Measurement, sent: float, now: float) -> list[Measured]:
        """What its provider says is left; see `Levels.observe`."""
        if told.used is not None:
            heard(self, told.used, now)
        if not (told.said or told.nonsense):
            return []
        quota = self.quota
        if quota.said is None:
            quota.said = Levels()
            quota.said.seed(one.reserved for one in self.waiting if one.was_sent > sent)
            self._bind()
        return quota.observe(told, sent, now)

    def _bind(self) -> None:
        quotas = (self.quota, *(group.quota for group in self.groups))
        self.quotas = tuple(one for one in quotas if one.limits or one.said is not None)

    def doubt(self) -> None:
        """Something may speak against it: who wants to know has to look closer."""
        self.clear = False

    def look_closer(self, now: float) -> None:
        """See whether anything but its limits speaks against it. Time alone never adds to that, so
        what is clear stays so until the next doubt.
        """
        self.clear = (
            self.breaker.state is HEALTHY
            and self.pressure.limit is None
            and all(pause.shut <= now and not pause.row for pause in self.pauses)
        )

    def begins_to_wait(self, attempt: Attempt) -> None:
        """`attempt` waits for its first content."""
        self.waiting[attempt] = None
        if self.oldest is None:
            self.oldest = attempt

    def waits_no_more(self, attempt: Attempt) -> None:
        """`attempt` has its first content, or is over."""
        self.waiting.pop(attempt, None)
        if attempt is self.oldest:
            self.oldest = next(iter(self.waiting)) if self.waiting else None

    def factors(self, now: float) -> Factors:
        """Health as its factors."""
        return Factors(
            self.evidence.availability(now), self.latency.slowness(), self.breaker.ramp(now)
        )

    def judge(
        self,
        report: Report,
        attempt: Attempt,
        now: float,
        others: Others | None,
        rng: Random,
    ) -> None:
        """Take the outcome as evidence, where it is any."""
        breaker, epoch, probe = self.breaker, attempt.epoch, attempt.probe
        outcome = report.outcome
        if outcome.good:
            if attempt.was_sent > self.served:
                self.served = attempt.was_sent
            self.evidence.record(bad=False, healthy=breaker.state is HEALTHY, now=now)
            breaker.answered(epoch, now, probe=probe)
            for pause in () if self.clear else self.pauses:
                pause.answered(attempt.started)
        elif outcome.bad or report.overloaded:
            self.failed = max(self.failed, attempt.was_sent)
            self.evidence.record(bad=True, healthy=breaker.state is HEALTHY, now=now)
            breaker.failed(epoch, now, self.evidence.usual, others, rng, probe=probe)
        elif outcome in (Outcome.REJECTED, Outcome.FILTERED, Outcome.UNFIT):
            # It read the request and answered it: that is what a probe, or a trial, asks.
            for pause in self.pauses:
                pause.answered(attempt.started)
            if probe:
                breaker.answered(epoch, now, probe=True)
        elif probe:
            if outcome is Outcome.ABANDONED and is_outrun(attempt, now):
                breaker.outrun(epoch, now, rng)
                self._move()
            else:
                breaker.probe_cancelled(epoch)

    def is_silent(self, now: float) -> bool:
        """Whether so many wait past their time, and nothing at all was heard while they did, that
        it is evidence by itself. Where only those that wait longest are late, others are heard.
        """
        return self.breaker.admits() and self._overdue(now) >= SILENT

    def fell_silent(self, now: float, rng: Random) -> None:
        """Eject it; whoever waits looks for another place, the oldest first."""
        count = self._overdue(now)
        self.breaker.trip(Trip(now, Why.SILENCE, count, count), rng)
        self._move()

    def _move(self) -> None:
        for attempt in list(self.waiting):
            attempt.wake()

    def _overdue(self, now: float) -> int:
        count = self.unanswered
        for attempt in reversed(self.waiting):
            if attempt.was_sent < self.heard:
                break
            count += attempt.overdue <= now
        return count

    def measure(self, report: Report, attempt: Attempt, now: float) -> None:
        """Take the attempt's times, which only whole answers and vain waits tell."""
        sent, first, outcome = attempt.was_sent, attempt.first, report.outcome
        if not outcome.rests:  # a refusal holds a place, but serves nobody
            held = self.held
            self.held = now - sent if held is None else held + (now - sent - held) * HELD_LEARNING
        if first is None:
            # The end of a stream says nothing of those that wait for their beginning.
            if outcome is ABANDONED:
                self._vain(attempt, now)
            elif outcome is not FAILED:
                self.heard = now
                self.unanswered = 0
        if outcome.good:
            read = now - report.unread
            total = read - sent if read > sent else 0.0
            after_first = None if first is None else max(0.0, read - first)
            self.latency.finished(total, after_first, report.output_tokens, self.in_flight, now)
        elif first is None and outcome is ABANDONED and report.phase is not Phase.CONNECT:
            # Whoever was outrun would have taken longer: likely as long again.
            outrun = is_outrun(attempt, now)
            self.latency.at_least((now - sent) * (2.0 if outrun else 1.0), now)

    def _vain(self, attempt: Attempt, now: float) -> None:
        """An attempt without content was given up."""
        if now >= attempt.overdue and attempt.was_sent >= self.heard:
            self.unanswered += 1


def is_outrun(attempt: Attempt, now: float) -> bool:
    """Whether it is past its time, or was left for another that brought content first."""
    return now >= attempt.overdue or (now >= attempt.look_at and attempt.is_beaten)


class Member:
    """A target as one route sees it; the candidate that policies are shown."""

    __slots__ = ("latency", "length", "name", "ramps", "spread", "standing", "tier", "weight")

    def __init__(self, target: Target, standing: Standing, length: Length) -> None:
        self.name = target.name
        self.weight = target.weight
        self.tier = target.tier
        self.ramps = target.ramps
        self.standing = standing
        self.latency = standing.latency
        self.length = length
        self.spread = length.of(target.name.partition("/")[2])

    def counted(self, request: Request, report: Report) -> None:
        """Its provider counted what a good answer to `request` took: learn from that."""
        estimates = self.standing.estimates
        estimates.passed = passed = estimates.passed + 1
        if passed > ENOUGH and passed % EVERY:
            return
        if (read := report.input_tokens) and (given := basis(self.standing, request)) > 0:
            estimates.read(given, read)
        if written := report.output_tokens:
            estimates.wrote(self.spread.output(request.output_tokens), written)
            self.length.counted(self.spread, written)

    @property
    def in_flight(self) -> int:
        """Open attempts, over all routes."""
        return self.standing.in_flight

    def ramp(self, now: float) -> float:
        """R in [0.1, 1]: 1 wherever this route knows no ramp."""
        breaker = self.standing.breaker
        return 1.0 if breaker.state is HEALTHY or not self.ramps else breaker.ramp(now)

    def predicted(self, request: Request) -> float | None:
        """Seconds for this request, with no load added; None if unseen."""
        (seconds,) = predictions(request, (self,))
        return seconds if seconds < NEVER else None

    def idle(self, now: float) -> float:
        """Seconds since its latency was measured, or since it is known."""
        return now - self.latency.at
