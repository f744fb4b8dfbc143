"""A course whose every send is first allowed by limits that the fleet keeps together.

To whoever drives it, it is one course: before it says `Send`, one reservation is made, for the
target that was chosen and, in case that has no room, for its runner-up. Where neither has, the
target is left alone until it would have. What an attempt has come to is settled when it is over.
While the server is away, the limits of this instance alone hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from policies import Attempt, Cause, Fail, Phase, Report, Send, Stop, Wait
from router.bell import Bell
from router.quota.bounds import Answered, Bound, Held
from router.quota.shared import Shared
from router.redis.down import Down

SOON = 0.05
"""Seconds after which a target is asked again that has no place, since nobody knows when."""

Asked = asyncio.Future[Answered | None]


class Course(Protocol):
    """What is wrapped. See `policies.Course`."""

    def next(self, now: float) -> Send | Stop | Wait | Fail: ...
    def go_on(self, among: AbstractSet[str], now: float) -> None: ...
    def close(self, now: float) -> None: ...


class Sharing:
    """One request. `bounds` are those of each target with its groups and the tenant; `tokens` what
    it reserves; `name` is its own, by which its places are leased.
    """

    __slots__ = ("_asked", "_bell", "_bounds", "_course", "_held", "_name", "_shared", "_tokens")

    def __init__(
        self,
        course: Course,
        shared: Shared,
        bounds: Mapping[str, tuple[Bound, ...]],
        bell: Bell,
        tokens: int,
        name: str,
    ) -> None:
        self._course = course
        self._shared = shared
        self._bounds = bounds
        self._bell = bell
        self._tokens = tokens
        self._name = name
        self._asked: tuple[Send, tuple[tuple[Bound, ...], ...], Asked] | None = None
        self._held: dict[Attempt, Held] = {}

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """See `Course.next`."""
        self._settle_ended()
        if self._asked is not None:
            send, alternatives, asked = self._asked
            if not asked.done():
                return Wait(send.limits.deadline, Cause.REST)
            self._asked = None
            if self._allowed(send, alternatives, asked.result(), now):
                return send._replace(target=send.attempt.target)
        while isinstance(action := self._course.next(now), Send):
            own = self._bounds.get(action.target, ())
            if not own:
                return action
            if not self._shared.up:
                return action
            self._ask(action, own)
            return Wait(action.limits.deadline, Cause.REST)
        return action

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        """See `Course.go_on`."""
        self._course.go_on(among, now)

    def close(self, now: float) -> None:
        """See `Course.close`."""
        if self._asked is not None:
            send, _, asked = self._asked
            asked.cancel()
            send.attempt.give_back(now)
            self._asked = None
        self._course.close(now)
        self._settle_ended()

    def _ask(self, send: Send, own: tuple[Bound, ...]) -> None:
        second = send.attempt.runner_up
        other = self._bounds.get(second, ()) if second is not None else ()
        alternatives = (own, other) if other else (own,)
        asked = asyncio.ensure_future(self._reserve(alternatives, send.attempt))
        asked.add_done_callback(lambda _: self._bell.wake())
        self._asked = send, alternatives, asked

    async def _reserve(
        self, alternatives: tuple[tuple[Bound, ...], ...], attempt: Attempt
    ) -> Answered | None:
        try:
            lease = f"{self._name}/{attempt.number}"
            return await self._shared.reserve(alternatives, self._tokens, lease)
        except Down:
            return None

    def _allowed(
        self,
        send: Send,
        alternatives: tuple[tuple[Bound, ...], ...],
        told: Answered | None,
        now: float,
    ) -> bool:
        """Whether the attempt may be sent, perhaps to the runner-up."""
        attempt = send.attempt
        if told is None:
            return True
        if told.taken is None:
            waits = told.waits[0]
            wait = max([SOON if wait is None else wait for wait in waits], default=SOON)
            attempt.give_back(now, now + wait)
            return False
        if told.taken:
            attempt.switch(now)
        lease = f"{self._name}/{attempt.number}"
        self._held[attempt] = Held(alternatives[told.taken], self._tokens, told.at, lease)
        return True

    def _settle_ended(self) -> None:
        for attempt in [attempt for attempt in self._held if not attempt.open]:
            held, report = self._held.pop(attempt), attempt.report
            sent = report is not None and not never_sent(report)
            used = self._tokens if report is None else used_of(report, self._tokens)
            self._shared.settle(held, used if sent else 0, sent=sent)


def never_sent(report: Report) -> bool:
    """Whether nothing of an attempt that ended so ever reached its provider."""
    return report.phase is Phase.CONNECT and not report.outcome.good


def used_of(report: Report, reserved: int) -> int:
    """The tokens that an attempt used; as reserved, where nobody counted."""
    if report.input_tokens is None and report.output_tokens is None:
        return reserved
    return (report.input_tokens or 0) + (report.output_tokens or 0)
