"""Doing it again: what a driver in production asked of an engine, asked of another that begins
alike.

The courses, the policies and the arithmetic are those that served; only the targets are not
there, and need not be, since what they answered is in the records. The same calls then get the
same answers. It holds for the records of *all* requests since the engine was made, with its routes,
facts, seed and first instant, if it was not configured anew meanwhile, and if neither a peer nor a
provider's headers told it anything beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import count
from typing import NamedTuple

from policies.engine.actions import Send
from policies.engine.attempt import Attempt
from policies.engine.course import Course
from policies.engine.engine import Engine
from policies.engine.outcome import OK
from policies.engine.showing.record import Record, Said, Step, Verb
from policies.engine.showing.recorded import RecordedCourse


class Replayed(NamedTuple):
    """One question to a course: which record's it is (from 0), what was answered in production, and
    what is answered now. A choice is the same only if every target looked the same.
    """

    at: float
    record: int
    recorded: Said
    replayed: Said


def replay(engine: Engine, records: Iterable[Record]) -> Iterator[Replayed]:
    """Drive courses of `engine` as `records` say, in the order of the calls, and tell each answer
    beside the recorded one.
    """
    roles = [Role(engine, number, record) for number, record in enumerate(records)]
    now = 0.0
    try:
        for step, role in merge(*map(_parts, roles), key=lambda part: part[0].order):
            now = step.at
            yield from role.act(step)
    finally:
        for role in roles:
            role.close(now)


def _parts(role: Role) -> Iterator[tuple[Step, Role]]:
    return ((step, role) for step in role.record.steps)


class Role:
    """One request, played again."""

    def __init__(self, engine: Engine, number: int, record: Record) -> None:
        self.record = record
        self.engine = engine
        self._number = number
        self._course: Course | None = None
        self.attempts: dict[int, Attempt] = {}

    def act(self, step: Step) -> Iterator[Replayed]:
        """Make the call that `step` is."""
        course = self._course
        if step.verb is Verb.START and self.record.request is not None:
            self._course = self.engine.start(self.record.request, step.at, record=Record(count()))
        elif course is None:
            return
        elif step.verb is Verb.NEXT and step.said is not None:
            yield Replayed(step.at, self._number, step.said, self._ask(course, step.at))
        elif step.verb is Verb.GO_ON:
            course.go_on(frozenset(step.among), step.at)
        elif step.verb is Verb.CLIMB:
            course.climb(step.tier, step.at)
        elif step.verb is Verb.CLOSE:
            course.close(step.at)
        elif (attempt := self.attempts.get(step.attempt)) is not None and attempt.open:
            report(attempt, step)

    def close(self, now: float) -> None:
        """Leave nothing open."""
        if self._course is not None:
            self._course.close(now)

    def _ask(self, course: Course, now: float) -> Said:
        action = course.next(now)
        if isinstance(action, Send):
            self.attempts[len(self.attempts) + 1] = action.attempt
        assert isinstance(course, RecordedCourse)  # noqa: S101 - it was started with a record
        assert course.said is not None  # noqa: S101 - it was asked just now
        return course.said


def report(attempt: Attempt, step: Step) -> None:
    """Tell an attempt what its driver told it."""
    match step.verb:
        case Verb.SENT:
            attempt.sent(step.at)
        case Verb.FIRST_TOKEN:
            attempt.first_token(step.at)
        case Verb.SETTLE:
            attempt.settle(step.report or OK, step.at)
        case Verb.GIVE_BACK:
            attempt.give_back(step.at, step.until)
        case Verb.RUNNER_UP:
            _ = attempt.runner_up
        case Verb.SWITCH:
            attempt.switch(step.at)
        case _:
            pass
