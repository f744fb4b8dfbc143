"""Those who wait for a place: one queue per route, by band, by tenant, then first come first
served.

A place that comes free belongs to the first who can use it, and newcomers rank among those who
wait, or a steady stream of them would starve the queue. But whoever waits for one target must not
keep the others idle: a waiter names the targets that could serve it, and only what somebody who
goes first waits for is out of reach.

A higher band goes first, but a lower one is owed a tenth of what is served while it waits: once
that covers what its first one needs, this one goes first once. Those of one tenant and band who
name the same targets stand in one line; whatever is decided here looks at lines, not at waiters.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, Protocol

from policies.engine.learning.estimates import Length
from policies.engine.waiting.fairness import Account, Charge, Turns, cost
from policies.policy import Band, Request

MOST_WAITING: Final = 1000
"""Per route; for one more, the newest of a lower band goes, or else it is refused at once."""
LONGEST_WAIT: Final = 10.0
"""Seconds that a request waits for a place before it is told when to come back: an interactive
caller does not wait longer.
"""
STANDING: Final = 10.0
BRIEF_WAIT: Final = 1.0
"""Where somebody has waited for so many seconds without a break, it is no burst that a queue evens
out but overload, and whoever comes waits no longer than this for a place: a queue that stands only
makes everybody late, and late for long after (as CoDel, Nichols and Jacobson, ACM Queue 2012).
"""
LEAST_SHARE: Final = 10
"""A lower band that waits is served one in so many, whatever waits above it."""
NOTHING: Final[frozenset[str]] = frozenset()

Rank = tuple[bool, int, float, int]
"""Who goes first: those whose band has the credit, then by band, tokens served, arrival."""


class Waiter(Protocol):
    """Whoever can be told to look again."""

    @property
    def request(self) -> Request:
        """Whose band and tenant give it its rank."""

    def wake(self) -> None:
        """Look again soon; must only schedule."""


class Place(NamedTuple):
    """Where one stands in its line, and what its request is expected to cost."""

    ticket: int
    need: float


class Line(NamedTuple):
    """Those of one tenant and band who wait for the same targets, the first one first."""

    wanted: frozenset[str]
    band: Band
    tenant: str
    account: Account
    places: dict[Waiter, Place]


class Queue:
    """The waiting courses of one route. `waiting` is empty where nobody has to wait, and nothing
    here needs to be asked then.
    """

    __slots__ = (
        "_bands",
        "_crowded",
        "_length",
        "_lines",
        "_newest",
        "_tickets",
        "since",
        "waiting",
    )

    def __init__(self, crowded: dict[Queue, None], length: Length) -> None:
        """`crowded` holds all queues in which somebody waits; this one keeps its place in it.
        `length` is how long the answers of the route are.
        """
        self._crowded = crowded
        self._length = length
        self._bands = tuple(Turns() for _ in Band)
        self._newest: tuple[dict[Waiter, None], ...] = tuple({} for _ in Band)
        self._lines: dict[tuple[frozenset[str], Band, str], Line] = {}
        self._tickets = 0
        self.since = 0.0
        self.waiting: dict[Waiter, Line] = {}

    def __len__(self) -> int:
        return len(self.waiting)

    def promised(self, waiter: Waiter) -> AbstractSet[str]:
        """The targets that somebody who goes before `waiter` waits for."""
        if not self.waiting:
            return NOTHING
        heads = self._heads()
        line = self.waiting.get(waiter)
        if line is None:
            request = waiter.request
            level = self._bands[request.band].level(request.tenant)
            rank: Rank = True, request.band, level, self._tickets
        else:
            rank = True, line.band, line.account.served, line.places[waiter].ticket
            first, head = heads[line.wanted]
            rank = first if head is waiter else rank
        promised: set[str] = set()
        for wanted, (first, _) in heads.items():
            if first < rank:
                promised |= wanted
        return promised

    def stands(self, request: Request, now: float) -> bool:
        """Whether somebody has waited for long, without a break, and the tenant of `request` has
        its even part in that or more: one that asks little is not to suffer from the others.
        """
        if not self.waiting or now - self.since <= STANDING:
            return False
        waiting: dict[str, int] = {}
        for line in self._lines.values():
            waiting[line.tenant] = waiting.get(line.tenant, 0) + len(line.places)
        own = waiting.get(request.tenant, 0)
        return own > 1 and own * len(waiting) >= len(self.waiting)

    def join(self, waiter: Waiter, wanted: frozenset[str], now: float) -> bool:
        """Wait for one of the targets `wanted` (or stay where one stands); False: the queue is
        full, of those who go before.
        """
        if waiter in self.waiting:
            return True
        if not self.waiting:
            self.since = now
        request = waiter.request
        band, tenant = request.band, request.tenant
        if len(self.waiting) >= MOST_WAITING and not self._displace(band):
            return False
        need = self._need(request)
        account = self._bands[band].enter(tenant, need)
        key = wanted, band, tenant
        if key not in self._lines:
            self._lines[key] = Line(wanted, band, tenant, account, {})
        self.waiting[waiter] = line = self._lines[key]
        line.places[waiter] = Place(self._tickets, need)
        self._newest[band][waiter] = None
        self._tickets += 1
        self._crowded[self] = None
        if self._bands[band].is_owed(1.0):
            # With another one as the first of its band, a line may have become owed, or not be.
            self.wake()
        return True

    def leave(self, waiter: Waiter) -> None:
        """Go, served or not; the next ones look again."""
        line = self.waiting.pop(waiter, None)
        if line is None:
            return
        del line.places[waiter], self._newest[line.band][waiter], self._crowded[self]
        if not line.places:
            del self._lines[line.wanted, line.band, line.tenant]
        self._bands[line.band].leave(line.account)
        if self.waiting:
            # At the end of the crowded: routes that wait for the same provider take turns.
            self._crowded[self] = None
            self.wake()

    def served(self, waiter: Waiter) -> Charge | None:
        """`waiter` is sent: it leaves, if it waited, and its tenant is charged. To be told while
        somebody waits.
        """
        request, line = waiter.request, self.waiting.get(waiter)
        need = self._need(request) if line is None else line.places[waiter].need
        charge = self._bands[request.band].charge(request.tenant, need)
        for lower in self._bands[request.band + 1 :]:
            lower.owe(need)
        if line is None:
            self.wake()
        else:
            self.leave(waiter)
        return charge

    def wake(self) -> None:
        """Something may have come free, or the order has changed: whoever is first for any set
        of targets looks again.
        """
        for _, waiter in self._heads().values():
            waiter.wake()

    def turn(self, request: Request, wanted: frozenset[str]) -> int:
        """When a newcomer that wants these targets would be served, as a number from 1: after
        the higher bands, in turn with the other tenants of its own; but not later than the share
        of its band allows.
        """
        before = own = 0
        others = []
        for line in self._lines.values():
            if line.band > request.band or line.wanted.isdisjoint(wanted):
                continue
            if line.band < request.band:
                before += len(line.places)
            elif line.tenant == request.tenant:
                own += len(line.places)
            else:
                others.append(len(line.places))
        turn = own + 1 + sum(min(count, own + 1) for count in others)
        return min(before + turn, LEAST_SHARE * turn)

    def _heads(self) -> dict[frozenset[str], tuple[Rank, Waiter]]:
        """Who goes first of those who want the same targets, for each such set."""
        firsts: dict[tuple[frozenset[str], Band], tuple[float, int, float, Waiter]] = {}
        for line in self._lines.values():
            waiter, (ticket, need) = next(iter(line.places.items()))
            # A ticket is given once: waiters themselves are never compared.
            first = line.account.served, ticket, need, waiter
            key = line.wanted, line.band
            if key not in firsts or first < firsts[key]:
                firsts[key] = first
        heads: dict[frozenset[str], tuple[Rank, Waiter]] = {}
        for (wanted, band), (served, ticket, need, waiter) in firsts.items():
            rank = not self._bands[band].is_owed(need), band, served, ticket
            if wanted not in heads or rank < heads[wanted][0]:
                heads[wanted] = rank, waiter
        return heads

    def _displace(self, band: Band) -> bool:
        """Make room for one of `band`: the newest of the lowest band goes, and looks again."""
        for newest in reversed(self._newest[band + 1 :]):
            if newest:
                waiter = next(reversed(newest))
                self.leave(waiter)
                waiter.wake()
                return True
        return False

    def _need(self, request: Request) -> float:
        usual, most = self._length.usual, request.output_tokens
        return cost(request.input_tokens, usual if most is None or usual < most else most)
