"""What a request does once every target of its model has failed: the rungs of its route's ladder.

To whoever drives it a descent is one course: where a course of a model fails because nobody there
could serve, the next rung's begins, with what is left of the request's time. Nobody is asked twice.
What is wrong with a request is its client's to know, at once; and nothing goes down that was
answered in part, or that may have acted.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from policies import Cause, Course, Fail, Outcome, Refusal, Refused, Send, Stop, Wait
from router.failures import is_too_long
from router.reply import Reply

DOWN = frozenset({Cause.NO_TARGET, Cause.ATTEMPTS, Cause.BUDGET, Cause.QUEUE_FULL, Cause.WAIT})
"""Causes for which another model is asked: nobody here could serve."""


class Rung(NamedTuple):
    """Another model, with those of its targets that can serve."""

    model: str
    targets: frozenset[str]


class Ladder(NamedTuple):
    """The models to be asked, in order, and the text to be said at last (None: the error)."""

    models: tuple[Rung, ...]
    text: str | None


Start = Callable[[str, frozenset[str] | None, int], Course]
"""Starts a course for a model, confined to some targets (None: all of its own); which rung it is,
from 1."""


class Descent:
    """One request on its way down, as a `Course`. It begins with the `course` of its own model;
    `reply` is told what it comes to, and of a text that is to be said instead of an error.
    """

    __slots__ = ("_course", "_first", "_ladder", "_refusals", "_reply", "_rung", "_start",
        "_tried")  # fmt: skip

    def __init__(self, course: Course, ladder: Ladder, reply: Reply, start: Start) -> None:
        self._course = course
        self._ladder = ladder
        self._reply = reply
        self._start = start
        self._rung = 0
        self._first: Fail | None = None
        self._refusals: dict[str, Refused] = {}
        self._tried: set[str] = set()

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """See `Course.next`. It fails when the last rung has."""
        while isinstance(action := self._course.next(now), Fail):
            fail = action
            if not self._may_descend(fail):
                if fail.cause is Cause.DEADLINE:
                    self._say()
                return fail
            self._refusals |= {
                name: refused
                for name, refused in fail.refusals.items()
                if refused.refusal is not Refusal.EXCLUDED or name not in self._refusals
            }
            self._tried.update(self._course.tried)
            self._first = fail if self._first is None else _sooner(self._first, fail)
            if not self._step(now):
                self._say()
                return self._first._replace(refusals=self._refusals)
        return action

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        self._course.go_on(among, now)

    def climb(self, tier: int, now: float) -> None:
        """See `Course.climb`. Once there is an answer, nothing is to be fallen back on any more; of
        one that was ended at its beginning nothing is left.
        """
        if Outcome.OK in self._course.tried.values():
            self._ladder = Ladder((), None)
        self._tried.update(self._course.tried)
        self._course.climb(tier, now)

    def close(self, now: float) -> None:
        self._course.close(now)

    def _may_descend(self, fail: Fail) -> bool:
        if self._first is None:
            return fail.cause in DOWN and not is_too_long(fail)
        if fail.cause is Cause.CALLER:
            # Another model's refusal says nothing of this one; but no filter is walked around.
            return Outcome.FILTERED not in self._course.tried.values()
        # It may have left the file since the request began.
        return fail.cause in DOWN or fail.cause is Cause.UNKNOWN_MODEL

    def _step(self, now: float) -> bool:
        """Begin with the next model of which somebody was not asked yet; whether there is one."""
        while self._rung < len(self._ladder.models):
            model, targets = self._ladder.models[self._rung]
            self._rung += 1
            if left := targets - self._tried:
                self._course.close(now)
                self._course = self._start(model, left if left != targets else None, self._rung)
                self._reply.degraded = f"model={model}"
                return True
        return False

    def _say(self) -> None:
        if (text := self._ladder.text) is not None:
            self._reply.instead = text
            self._reply.degraded = "text"


def _sooner(first: Fail, later: Fail) -> Fail:
    """The first failure, with the first instant at which coming back may help."""
    known = [fail.retry_at for fail in (first, later) if fail.retry_at is not None]
    return first._replace(retry_at=min(known, default=None))
