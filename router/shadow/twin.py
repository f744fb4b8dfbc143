"""A request that is to be copied: what is overheard of it while production answers it.

It holds up nothing: it is told of what was done anyway.
"""

from __future__ import annotations

from collections.abc import Callable

from policies import Outcome
from router.caller import Caller
from router.dialects.contract import Call
from router.shadow.lane import Lane
from router.shadow.sinks import Beside, Heard, Memory
from router.sink import Sink
from router.telemetry.journal import AttemptRecord, Reader, RefusalRecord, RequestRecord

SAID_NOTHING = frozenset({Outcome.REJECTED, Outcome.FILTERED})
"""Ends of production's attempt that are the request's own doing."""
ANSWERED = frozenset({"ok", "error", "interrupted", "degraded"})
"""Ends of a request that say something of who was asked."""


class Twin:
    """`first` is production's first attempt, those apart that were spilled, `answered` the last
    that brought an answer. `then` is called with the twin once it is over, and must only schedule:
    the request is not given back to its client's connection before.
    """

    __slots__ = ("_memory", "_then", "answered", "call", "caller", "end", "first", "heard", "lane")

    def __init__(
        self,
        lane: Lane,
        call: Call,
        caller: Caller,
        memory: Memory,
        then: Callable[[Twin], None],
    ) -> None:
        self.lane, self.call, self.caller = lane, call, caller
        self.heard = Heard(memory)
        self.first: AttemptRecord | None = None
        self.answered: AttemptRecord | None = None
        self.end: RequestRecord | None = None
        self._memory, self._then = memory, then

    def beside(self, sink: Sink) -> Sink:
        """The same sink, overheard."""
        return Beside(sink, self.heard)

    def reading(self, journal: Reader) -> Reader:
        """The same journal, overheard."""
        return _Overhearing(journal, self)

    def over(self, record: RequestRecord) -> None:
        """Production has answered it, or failed."""
        self.end = record
        self._then(self)

    def against(self) -> str:
        """Why what became of it is nothing to compare with, in a word; empty: it is."""
        if self.end is None or self.end.end not in ANSWERED or self.first is None:
            return "unanswered"
        if self.end.climbed:
            return "climbed"  # what was heard is another target's answer than the first one's
        outcome = self.first.report.outcome
        if outcome in SAID_NOTHING or (outcome is Outcome.ABANDONED and self.end.end != "ok"):
            return "unanswered"
        # With itself nothing is compared.
        return "same" if self.first.target == self.lane.terms.shadow.to else ""

    def drop(self) -> None:
        """Let go of all that is held for it."""
        self._memory.free(len(self.call.body))
        self.heard.drop()


class _Overhearing:
    """See `Reader`."""

    __slots__ = ("_journal", "_twin")

    def __init__(self, journal: Reader, twin: Twin) -> None:
        self._journal, self._twin = journal, twin

    def attempt(self, record: AttemptRecord) -> None:
        self._journal.attempt(record)
        twin = self._twin
        spilled = twin.first is not None and twin.first.report.outcome is Outcome.SPILLED
        if (record.number == 1 or spilled) and record.model == twin.call.model:
            twin.first = record
        if record.report.outcome.good:
            twin.answered = record

    def request(self, record: RequestRecord) -> None:
        self._journal.request(record)
        self._twin.over(record)

    def refused(self, record: RefusalRecord) -> None:
        self._journal.refused(record)
