"""What one course was asked and what it said: enough to show why, and to do it all again.

Kept are the driver's calls in their order, with their instants: whoever makes the same calls to an
engine that began alike gets the same answers (`policies.simulate.replay`). A request's text is not
among its facts and so in no record. These are read from JSON by their annotations as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from policies.engine.actions import Fail, TimeLimits, Wait
from policies.engine.outcome import Outcome, Report
from policies.engine.showing.sending import Sending
from policies.engine.showing.views import View
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
    CLIMB = "climb"
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
    given back with; `among` are those who can go on with an answer; `tier` is the one that a
    course climbs to.
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
    tier: int = 0


@dataclass(slots=True)
class Record:
    """One course, for `Engine.start` to fill. `order` numbers the calls over all records of one
    engine (one `itertools.count()` for them together); `left_out` counts the steps that were too
    many to keep. `sends` are kept beside them, `failed` is how it ended without an answer, and
    `start` says why it began in its tier, where its policy knows.
    """

    order: Iterator[int]
    request: Request | None = None
    steps: list[Step] = field(default_factory=list)
    sends: list[Sending] = field(default_factory=list)
    failed: Fail | None = None
    left_out: int = 0
    start: tuple[str, ...] = ()

    def keep(self, at: float, verb: Verb, attempt: int = 0, **about: object) -> None:
        """One more step."""
        if len(self.steps) >= MOST_STEPS:
            self.left_out += 1
            return
        self.steps.append(Step(at, next(self.order), verb, attempt, **about))  # type: ignore[arg-type]
