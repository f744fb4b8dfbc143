"""What one course was asked and what it said: enough to show why, and to do it all again.

A course that keeps a record is another class than one that does not, so that a request without a
record pays nothing. Kept are the driver's calls in their order, with their instants: whoever makes
the same calls to an engine that began alike gets the same answers (`policies.simulate.replay`).
A request's text is not among its facts and so in no record.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, NamedTuple

from policies.engine.actions import Fail, Send, Stop, TimeLimits, Wait
from policies.engine.attempt import Attempt
from policies.engine.course import Course
from policies.engine.outcome import Outcome, Report
from policies.engine.refusal import Cause
from policies.engine.showing import words
from policies.engine.showing.views import View, look, of_start
from policies.engine.standing import Member
from policies.policy import Request

MOST_STEPS = 100
"""Kept of one course; an ordinary request has seven."""
LONGEST_DETAIL = 200
"""Characters of a report's detail."""


class Verb(Enum):
    """What a driver calls."""

    START = "start"
    NEXT = "next"
    SENT = "sent"
    FIRST_TOKEN = "first_token"
    SETTLE = "settle"
    GIVE_BACK = "give_back"
    RUNNER_UP = "runner_up"
    SWITCH = "switch"
    GO_ON = "go_on"
    CLOSE = "close"


class Choice(NamedTuple):
    """A `Send`: to whom, by which policy, in which attempt, whether as a look at an ejected target;
    and every target as it was the moment before.
    """

    target: str
    policy: str
    number: int
    probe: bool
    limits: TimeLimits
    targets: tuple[View, ...]


class Stopped(NamedTuple):
    """A `Stop` of the attempt that the course's so-manyth `Send` began."""

    attempt: int
    outcome: Outcome


Said = Choice | Wait | Stopped | Fail


class Step(NamedTuple):
    """One call of the driver's: its instant, its place among all recorded calls to the engine, and
    what it was about. `attempt` counts the course's sends from 1 (0: the call is about none);
    `said` is what `next` answered; `target` is where an attempt switched to; `until` as it was
    given back with; `among` are those who can go on with an answer.
    """

    at: float
    order: int
    verb: Verb
    attempt: int = 0
    said: Said | None = None
    report: Report | None = None
    target: str = ""
    until: float | None = None
    among: tuple[str, ...] = ()


@dataclass(slots=True)
class Record:
    """One course, for `Engine.start` to fill. `order` numbers the calls over all records of one
    engine (one `itertools.count()` for them together); `left_out` counts the steps that were too
    many to keep; `start` says why the request began in its tier, where its policy knows.
    """

    order: Iterator[int]
    request: Request | None = None
    steps: list[Step] = field(default_factory=list)
    sends: int = 0
    left_out: int = 0
    start: tuple[str, ...] = ()

    def keep(self, at: float, verb: Verb, attempt: int = 0, **about: object) -> None:
        """One more step."""
        if len(self.steps) >= MOST_STEPS:
            self.left_out += 1
            return
        self.steps.append(Step(at, next(self.order), verb, attempt, **about))  # type: ignore[arg-type]


class RecordedAttempt(Attempt):
    """An attempt that keeps a record of what its driver says."""

    __slots__ = ("_record", "index")

    def __init__(self, course: Course, member: Member, now: float) -> None:
        assert isinstance(course, RecordedCourse)  # noqa: S101 - nobody else makes one
        self._record = course.record
        self.index = course.chosen(now)
        super().__init__(course, member, now)

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
        """See `Attempt.switch`."""
        super().switch(now)
        self._record.keep(now, Verb.SWITCH, self.index, target=self.target)

    def sent(self, now: float) -> None:
        """See `Attempt.sent`."""
        super().sent(now)
        self._record.keep(now, Verb.SENT, self.index)

    def first_token(self, now: float) -> None:
        """See `Attempt.first_token`."""
        if self.first is None:
            self._record.keep(now, Verb.FIRST_TOKEN, self.index)
        super().first_token(now)

    def settle(self, report: Report, now: float) -> None:
        """See `Attempt.settle`."""
        super().settle(report, now)
        if len(report.detail) > LONGEST_DETAIL:
            report = report._replace(detail=report.detail[:LONGEST_DETAIL])
        self._record.keep(now, Verb.SETTLE, self.index, report=report)

    def give_back(self, now: float, until: float | None = None) -> None:
        """See `Attempt.give_back`."""
        super().give_back(now, until)
        self._record.keep(now, Verb.GIVE_BACK, self.index, until=until)


class RecordedCourse(Course):
    """A course that keeps a record."""

    __slots__ = ("_targets", "record", "said")

    place: ClassVar[type[Attempt]] = RecordedAttempt
    record: Record
    said: Said | None
    """The last answer of `next`, as it is kept."""

    def keep(self, record: Record, now: float) -> None:
        """Begin to fill `record`."""
        self.record = record
        self.said = None
        self._targets: tuple[View, ...] = ()
        record.request = self.request
        record.start = of_start(self.pool.policy(self.request)[0], self.request)
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
        """See `Course.go_on`."""
        super().go_on(among, now)
        self.record.keep(now, Verb.GO_ON, among=tuple(sorted(among)))

    def close(self, now: float) -> None:
        """See `Course.close`."""
        super().close(now)
        self.record.keep(now, Verb.CLOSE)

    def chosen(self, now: float) -> int:
        """A place is about to be taken: see all targets as they are before it is. Returns the
        number of the send.
        """
        self._targets = look(self.pool, self.request, self.reach, self.tokens, self.tried, now)
        self.record.sends += 1
        return self.record.sends

    def _told(self, action: Send | Stop | Wait | Fail) -> Said:
        match action:
            case Send(attempt, target, limits):
                policy, _ = self.pool.policy(self.request)
                name = type(policy).__name__
                return Choice(target, name, attempt.number, attempt.probe, limits, self._targets)
            case Stop(attempt, outcome):
                assert isinstance(attempt, RecordedAttempt)  # noqa: S101 - it began here
                return Stopped(attempt.index, outcome)
            case _:
                return action


def told(record: Record) -> list[str]:
    """A record in words, a sentence for each step that says something."""
    began = record.steps[0].at if record.steps else 0.0
    targets: dict[int, str] = {}
    sent: dict[int, float] = {}
    sentences = []
    for step in record.steps:
        if isinstance(step.said, Choice):
            targets[len(targets) + 1] = step.said.target
        elif step.verb is Verb.SENT:
            sent[step.attempt] = step.at
        elif step.verb is Verb.SWITCH:
            targets[step.attempt] = step.target
        target = targets.get(step.attempt, "")
        if sentence := _sentence(record, step, target, sent.get(step.attempt, step.at)):
            sentences.append(f"+{words.duration(step.at - began)}: {sentence}")
        if step.verb is Verb.START:
            sentences += record.start[:1]
    if record.left_out:
        sentences.append(f"{words.count(record.left_out, 'more step')}, not kept")
    return sentences


def _sentence(record: Record, step: Step, target: str, sent: float) -> str:
    """`step` in words; empty where it says nothing that the step before did not."""
    match step.verb:
        case Verb.START if record.request is not None:
            return words.of_request(record.request, step.at)
        case Verb.NEXT | Verb.GO_ON:
            return _answer(step)
        case Verb.FIRST_TOKEN:
            return f"first content from {target} after {words.duration(step.at - sent)}"
        case Verb.SETTLE if step.report is not None:
            return words.of_report(target, step.report, step.at - sent)
        case Verb.GIVE_BACK:
            return f"nothing was sent to {target}, whose place is given back"
        case Verb.SWITCH:
            return f"{target} is asked instead"
        case Verb.CLOSE:
            return "over"
        case _:
            return ""


def _answer(step: Step) -> str:
    """What the course said, or was told to do, in words."""
    now = step.at
    match step.said:
        case Choice(target, policy, _, probe, _, views):
            return words.of_choice(target, policy, views, now, probe=probe)
        case Wait(until, cause):
            return words.of_wait(cause, until, now)
        case Stopped(attempt, outcome):
            return f"gives up send {attempt}: {outcome.word}"
        case Fail(cause, refusals, retry_at):
            return words.of_failure(cause, refusals, retry_at, now)
        case _:
            return words.of_going_on(step.among) if step.among else ""
