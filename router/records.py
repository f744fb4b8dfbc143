"""What the journal is told of a request and of its attempts, once they are over.

Only put together here, from what a passage and its answers know: nothing is judged, and nothing of
a text is in it.
"""

from __future__ import annotations

from typing import NamedTuple

from policies import Outcome, Report
from router.answer import Answer
from router.caller import Caller
from router.dialects.contract import Call
from router.resumption import Resumption
from router.telemetry.journal import AttemptRecord, RequestRecord


def of_attempt(caller: Caller, answer: Answer, report: Report, now: float) -> AttemptRecord:
    """What became of one attempt, over at `now`."""
    attempt = answer.attempt
    return AttemptRecord(
        caller.request_id,
        attempt.model,
        attempt.target,
        attempt.number,
        report,
        started=attempt.was_sent,
        first=attempt.first,
        ended=now,
        malformed=answer.malformed,
    )


class Ending(NamedTuple):
    """How a request ended, and when: see `RequestRecord`."""

    status: int
    end: str
    cause: str
    attempts: int
    started: float
    first: float | None
    ended: float
    degraded: str
    client_seconds: float


def of_request(
    call: Call,
    caller: Caller,
    answered: Answer | None,
    ending: Ending,
    resumption: Resumption | None,
) -> RequestRecord:
    """What became of the request; `answered` is the answer that it got, or the last that failed."""
    report = (answered.report if answered is not None else None) or Report(Outcome.ABANDONED)
    if resumption is not None:
        report = resumption.in_all(report)
    return RequestRecord(
        request_id=caller.request_id,
        tenant=caller.tenant.name,
        model=call.model,
        stream=call.stream,
        target=answered.upstream.target if answered is not None else "",
        input_tokens=report.input_tokens,
        output_tokens=report.output_tokens,
        estimated=report.estimated,
        resumed=resumption.resumed if resumption is not None else (),
        operation=call.operation,
        **ending._asdict(),
    )
