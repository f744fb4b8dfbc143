"""A course whose every send is first allowed by limits that the fleet keeps together.

To whoever drives it, it is one course: before it says `Send`, one reservation is made, for the
target that was chosen and, in case that has no room, for its runner-up. Where neither has, the
target is left alone until it would have. What an attempt has come to is settled when it is over.
While the server is away, the limits of this instance alone hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from policies import Attempt, Cause, Fail, Send, Stop, Wait
from policies.engine.limits.windows import Note
from router.bell import Bell
from router.course import Way
from router.quota.bounds import Answered, Bound, Needs, Settled, units_of
from router.quota.shared import Shared, Ticket, given_back

A_MOMENT = 0.1
PLENTY = 5
"""One in so many of a limit."""
SOON = 0.05
"""Seconds after which a target is asked again that has no place, since nobody knows when."""


class Fleetwide(NamedTuple):
    """What the fleet keeps together: the limits that bind each target, its groups' among them.
    Targets are `roomy`, until an instant, of which plenty was left a moment ago: for them no
    runner-up is looked for.
    """

    shared: Shared
    bounds: Mapping[str, tuple[Bound, ...]]
    roomy: dict[str, float]


class Held(NamedTuple):
    """What was reserved for an attempt, at an instant of the server's clock."""

    needs: Needs
    at: int


class Sharing:
    """One request."""

    __slots__ = ("_asked", "_bell", "_fleet", "_held", "_way")

    def __init__(self, way: Way, fleet: Fleetwide, bell: Bell) -> None:
        self._way = way
        self._fleet = fleet
        self._bell = bell
        self._asked: tuple[Send, Ticket] | None = None
        self._held: list[tuple[Attempt, Held]] = []

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """See `Course.next`."""
        if self._held:
            self._settle_ended()
        if self._asked is not None:
            send, ticket = self._asked
            if not ticket.done:
                return Wait(send.limits.deadline, Cause.REST)
            self._asked = None
            if self._allowed(send.attempt, ticket, now):
                return send._replace(target=send.attempt.target)
        action = self._way.next(now)
        if isinstance(action, Send) and self._fleet.shared.up:
            return self._ask(action, now)
        return action

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        """See `Course.go_on`."""
        self._way.go_on(among, now)

    def close(self, now: float) -> None:
        """See `Course.close`."""
        if self._asked is not None:
            send, ticket = self._asked
            self._asked = None
            send.attempt.give_back(now)
            ticket.left = True
            if ticket.done and ticket.answer is not None and ticket.answer.taken is not None:
                taken = ticket.alternatives[ticket.answer.taken]
                self._fleet.shared.settle(given_back(taken, ticket.answer.at))
        self._way.close(now)
        self._settle_ended()

    def _ask(self, send: Send, now: float) -> Send | Wait:
        needs = self._needs(send.target, send.attempt.reserved)
        if not needs:
            return send
        alternatives: tuple[Needs, ...] = (needs,)
        if self._fleet.roomy.get(send.target, 0.0) < now:
            second, note = send.attempt.runner_up, send.attempt.reserved_by_runner_up
            other = self._needs(second, note) if second is not None and note is not None else ()
            alternatives = (needs, other) if other else (needs,)
        self._asked = send, self._fleet.shared.reserve(alternatives, self._bell.wake)
        return Wait(send.limits.deadline, Cause.REST)

    def _needs(self, target: str, note: Note) -> Needs:
        return tuple((bound, units_of(bound, note)) for bound in self._fleet.bounds.get(target, ()))

    def _allowed(self, attempt: Attempt, ticket: Ticket, now: float) -> bool:
        """Whether the attempt may be sent, perhaps to the runner-up."""
        answer = ticket.answer
        if answer is None:
            return True
        if answer.taken is None:
            waits = [SOON if wait is None else wait for wait in answer.waits[0]]
            attempt.give_back(now, now + max(waits))
            return False
        if answer.taken:
            attempt.switch(now)
        elif self._fleet.roomy.get(attempt.target, 0.0) < now and is_roomy(ticket, answer):
            self._fleet.roomy[attempt.target] = now + A_MOMENT
        self._held.append((attempt, Held(ticket.alternatives[answer.taken], answer.at)))
        return True

    def _settle_ended(self) -> None:
        for one in self._held.copy():
            attempt, held = one
            if not attempt.open:
                self._held.remove(one)
                self._fleet.shared.settle(settled(held, attempt))


def is_roomy(ticket: Ticket, answer: Answered) -> bool:
    """Whether plenty is left of the limits of the target that was chosen."""
    bounds = [bound for bound, _ in ticket.alternatives[0]]
    return all(
        left * PLENTY >= bound.spec[1] for bound, left in zip(bounds, answer.left, strict=True)
    )


def settled(held: Held, attempt: Attempt) -> Iterable[Settled]:
    """What settles a reservation of an attempt that has ended."""
    taken, correction = attempt.reserved, attempt.settlement(attempt.started)
    found = []
    for bound, units in held.needs:
        more = units_of(bound, taken) + units_of(bound, correction) - units
        if more or bound.what == "places":
            found.append(Settled(bound, more, held.at))
    return found
