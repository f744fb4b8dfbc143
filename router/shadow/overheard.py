"""The journal of a copy: it is told of it as of any other request, but marked as what it is."""

from __future__ import annotations

import msgspec

from policies import Phase, Report
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

    def spent(self, terms: Terms, need: int) -> int:
        """Nano-dollars that it has cost; what is not known of an answer counts as the `need` that
        was reserved for it.
        """
        if self.first is None:
            return 0
        cost = terms.cost(self.first.target, self.first.report)
        return (need if is_billed(self.first.report) else 0) if cost is None else cost


def is_billed(report: Report) -> bool:
    """Whether an attempt of which nobody knows the tokens may cost something: who refuses bills
    nothing.
    """
    return report.phase is not Phase.HEAD or report.outcome.good
