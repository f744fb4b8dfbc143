"""A course with one try: where there is no place now, that is its end.

Why: a copy that waited would take the place of whom it is a copy of.
"""

from __future__ import annotations

from policies import Cause, Course, Fail, Send, Stop, Wait
from policies.engine.refusal import Refusal

ITS_OWN = {
    Refusal.EJECTED: "ejected",
    Refusal.DENIED: "denied",
    Refusal.UNFIT: "unfit",
    Refusal.CONTEXT: "unfit",
    Refusal.UNABLE: "unfit",
}
"""Why a shadow is not sent to that would be so in production as well: the word for its outcome."""


class OneTry:
    """See `Way`. `refused` is why there was no place."""

    __slots__ = ("_course", "refused")

    def __init__(self, course: Course) -> None:
        self._course = course
        self.refused: Refusal | None = None

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        action = self._course.next(now)
        if isinstance(action, Wait) and action.cause is not Cause.ANSWER:
            action = Fail(Cause.WAIT, self._course.refusals(now), None)
        if isinstance(action, Fail) and self.refused is None and action.refusals:
            self.refused = next(iter(action.refusals.values())).refusal
        return action

    def go_on(self, among: object, now: float) -> None:
        """Never asked for: a copy that breaks off has failed."""

    def climb(self, tier: int, now: float) -> None:
        """Never asked for: nobody checks the answer to a copy."""

    def close(self, now: float) -> None:
        self._course.close(now)
