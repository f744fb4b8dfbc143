"""What both arms of shifts have done: a reader of the journal, which only counts.

An attempt's model says whose it is: the route's name is its control's, and the name of the
canary's own route is the canary's. Only a request's first attempt counts: what is rescued after it
is the client's good fortune. What is counted only grows, until the file no longer has the shift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from policies import Outcome, Price
from policies.shifting import NOTHING, Evidence, Spread
from policies.shifting.guarding import Arms
from policies.shifting.spread import bin_of
from router.shifts.moving import Moving
from router.stage import give_way
from router.telemetry.journal import AttemptRecord, RefusalRecord, RequestRecord

ANSWERED = Outcome.OK
LONG = 10.0
"""Seconds; most who leave without content before wanted nothing more, or were served elsewhere."""
SLICE = 8
"""Words that are read at a time: so many take one to two milliseconds."""
COULD_NOT = frozenset({Outcome.FAILED, Outcome.THROTTLED, Outcome.DENIED, Outcome.UNFIT})
"""The target could not serve. What was the caller's fault, or was given up, says nothing of it, nor
that capacity which is provisioned was used up, and what goes elsewhere meanwhile.
"""
Spilled = Callable[[str, float], bool]
"""Whether a target's provisioned capacity was used up at an instant."""


def hung(record: AttemptRecord) -> bool:
    """Whether it was given up, by its client or by us, after a long time without any content: in
    either arm that is no answer.
    """
    given_up = record.report.outcome is Outcome.ABANDONED and record.first is None
    return given_up and record.ended - record.started >= LONG


class Tally:
    """One arm's counts. `own` are its targets: a first attempt at another one was one of none of
    its own, which could not serve it then. None: all are.
    """

    __slots__ = ("_costs", "_failures", "_first", "_own", "_prices", "_requests", "_spent")

    def __init__(self) -> None:
        self._requests = self._failures = self._spent = 0
        self._first: dict[int, int] = {}
        self._costs: dict[int, int] = {}
        self._own: frozenset[str] | None = None
        self._prices: Mapping[str, Price] = {}

    def of(self, own: frozenset[str] | None, prices: Mapping[str, Price]) -> None:
        """From now on these are its targets, and the prices of all."""
        self._own, self._prices = own, prices

    def count(self, record: AttemptRecord, spilled: Spilled | None = None) -> None:
        """Count the first attempt of a request."""
        report, target = record.report, record.target
        if self._own is not None and target not in self._own:
            if spilled and all(spilled(name, record.started) for name in self._own):
                return
            self._requests += 1
            self._failures += 1
            return
        failed = report.outcome in COULD_NOT or hung(record)
        if not failed and report.outcome is not ANSWERED:
            return
        self._requests += 1
        self._failures += failed
        if not failed:
            # The first that a client has of an answer in one piece is all of it.
            first = record.ended if record.first is None else record.first
            _one_more(self._first, bin_of(first - record.started))
        price = self._prices.get(target)
        cost = None if price is None else price.cost(report)
        if cost is not None:
            _one_more(self._costs, bin_of(cost))
            self._spent += cost

    def evidence(self) -> Evidence:
        """The same as a value."""
        return Evidence(
            self._requests,
            self._failures,
            Spread(MappingProxyType(dict(self._first))),
            Spread(MappingProxyType(dict(self._costs))),
            self._spent,
        )


class Gathering:
    """A `Reader` that counts for the shifts that it is told to `watch`. What was counted of one
    that is watched on is kept. `spilled` tells what is so of targets (None: nothing is).
    """

    def __init__(self) -> None:
        self.spilled: Spilled | None = None
        self._arms: dict[str, Tally] = {}
        self._pairs: dict[str, tuple[Tally, Tally]] = {}
        self.malformed = 0

    def watch(self, moving: Iterable[Moving], prices: Mapping[str, Price]) -> None:
        """Count for these and no others; `prices` are those of targets."""
        pairs, arms = {}, {}
        for one in moving:
            control, canary = self._pairs.get(one.name) or (Tally(), Tally())
            control.of(None, prices)
            canary.of(frozenset(name for name, weight in one.to.items() if weight), prices)
            pairs[one.name] = control, canary
            arms[one.model], arms[one.route] = control, canary
        self._pairs, self._arms = pairs, arms

    def arms(self, name: str) -> Arms:
        """What this process has seen of the shift of that name."""
        pair = self._pairs.get(name)
        return Arms() if pair is None else Arms(pair[0].evidence(), pair[1].evidence())

    def attempt(self, record: AttemptRecord) -> None:
        arm = self._arms.get(record.model)
        if arm is not None and record.number == 1:
            arm.count(record, self.spilled)

    def request(self, record: RequestRecord) -> None:
        """See `Reader.request`; what is rescued says nothing."""

    def refused(self, record: RefusalRecord) -> None:
        """See `Reader.refused`; nobody was asked."""

    async def sum(self, said: Iterable[bytes]) -> Arms:
        """What all instances have said together; what cannot be read is counted and left out.
        Requests come between.
        """
        control = canary = NOTHING
        for number, words in enumerate(said, 1):
            if not number % SLICE:
                await give_way()
            try:
                plain = msgspec.json.decode(words)
                one = Evidence.of_plain(plain["control"]), Evidence.of_plain(plain["canary"])
            except (ValueError, KeyError, TypeError):
                self.malformed += 1
                continue
            control, canary = control + one[0], canary + one[1]
        return Arms(control, canary)


def told(arms: Arms) -> bytes:
    """As it is said to other instances."""
    return msgspec.json.encode({name: one.plain() for name, one in arms._asdict().items()})


def _one_more(bins: dict[int, int], index: int) -> None:
    bins[index] = bins.get(index, 0) + 1
