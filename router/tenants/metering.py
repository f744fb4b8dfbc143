"""How an allowance hears what became of its request's attempts: from the journal, as others do."""

from __future__ import annotations

from router.telemetry.journal import AttemptRecord, Reader, RefusalRecord, RequestRecord
from router.tenants.allowance import Allowance


class Metering:
    """A `Reader` of what became of one request's attempts for its allowance, and hands it on."""

    __slots__ = ("_allowance", "_onward")

    def __init__(self, allowance: Allowance, onward: Reader) -> None:
        self._allowance = allowance
        self._onward = onward

    def attempt(self, record: AttemptRecord) -> None:
        self._allowance.spent(record.report)
        self._onward.attempt(record)

    def request(self, record: RequestRecord) -> None:
        self._onward.request(record)

    def refused(self, record: RefusalRecord) -> None:
        self._onward.refused(record)
