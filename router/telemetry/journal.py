"""The one place where attempts and requests are reported; counters, logs and status all read
it.

A record is made once, when the thing is over, and handed synchronously to every reader. A
reader must only count or schedule. One that raises is reported once and left out from then on:
it must not cost the others a record, nor anyone an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from policies import Report


class AttemptRecord(msgspec.Struct, frozen=True):
    """One try on one target, the `number`th for `model`: the one that was asked for, or one that it
    fell back on. Instants are on the router's clock; `first` is None without content. `malformed`
    events of its stream were left out. `noticed` is what an operator should know of the limits that
    its provider names. One of a `shadow` is a copy of somebody's request, whom it does not concern.
    """

    request_id: str
    model: str
    target: str
    number: int
    report: Report
    started: float
    first: float | None
    ended: float
    malformed: int = 0
    noticed: str = ""
    shadow: bool = False


class Resumed(NamedTuple):
    """An answer broke off at `target`, when its client had so many pieces of it, about tokens."""

    target: str
    at_tokens: int


class RequestRecord(msgspec.Struct, frozen=True):
    """One request, over. `status` is what the client was sent (0: it left before anything was);
    `end` says in a word how it ended: `ok`, `error`, `interrupted`, `gone`, `slow`, `drained`,
    `fault` (the router's own), `replayed` (from memory, under its `Idempotency-Key`), `degraded`
    (nobody could serve, and it was given the operator's text). `degraded` is how far down its
    route's ladder it came: `model=NAME`, `text`, or nothing. For `client_seconds` of its time its
    client took too little of what there was. `operation` is what was asked for, by the end of its
    path (`chat`, `messages`, …).

    Token counts are of the attempt that answered, `estimated` where the provider did not count
    them. `resumed` says who had broken the answer off before another was asked to go on with it;
    then the counts are of all the attempts that it came from. `dropped` names what of the request
    the target could not be told, as its client is told it. One of a `shadow` is a copy: nobody gets
    its answer, and nothing of it is its tenant's. `climbed` are the targets whose answers were
    whole and not good enough, each with the check that its answer failed; what they cost is in
    their attempts.
    """

    request_id: str
    tenant: str
    model: str
    stream: bool
    status: int
    end: str
    cause: str
    target: str
    attempts: int
    started: float
    first: float | None
    ended: float
    input_tokens: int | None
    output_tokens: int | None
    estimated: bool
    degraded: str = ""
    client_seconds: float = 0.0
    resumed: tuple[Resumed, ...] = ()
    dropped: str = ""
    operation: str = "chat"
    shadow: bool = False
    climbed: tuple[tuple[str, str], ...] = ()


class RefusalRecord(msgspec.Struct, frozen=True):
    """A request that was refused at the door: nobody was asked to answer it. `tenant` is empty
    where nobody knows who asked.
    """

    request_id: str
    status: int
    code: str
    tenant: str = ""


class Reader(Protocol):
    """Whoever wants to know."""

    def attempt(self, record: AttemptRecord) -> None:
        """An attempt has ended."""

    def request(self, record: RequestRecord) -> None:
        """A request has ended."""

    def refused(self, record: RefusalRecord) -> None:
        """A request was refused before it had a course."""


class Journal:
    """Hands records to its readers."""

    def __init__(self, readers: list[Reader], on_error: Callable[[str, Exception], None]) -> None:
        self._readers = readers
        self._on_error = on_error

    def attempt(self, record: AttemptRecord) -> None:
        """Report an attempt that has ended."""
        for reader in self._readers:
            try:
                reader.attempt(record)
            except Exception as error:  # noqa: BLE001 - a door: its fault is not the request's
                self._drop(reader, error)

    def request(self, record: RequestRecord) -> None:
        """Report a request that has ended."""
        for reader in self._readers:
            try:
                reader.request(record)
            except Exception as error:  # noqa: BLE001 - a door, as above
                self._drop(reader, error)

    def refused(self, record: RefusalRecord) -> None:
        """Report a request that was refused at the door."""
        for reader in self._readers:
            try:
                reader.refused(record)
            except Exception as error:  # noqa: BLE001 - a door, as above
                self._drop(reader, error)

    def _drop(self, reader: Reader, error: Exception) -> None:
        # A new list: the one in use is being walked.
        self._readers = [other for other in self._readers if other is not reader]
        self._on_error(type(reader).__name__, error)
