"""The journal of a copy: it is told of it as of any other request, but marked as what it is."""

from __future__ import annotations

import msgspec

from router.shadow.terms import Terms
from router.telemetry.journal import AttemptRecord, Reader, RefusalRecord, RequestRecord


class Overheard:
    """See `Reader`. `first` is the copy's attempt, if one was made."""

    def __init__(self, journal: Reader) -> None:
        self._journal = journal
        self.first: AttemptRecord | None = None

    def attempt(self, record: AttemptRecord) -> None:
        record = msgspec.structs.replace(record, shadow=True)
        self._journal.attempt(record)
        self.first = record

    def request(self, record: RequestRecord) -> None:
        self._journal.request(msgspec.structs.replace(record, shadow=True))

    def refused(self, record: RefusalRecord) -> None:
        self._journal.refused(record)

    def spent(self, terms: Terms) -> int:
        """Nano-dollars that it has cost, as far as that is known."""
        if self.first is None:
            return 0
        report, target = self.first.report, self.first.target
        return terms.cost(target, report.input_tokens, report.output_tokens or 0) or 0
