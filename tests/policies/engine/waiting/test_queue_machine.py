"""The queue under everything that can happen to it, beside one that looks at every waiter."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from policies import Band, Outcome, Report, Request
from policies.engine.learning.estimates import Length
from policies.engine.waiting.fairness import Charge, cost
from policies.engine.waiting.queue import Queue

TARGETS = ("a", "b", "c")
WANTED = st.frozensets(st.sampled_from(TARGETS), min_size=1)


class Waiting:
    """One that waits, and whether it was told to look."""

    def __init__(self, request: Request, wanted: frozenset[str], number: int) -> None:
        self.request = request
        self.wanted = wanted
        self.number = number
        self.need = cost(request.input_tokens, request.output_tokens or 0)
        self.woken = False

    def wake(self) -> None:
        self.woken = True

    @property
    def owner(self) -> tuple[Band, str]:
        return self.request.band, self.request.tenant


class Naive:
    """The same order, the slow way: all waiters in a list, and what each tenant was served."""

    def __init__(self) -> None:
        self.waiters: list[Waiting] = []
        self.served: dict[tuple[Band, str], float] = {}
        self.credit = dict.fromkeys(Band, 0.0)
        self.most = dict.fromkeys(Band, 0.0)

    def level(self, owner: tuple[Band, str]) -> float:
        others = {one.owner for one in self.waiters if one.owner[0] == owner[0]}
        if owner in others:
            return self.served[owner]
        least = min((self.served[other] for other in others), default=0.0)
        return max(least, self.served.get(owner, least))

    def join(self, waiter: Waiting) -> None:
        self.served[waiter.owner] = self.level(waiter.owner)
        self.most[waiter.owner[0]] = max(self.most[waiter.owner[0]], waiter.need)
        self.waiters.append(waiter)

    def leave(self, waiter: Waiting) -> None:
        self.waiters.remove(waiter)
        band = waiter.request.band
        if not any(one.request.band == band for one in self.waiters):
            self.served = {owner: used for owner, used in self.served.items() if owner[0] != band}
            self.credit[band] = self.most[band] = 0.0

    def send(self, waiter: Waiting) -> None:
        band = waiter.request.band
        self.credit[band] = max(0.0, self.credit[band] - 9 * waiter.need)
        if waiter.owner in self.served:
            self.served[waiter.owner] += waiter.need
        for lower in Band:
            if lower > band and self.credit[lower] < 9 * self.most[lower]:
                self.credit[lower] += waiter.need
        if waiter in self.waiters:
            self.leave(waiter)

    def plain(self, waiter: Waiting) -> tuple[Band, float, int]:
        return waiter.request.band, self.level(waiter.owner), waiter.number

    def rank(self, waiter: Waiting) -> tuple[bool, Band, float, int]:
        band = waiter.request.band
        peers = [
            one for one in self.waiters if one.wanted == waiter.wanted and one.request.band == band
        ]
        first = waiter in peers and min(peers, key=self.plain) is waiter
        owed = first and self.credit[band] >= 9 * waiter.need
        return not owed, *self.plain(waiter)

    def promised(self, waiter: Waiting) -> set[str]:
        rank = self.rank(waiter)
        before = [one.wanted for one in self.waiters if self.rank(one) < rank]
        return set().union(*before)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.crowded: dict[Queue, None] = {}
        self.queue = Queue(self.crowded, Length())
        self.naive = Naive()
        self.charges: list[tuple[Charge, Waiting]] = []
        self.count = 0

    def new(self, band: Band, tenant: str, tokens: int, wanted: frozenset[str]) -> Waiting:
        self.count += 1
        request = Request("m", 60.0, tokens, 0, tenant=tenant, band=band)
        return Waiting(request, wanted, self.count)

    @rule(
        band=st.sampled_from(Band),
        tenant=st.sampled_from("xyz"),
        tokens=st.integers(1, 4) | st.integers(1, 50),
        wanted=WANTED,
    )
    def come(self, band: Band, tenant: str, tokens: int, wanted: frozenset[str]) -> None:
        """A newcomer takes what is not promised, or waits."""
        waiter = self.new(band, tenant, tokens, wanted)
        assert self.queue.promised(waiter) == self.naive.promised(waiter)
        assert self.queue.join(waiter, wanted, 0.0)
        assert self.queue.join(waiter, wanted, 0.0)
        self.naive.join(waiter)

    @precondition(lambda self: self.naive.waiters)
    @rule(band=st.sampled_from(Band), tenant=st.sampled_from("xyz"), tokens=st.integers(1, 50))
    def pass_by(self, band: Band, tenant: str, tokens: int) -> None:
        """Somebody is sent who never waited."""
        waiter = self.new(band, tenant, tokens, frozenset())
        charge = self.queue.served(waiter)
        assert (charge is not None) == (waiter.owner in self.naive.served)
        self.naive.send(waiter)
        self.heads_are_woken()

    @precondition(lambda self: self.naive.waiters)
    @rule(place=st.sampled_from(TARGETS))
    def serve(self, place: str) -> None:
        """A place comes free: exactly one of those who want it is offered it."""
        self.queue.wake()
        who = [one for one in self.naive.waiters if place in one.wanted]
        offered = [one for one in who if place not in self.queue.promised(one)]
        if not who:
            return
        (first,) = offered
        assert first.woken
        same = [one for one in who if one.owner == first.owner and one.wanted == first.wanted]
        assert min(same, key=lambda one: one.number) is first, "first come, first served"
        charge = self.queue.served(first)
        assert charge is not None
        self.naive.send(first)
        self.charges.append((charge, first))
        self.heads_are_woken()

    @precondition(lambda self: self.naive.waiters)
    @rule(which=st.integers(0, 50))
    def leave(self, which: int) -> None:
        waiter = self.naive.waiters[which % len(self.naive.waiters)]
        self.queue.leave(waiter)
        self.queue.leave(waiter)
        self.naive.leave(waiter)
        self.heads_are_woken()

    @precondition(lambda self: self.charges)
    @rule(used=st.integers(1, 80))
    def settle(self, used: int) -> None:
        charge, waiter = self.charges.pop(0)
        account = charge._account
        accounts = self.queue._bands[waiter.request.band]._accounts
        charge.settle(Report(Outcome.OK, input_tokens=used, output_tokens=0))
        if accounts.get(waiter.request.tenant) is account:
            self.naive.served[waiter.owner] += used - waiter.need

    def heads_are_woken(self) -> None:
        for waiter in self.naive.waiters:
            if not waiter.wanted <= self.naive.promised(waiter):
                assert waiter.woken, "somebody sleeps who is first for a target"

    @invariant()
    def nobody_is_lost(self) -> None:
        assert list(self.queue.waiting) == self.naive.waiters
        assert (self.queue in self.crowded) == bool(self.naive.waiters)

    @invariant()
    def only_what_those_who_go_first_want_is_promised(self) -> None:
        for waiter in self.naive.waiters:
            # What it does not want itself may be called promised or not: nobody asks.
            promised = self.queue.promised(waiter) & waiter.wanted
            assert promised == self.naive.promised(waiter) & waiter.wanted
            waiter.woken = False

    def teardown(self) -> None:
        for waiter in list(self.naive.waiters):
            self.queue.leave(waiter)
        assert not self.queue.waiting
        assert not self.queue._lines
        assert not self.crowded


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_the_queue_and_the_naive_one_agree = Machine.TestCase
