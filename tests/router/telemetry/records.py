"""A request that went well, as the journal tells of it."""

from typing import Any, TypeVar

import msgspec

from policies import Outcome, Report
from router.telemetry.journal import AttemptRecord, RequestRecord

Record = TypeVar("Record", AttemptRecord, RequestRecord)

OK = Report(Outcome.OK)
ATTEMPT = AttemptRecord("req_1", "chat", "sim/fast", 1, OK, started=1.0, first=1.5, ended=2.0)
REQUEST = RequestRecord(
    request_id="req_1",
    tenant="default",
    model="chat",
    stream=True,
    status=200,
    end="ok",
    cause="",
    target="sim/fast",
    attempts=1,
    started=1.0,
    first=1.5,
    ended=2.0,
    input_tokens=3,
    output_tokens=4,
    estimated=False,
)


def changed(record: Record, **fields: Any) -> Record:
    """The same with other fields."""
    return msgspec.structs.replace(record, **fields)
