"""A place taken on a target: held while the attempt runs, settled exactly once when its last
byte is through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.engine.learning.breaker import EJECTED
from policies.engine.limits.needs import needs
from policies.engine.limits.notes import refund, reservation
from policies.engine.outcome import Outcome, Phase, Report, SettledTwice
from policies.engine.refusal import NEVER, Refusal
from policies.engine.resting import rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.engine.course import Course
    from policies.engine.limits.headroom import Measured, Measurement
    from policies.engine.limits.windows import Note
    from policies.engine.standing import Member, Standing
    from policies.engine.waiting.fairness import Charge


CONNECT: Final = Phase.CONNECT


class Attempt:
    """One try on one target.

    The driver says `sent` when the request's last byte is out, `first_token` when the first
    content has come (for a streamed answer that is the point of no return), and in the end
    either `settle` or, if nothing was sent at all, `give_back`.

    `expected` is how many seconds its first content (its answer, where that comes in one piece) was
    predicted to take, `due` the instant at which it would be there, `overdue` the one after which
    only one in a thousand comes, `look_at` the one at which its course looks whether something is
    to be done about its waiting, `head` the one at which its driver gives it up; `unsure` marks one
    that went to see how the target is, and has a rescue behind it. `standing` is what is known of
    its target. `report` is how it ended, None while it is open, and if it was given back.
    """

    __slots__ = (
        "_course", "_is_trial", "_member", "_quotas", "_reserved", "_second", "charge", "due",
        "epoch", "expected", "first", "head", "look_at", "number", "open", "overdue", "probe",
        "report", "standing", "started", "unsure", "was_sent",
    )  # fmt: skip

    def __init__(self, course: Course, member: Member, now: float) -> None:
        self._course = course
        self.number = course.attempts
        self.started = now
        self.was_sent = now
        self.first: float | None = None
        self.open = True
        self.report: Report | None = None
        self.unsure = False
        self.expected = self.due = self.overdue = self.look_at = self.head = NEVER
        self.charge: Charge | None = None
        self._second: Member | None = None
        self._reserved: Note | None
        self._take(member, now)

    @property
    def target(self) -> str:
        """The full name of the target it is on."""
        return self._member.name

    @property
    def model(self) -> str:
        """What its request asks for."""
        return self._course.request.model

    @property
    def acts(self) -> bool:
        """Whether its request must not be served twice."""
        return self._course.request.acts

    @property
    def runner_up(self) -> str | None:
        """The target that would have been chosen without this one: who reserves elsewhere asks for
        both at once. None if there is no other.
        """
        second = self._runner_up()
        return second.name if second is not None else None

    @property
    def probe_name(self) -> str | None:
        """Whose health it asks about: that of a group which is sick as a whole, else that of its
        target. None: it is no probe.
        """
        if not self.probe:
            return None
        return next((group.name for group in self.standing.groups if group.sick), self.target)

    @property
    def reserved(self) -> Note:
        """What is taken for it of limits where it is, whoever keeps them."""
        if self._reserved is None:
            request = self._course.request
            self._reserved = reservation(needs(self._member, request), self.started)
        return self._reserved

    @property
    def reserved_by_runner_up(self) -> Note | None:
        """What would be taken if it were with its runner-up; None if there is none."""
        second = self._runner_up()
        if second is None:
            return None
        return reservation(needs(second, self._course.request), self.started)

    def settlement(self, now: float) -> Note:
        """What settles that, by how it has ended. Only what never reached the provider is refunded,
        and what was given back: what was spent is spent.
        """
        taken, report = self._reserved or self.reserved, self.report
        if report is None or (report.phase is CONNECT and report.never_sent):
            return refund(taken, now)
        return self.standing.facts.counting.settled(taken, report, now)

    @property
    def until(self) -> float:
        """As of a `Wait`: while it alone is open, its course has nothing else to say before."""
        deadline = self._course.request.deadline
        return self.look_at if self.look_at < deadline else deadline

    @property
    def is_blind(self) -> bool:
        """Whether nothing was known of its target when it was sent."""
        return self.expected == NEVER

    @property
    def is_beaten(self) -> bool:
        """Whether another attempt of its course has brought content."""
        came = any(other.first is not None for other in self._course.opened)
        return came or Outcome.OK in self._course.tried.values()

    def wake(self) -> None:
        """Its course is to look again."""
        self._course.wake()

    def switch(self, now: float) -> None:
        """Move to the runner-up before anything is sent: the place and the quota here return as if
        never taken. Raises LookupError if there is no other target, `SettledTwice` if the attempt
        has ended already.
        """
        if not self.open:
            raise self._settled_twice()
        second = self._runner_up()
        if second is None:
            raise LookupError(f"nobody else can serve instead of {self._member.name}")
        self._return(now)
        self._take(second, now)
        self._second = None
        self._course.switched()

    def sent(self, now: float) -> None:
        """The request is out; waiting for the answer begins."""
        self.was_sent = now
        self.due = now + self.expected

    def observe(self, told: Measurement, now: float) -> Sequence[Measured]:
        """The head of its answer has come, and says what is left; see `Engine.observe`."""
        apart = self.standing.observe(told, self.was_sent, now)
        self._course.engine.freed()
        return apart

    def first_token(self, now: float) -> None:
        """The first content has come."""
        if self.first is None:
            self.first = now
            self.look_at = NEVER
            standing = self.standing
            standing.heard = now
            standing.unanswered = 0
            if self.was_sent > standing.served:
                standing.served = self.was_sent
            standing.waits_no_more(self)
            if not standing.clear:
                for pause in standing.pauses:
                    if pause.throttles:
                        pause.answered(self.started)
                        self._course.engine.freed()
            if self.probe:
                self._course.engine.probe_began(self, standing, now)
            standing.latency.first_token(
                now - self.was_sent, standing.in_flight, now, self._course.request.input_tokens
            )

    def settle(self, report: Report, now: float) -> None:
        """End it. Raises `SettledTwice` if it has ended already."""
        if not self.open:
            raise self._settled_twice()
        self.open = False
        self.report = report
        standing = self.standing
        standing.in_flight -= 1
        if self.first is None:
            standing.waits_no_more(self)
        if self._quotas:
            note = self.settlement(now)
            for quota in self._quotas:
                quota.settle(note)
        if self.charge is not None:
            self.charge.settle(report)
        standing.measure(report, self, now)
        if report.outcome.rests:
            report = self.report = rest(standing, report, now)
            if report.outcome is Outcome.THROTTLED and not report.overloaded:
                standing.quota.throttled(self.reserved, self.was_sent, now)
        if self._is_trial:
            self._end_trial()
        self._course.settled(self, self._member, report, now)

    def give_back(self, now: float, until: float | None = None) -> None:
        """Nothing was sent: the place and the quota return as if never taken. The target is not
        asked again before `until`, if that is given. Raises `SettledTwice` if it has ended
        already.
        """
        if not self.open:
            raise self._settled_twice()
        self.open = False
        self._return(now)
        if self.charge is not None:
            self.charge.cancel()
        if until is not None:
            self.standing.pauses[0].rest(Refusal.LIMITED, until)
        self._course.given_back(self, now)

    def _runner_up(self) -> Member | None:
        if self._second is None:
            # Once: a policy that draws would answer differently the next time.
            self._second = self._course.runner_up(self._member, self.started)
        return self._second

    def _take(self, member: Member, now: float) -> None:
        self._member = member
        self.standing = standing = member.standing
        self._quotas = standing.quotas
        self._reserved = None
        if self._quotas:
            self._reserved = note = reservation(needs(member, self._course.request), now)
            for quota in self._quotas:
                quota.take(note)
        self.epoch = standing.breaker.epoch
        standing.in_flight += 1
        standing.begins_to_wait(self)
        self.probe = self._is_trial = False
        if not standing.clear:
            self._try(standing, now)

    def _try(self, standing: Standing, now: float) -> None:
        """It may be the first since an ejection, or since a denial, or one more than was borne."""
        if standing.breaker.state is EJECTED:
            self.probe = True
            standing.breaker.probe()
        for pause in standing.pauses:
            if pause.denials:
                pause.begin_trial(self)
                self._is_trial = True
            elif pause.throttles > 1:
                pause.asks_alone(now)
        if standing.pressure.limit is not None:
            standing.pressure.sent(standing.in_flight, now)

    def _return(self, now: float) -> None:
        standing = self.standing
        standing.in_flight -= 1
        standing.waits_no_more(self)
        if self._is_trial:
            self._end_trial()
        if self._quotas:
            note = refund(self.reserved, now)
            for quota in self._quotas:
                quota.settle(note)
        if self.probe:
            standing.breaker.probe_cancelled(self.epoch)

    def _end_trial(self) -> None:
        for pause in self.standing.pauses:
            pause.end_trial(self)

    def _settled_twice(self) -> SettledTwice:
        return SettledTwice(f"the attempt on {self._member.name} was already settled")
