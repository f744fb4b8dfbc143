"""A course whose every send is first allowed by limits that the fleet keeps together.

To whoever drives it, it is one course: before it says `Send`, one reservation is made, for the
target that was chosen and, in case that has no room, for its runner-up. Where neither has, the
target is left alone until it would have. What an attempt has come to is settled when it is over.
While the server is away, the limits of this instance alone hold.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from policies import Attempt, Cause, Fail, Send, Stop, Wait
from policies.engine.limits.windows import Note
from router.bell import Bell
from router.course import Way
from router.quota.bounds import PLACES, Answered, Bound, Needs, Settled, given_back, units_of
from router.quota.contract import Ticket
from router.quota.shared import Shared

A_MOMENT = 0.1
PLENTY = 5
"""Where one in so many of a limit is left, a target is not short of it: for a moment no runner-up
is looked for, which over eight targets took 10 µs of CPU a request (`benchmarks/fleet`).
"""
ANOTHER_PROBES = 1.0
"""Seconds for which an ejected target is left to the instance that asks it."""
SOON = 0.05
"""Seconds after which a target is asked again that has no place, since nobody knows when."""


class Fleetwide(NamedTuple):
    """What the fleet keeps together: the limits that bind each target, its groups' among them, and
    `own`, those of each target and each group alone.
    Targets are `roomy`, until an instant, of which plenty was left a moment ago: for them no
    runner-up is looked for.
    """

    name: str
    shared: Shared
    bounds: Mapping[str, tuple[Bound, ...]]
    own: Mapping[str, tuple[Bound, ...]]
    roomy: dict[str, float]


class Held(NamedTuple):
    """What was reserved for an attempt, at an instant as of a `Settled`."""

    needs: Needs
    at: int


class Hold(Protocol):
    """What a request takes once, whoever is sent it: of the limits of its tenant."""

    @property
    def needs(self) -> Needs:
        """What is to be reserved; nothing once it was answered."""

    def granted(self, needs: Needs, at: int, left: Sequence[int] | None) -> None:
        """These were reserved, at an instant as of a `Settled`; so much is left of each (None:
        nobody knows).
        """

    def refused(
        self, needs: Needs, waits: Sequence[float | None], left: Sequence[int], now: float
    ) -> object:
        """They were not: the seconds until there is room for each (0: now, None: nobody knows),
        and what is left of each.
        """

    def shut(self, now: float) -> bool:
        """Nobody could be asked: whether that lets nothing through; then it was refused."""

    def settled(self) -> Sequence[Settled]:
        """What settles what was granted, when the request is over."""


class Sharing:
    """One request, as a `Course`; `hold` is what it takes beside what targets are bound by."""

    __slots__ = ("_asked", "_bell", "_fleet", "_held", "_hold", "_own", "_way")

    def __init__(self, way: Way, fleet: Fleetwide, bell: Bell, hold: Hold | None = None) -> None:
        self._way = way
        self._fleet = fleet
        self._bell = bell
        self._hold = hold
        self._own: Needs = hold.needs if hold is not None else ()
        self._asked: tuple[Send, Ticket] | None = None
        self._held: list[tuple[Attempt, Held]] = []

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        if self._held:
            self._settle_ended()
        if self._asked is not None and self._is_too_late(*self._asked, now):
            self._leave(now)
        if self._asked is not None:
            send, ticket = self._asked
            if not ticket.done:
                return Wait(send.limits.deadline, Cause.REST)
            self._asked = None
            if self._own and (fail := self._answered(send.attempt, ticket, now)) is not None:
                return fail
            if self._allowed(send.attempt, ticket, now):
                return send._replace(target=send.attempt.target)
        action = self._way.next(now)
        return self._ask(action, now) if isinstance(action, Send) else action

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        self._leave(now)
        self._way.go_on(among, now)

    def climb(self, tier: int, now: float) -> None:
        self._leave(now)
        self._way.climb(tier, now)

    def close(self, now: float) -> None:
        self._leave(now)
        self._way.close(now)
        self._settle_ended()
        if self._hold is not None and (owed := self._hold.settled()):
            self._fleet.shared.settle(owed)

    @staticmethod
    def _is_too_late(send: Send, ticket: Ticket, now: float) -> bool:
        """Whether the time of the request is over, or another attempt has brought content."""
        return send.attempt.is_beaten or (not ticket.done and now >= send.limits.deadline)

    def _leave(self, now: float) -> None:
        """What is asked for is not wanted any more."""
        if self._asked is not None:
            send, ticket = self._asked
            self._asked = None
            send.attempt.give_back(now)
            leave(ticket, self._fleet.shared)

    def _ask(self, send: Send, now: float) -> Send | Wait:
        needs, own = self._needs(send.target, send.attempt.reserved), self._own
        probe = send.attempt.probe_name
        if not (needs or own or probe):
            return send
        if not self._fleet.shared.up:
            self._go_alone(send.attempt, needs)
            return send
        if probe is not None:
            needs += ((permit(self._fleet.name, probe), 1),)
        alternatives: tuple[Needs, ...] = (needs + own,)
        if needs and self._fleet.roomy.get(send.target, 0.0) < now:
            second, note = send.attempt.runner_up, send.attempt.reserved_by_runner_up
            other = self._needs(second, note) if second is not None and note is not None else ()
            alternatives = (needs + own, other + own) if other else alternatives
        self._asked = send, self._fleet.shared.reserve(alternatives, self._bell.wake)
        return Wait(send.limits.deadline, Cause.REST)

    def _needs(self, target: str, note: Note) -> Needs:
        return tuple((bound, units_of(bound, note)) for bound in self._fleet.bounds.get(target, ()))

    def _answered(self, attempt: Attempt, ticket: Ticket, now: float) -> Fail | None:
        """Take what was said of the request's own needs off the answer, for good where it was let
        through, or where nobody could say; how it fails if these are what has no room.
        """
        own, answer, hold = self._own, ticket.answer, self._hold
        if hold is None:
            return None
        if answer is None:
            if not hold.shut(now):
                return None
            attempt.give_back(now)
            return Fail(Cause.WAIT, {}, None)
        if answer.taken is not None:
            hold.granted(own, answer.at, answer.left[-len(own) :])
            self._own = ()
        elif any(wait != 0 for wait in answer.waits[0][-len(own) :]):
            attempt.give_back(now)
            hold.refused(own, answer.waits[0][-len(own) :], answer.left[-len(own) :], now)
            return Fail(Cause.WAIT, {}, None)
        ticket.alternatives = tuple([needs[: -len(own)] for needs in ticket.alternatives])
        waits_of_targets = tuple([waits[: -len(own)] for waits in answer.waits])
        left = answer.left[: -len(own)]
        ticket.answer = answer._replace(waits=waits_of_targets, left=left)
        return None

    def _allowed(self, attempt: Attempt, ticket: Ticket, now: float) -> bool:
        """Whether the attempt may be sent, perhaps to the runner-up."""
        answer = ticket.answer
        if answer is None:
            # What is this instance's while nobody can be asked is known since: it is chosen anew.
            attempt.give_back(now)
            return False
        if answer.taken is None:
            attempt.give_back(now, now + rest_of(ticket.alternatives[0], answer, attempt))
            return False
        if answer.taken:
            attempt.switch(now)
        elif self._fleet.roomy.get(attempt.target, 0.0) < now and is_roomy(ticket, answer):
            self._fleet.roomy[attempt.target] = now + A_MOMENT
        if needs := ticket.alternatives[answer.taken]:
            self._held.append((attempt, Held(needs, answer.at)))
        return True

    def _go_alone(self, attempt: Attempt, needs: Needs) -> None:
        """Nobody can be asked: the limits of this instance alone allowed it, and the server is told
        when it is back.
        """
        if self._own and self._hold is not None:
            self._hold.granted(self._own, self._fleet.shared.owe(self._own), None)
            self._own = ()
        if needs:
            self._held.append((attempt, Held(needs, self._fleet.shared.owe(needs))))

    def _settle_ended(self) -> None:
        for one in self._held.copy():
            attempt, held = one
            if not attempt.open:
                self._held.remove(one)
                self._fleet.shared.settle(settled(held, attempt))


async def asked_for(hold: Hold, shared: Shared, bell: Bell, clock: Callable[[], float]) -> None:
    """Reserve what a request takes that no target has to be chosen for: it is granted, or refused,
    or nobody can say, and the server is told when it is back.
    """
    needs = hold.needs
    if not needs:
        return
    ticket = shared.reserve((needs,), bell.wake)
    try:
        while not ticket.done:
            await bell.wait(clock() + A_MOMENT)
    except CancelledError:
        leave(ticket, shared)
        raise
    if (answer := ticket.answer) is None:
        if not hold.shut(clock()):
            hold.granted(needs, shared.owe(needs), None)
    elif answer.taken is None:
        hold.refused(needs, answer.waits[0], answer.left, clock())
    else:
        hold.granted(needs, answer.at, answer.left)


def leave(ticket: Ticket, shared: Shared) -> None:
    """Nobody wants any more what was asked for, whether it was had already or is still to come."""
    ticket.left = True
    if ticket.done and ticket.answer is not None and ticket.answer.taken is not None:
        taken = ticket.alternatives[ticket.answer.taken]
        shared.settle(given_back(taken, ticket.answer.at))


def permit(fleet: str, name: str) -> Bound:
    """The one place that the fleet's instances have to see whether whoever is ejected is back."""
    return Bound(f"{{pm:{fleet}}}:{name}:probe", "places", (PLACES, 1, 0, 0))


def rest_of(needs: Needs, answer: Answered, attempt: Attempt) -> float:
    """Seconds for which a target is left alone that had no room. Where plenty is left, although too
    little for this one, others may be small enough.
    """
    nobody_knows = SOON if attempt.probe_name is None else ANOTHER_PROBES
    rests = [0.0]
    for (bound, _), wait, left in zip(needs, answer.waits[0], answer.left, strict=True):
        if wait is None:
            rests.append(nobody_knows)
        elif wait:
            rests.append(min(wait, SOON) if left * PLENTY >= bound.spec[1] else wait)
    return max(rests)


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
