"""The courses and attempts that keep a `Record`: other classes than those that do not, so that a
request without a record pays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import ClassVar

from policies.engine.actions import Fail, Send, Stop, Wait
from policies.engine.attempt import Attempt
from policies.engine.course import Course
from policies.engine.outcome import Report
from policies.engine.refusal import Cause, Refused
from policies.engine.showing.odds import recorded_odds
from policies.engine.showing.record import (
    LONGEST_DETAIL,
    Choice,
    Record,
    Said,
    Stopped,
    Verb,
)
from policies.engine.showing.sending import DRAWN, Kind, Sending
from policies.engine.showing.terms import of_start
from policies.engine.showing.views import View, look
from policies.engine.standing import Member
from policies.policy import Policy


class RecordedAttempt(Attempt):
    """An attempt that keeps a record of what its driver says."""

    __slots__ = ("_record", "_sending", "index")

    def __init__(self, course: Course, member: Member, now: float) -> None:
        assert isinstance(course, RecordedCourse)  # noqa: S101 - nobody else makes one
        self._record = course.record
        self._sending = course.record.sends[-1]
        self.index = len(course.record.sends)
        super().__init__(course, member, now)
        if self.probe:
            self._sending.kind, self._sending.propensity = Kind.PROBE, None

    @property
    def runner_up(self) -> str | None:
        """See `Attempt.runner_up`. That it was asked is kept, since a policy may draw for it."""
        if self._second is None:
            self._record.keep(self.started, Verb.RUNNER_UP, self.index)
        return super().runner_up

    @property
    def until(self) -> float:
        """See `Attempt.until`. Its course is asked at once, so that what it says is kept."""
        return self.started

    def switch(self, now: float) -> None:
        super().switch(now)
        self._record.keep(now, Verb.SWITCH, self.index, target=self.target)
        sending = self._sending
        sending.instead_of, sending.target = sending.target, self.target
        sending.propensity = None

    def sent(self, now: float) -> None:
        super().sent(now)
        self._record.keep(now, Verb.SENT, self.index)
        self._sending.sent = now

    def first_token(self, now: float) -> None:
        if self.first is None:
            self._record.keep(now, Verb.FIRST_TOKEN, self.index)
            self._sending.first = now
        super().first_token(now)

    def settle(self, report: Report, now: float) -> None:
        super().settle(report, now)
        if len(report.detail) > LONGEST_DETAIL:
            report = report._replace(detail=report.detail[:LONGEST_DETAIL])
        self._record.keep(now, Verb.SETTLE, self.index, report=report)
        self._sending.report, self._sending.ended = report, now

    def give_back(self, now: float, until: float | None = None) -> None:
        super().give_back(now, until)
        self._record.keep(now, Verb.GIVE_BACK, self.index, until=until)
        self._sending.targets, self._sending.ended = (), now


class RecordedCourse(Course):
    """A course that keeps a record."""

    __slots__ = ("record", "said")

    place: ClassVar[type[Attempt]] = RecordedAttempt
    record: Record
    said: Said | None
    """The last answer of `next`, as it is kept."""

    def keep(self, record: Record, now: float) -> None:
        """Begin to fill `record`."""
        self.record = record
        self.said = None
        record.request = self.request
        record.start = of_start(self.pool.policy(self.request)[0], self.request, self.reach)
        record.keep(now, Verb.START)

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """See `Course.next`. Asking again while an answer comes changes nothing and is not kept."""
        action = super().next(now)
        said = self._told(action)
        if said != self.said or not isinstance(said, Wait) or said.cause is not Cause.ANSWER:
            self.record.keep(now, Verb.NEXT, said=said)
        self.said = said
        return action

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        super().go_on(among, now)
        self.record.keep(now, Verb.GO_ON, among=tuple(sorted(among)))

    def climb(self, tier: int, now: float) -> None:
        super().climb(tier, now)
        self.record.keep(now, Verb.CLIMB, tier=tier)

    def close(self, now: float) -> None:
        super().close(now)
        self.record.keep(now, Verb.CLOSE)

    def send(self, member: Member, now: float, *, steered: bool = False) -> Send:
        """See `Course.send`. All targets are seen as they are before the place is taken."""
        views = look(self.pool, self.request, self.reach, self.tokens, self.tried, now)
        kind, policy = self._kind(member, steered=steered), self.pool.policy(self.request)[0]
        odds = self._odds(policy, views, kind, now) if kind in DRAWN else None
        self.record.sends.append(
            Sending(
                now,
                self.attempts + 1,
                member.name,
                kind,
                type(policy).__name__,
                None if odds is None else odds.get(member.name),
                views,
            )
        )
        return super().send(member, now, steered=steered)

    def fail(
        self,
        cause: Cause,
        now: float,
        refusals: Mapping[str, Refused] | None = None,
        retry_at: float | None = None,
    ) -> Fail:
        self.record.failed = super().fail(cause, now, refusals, retry_at)
        return self.record.failed

    def _kind(self, member: Member, *, steered: bool) -> Kind:
        if steered:
            return Kind.LOOK
        if self.opened:
            return Kind.BESIDE
        if self.goes_on:
            return Kind.REST
        if member.name in self.tried:
            return Kind.AGAIN
        if not self.attempts:
            return Kind.FIRST
        return Kind.NEXT if self.tried else Kind.CLIMB

    def _odds(
        self, policy: Policy, views: tuple[View, ...], kind: Kind, now: float
    ) -> dict[str, float] | None:
        """The odds among those who could be chosen, also of those who come back and were not
        offered this time.
        """
        able = self._able
        if kind is Kind.FIRST and len(able) < len(views):
            coming = {view.target for view in views if view.refused is None and view.comes_back}
            if coming:
                able = [one for one in self.reach if one in self._able or one.name in coming]
        return recorded_odds(policy, self.request, able, now)

    def _told(self, action: Send | Stop | Wait | Fail) -> Said:
        match action:
            case Send(attempt, target, limits):
                chosen = self.record.sends[-1]
                policy, targets = chosen.policy, chosen.targets
                return Choice(target, policy, attempt.number, attempt.probe, limits, targets)
            case Stop(attempt, outcome):
                assert isinstance(attempt, RecordedAttempt)  # noqa: S101 - it began here
                return Stopped(attempt.index, outcome)
            case _:
                return action
