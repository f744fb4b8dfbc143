"""The last decisions, in memory: a reader of the journal that has seen how they were made.

Which requests get a record is settled before their course starts, by counting, so that a quiet
router keeps all of them and a busy one pays for so many a second. Nothing here outlives the
process, and nothing holds a text, a key or what a caller wrote into a header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from policies.engine.showing.record import Record
from router.arms import model_of
from router.telemetry.journal import AttemptRecord, RefusalRecord, RequestRecord


class Origin(NamedTuple):
    """The engine that decided: its name, the seed of its chance, the instant at which it was made.
    With the same configuration, another one begins alike.
    """

    engine: str
    seed: int
    started: float


class Decision:
    """One request's record, and how it ended (None: it is under way). `further` are those of the
    models that it fell back on. Its model's `share` of requests is written to a file, and it is one
    of them (0: it is not); `revision` is what was in force when it came.
    """

    __slots__ = ("end", "further", "record", "request_id", "revision", "share")

    def __init__(self, request_id: str, record: Record, share: float, revision: str) -> None:
        self.request_id = request_id
        self.record = record
        self.share = share
        self.revision = revision
        self.end: RequestRecord | None = None
        self.further: list[Decision] = []


Write = Callable[[Decision, RequestRecord], None]


class Decisions:
    """A `Reader`: the last `keep` records, of at most `most` requests in any `seconds` by the clock
    (None: of every one), and of those that `write` is given when they are over. `seen` counts all
    requests, `recorded` those that got a record. By `chance` it is drawn which are written.
    """

    def __init__(
        self,
        origin: Origin,
        keep: int = 1000,
        most: int | None = 10,
        seconds: float = 1.0,
        *,
        write: Write | None = None,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.origin = origin
        self._write = write
        self._chance = chance
        self._to_write: dict[str, Decision] = {}
        self.seen = 0
        self.recorded = 0
        self._keep = keep
        self._most = most
        self._seconds = seconds
        self._window = 0
        self._left = most or 0
        self._order = count()
        self._kept: dict[str, Decision] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def sample(
        self, request_id: str, now: float, share: float = 0.0, revision: str = ""
    ) -> Record | None:
        """A record to be filled by a request that starts now, or None: it goes without. A `share`
        of its model's are written.
        """
        self.seen += 1
        written = share > 0.0 and self._chance() < share
        if not self._has_room(now) and not written:
            return None
        self.recorded += 1
        decision = self._begin(request_id, share if written else 0.0, revision)
        if written:
            self._to_write[request_id] = decision
        return decision.record

    def further(self, request_id: str, rung: int) -> Record | None:
        """A record for one more course of a request that has one, under `REQUEST_ID.RUNG`."""
        if (decision := self.find(request_id)) is None:
            return None
        further = self._begin(f"{request_id}.{rung}", 0.0, decision.revision)
        decision.further.append(further)
        return further.record

    def _has_room(self, now: float) -> bool:
        """Whether one more is recorded in this span of time; then it has been counted."""
        if not self._keep:
            return False
        if self._most is None:
            return True
        window = int(now / self._seconds)
        if window != self._window:
            self._window, self._left = window, self._most
        if not self._left:
            return False
        self._left -= 1
        return True

    def _begin(self, name: str, share: float, revision: str) -> Decision:
        decision = Decision(name, Record(self._order), share, revision)
        if self._keep:
            if len(self._kept) >= self._keep:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = decision
        return decision

    def find(self, request_id: str) -> Decision | None:
        """The decision on one request; None: it was not recorded, or is no longer kept."""
        return self._to_write.get(request_id) or self._kept.get(request_id)

    def newest(self, model: str | None = None, end: str | None = None) -> Iterator[Decision]:
        """The decisions, newest first; those on `model`, and those that ended in `end` alone, where
        they are given.
        """
        for decision in reversed(self._kept.values()):
            request = decision.record.request
            if model is not None and (request is None or model_of(request.model) != model):
                continue
            if end is None or (decision.end is not None and decision.end.end == end):
                yield decision

    def attempt(self, record: AttemptRecord) -> None:
        """See `Reader.attempt`; the course has kept it."""

    def request(self, record: RequestRecord) -> None:
        if (decision := self.find(record.request_id)) is not None:
            decision.end = record
            for further in decision.further:
                further.end = record
            if self._to_write.pop(record.request_id, None) is not None and self._write is not None:
                self._write(decision, record)

    def refused(self, record: RefusalRecord) -> None:
        """See `Reader.refused`; nothing was decided."""
