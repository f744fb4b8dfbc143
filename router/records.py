"""What the journal is told of a request and of its attempts, once they are over.

Only put together here, from what a passage and its answers know: nothing is judged, and nothing of
a text is in it.
"""

from __future__ import annotations

from typing import Final

from policies import Outcome, Report
from router.answer import Answer
from router.caller import Caller
from router.dialects.contract import Call
from router.reply import Reply
from router.resumption import Resumption
from router.telemetry.journal import AttemptRecord, RequestRecord
from router.told import listed

Times = tuple[float, float | None, float]
"""The instants at which a request was started, its first content came, and it ended."""
NOTHING: Final = Report(Outcome.ABANDONED)
"""How a request ended for which nobody was asked."""


def of_attempt(caller: Caller, answer: Answer, report: Report, now: float) -> AttemptRecord:
    """What became of one attempt, over at `now`."""
    attempt = answer.attempt
    return AttemptRecord(
        caller.request_id,
        attempt.model,
        attempt.target,
        attempt.number,
        report,
        attempt.was_sent,
        attempt.first,
        now,
        answer.malformed,
        answer.noticed,
    )


def of_request(
    call: Call,
    reply: Reply,
    answered: Answer | None,
    end: str,
    cause: str,
    attempts: int,
    times: Times,
    resumption: Resumption | None,
) -> RequestRecord:
    """What became of the request: its `end` and the `cause` as in its record; `answered` is the
    answer that it got, or the last that failed.
    """
    report = (answered.report if answered is not None else None) or NOTHING
    if resumption is not None:
        report = resumption.in_all(report)
    caller, (started, first, ended) = reply.caller, times
    return RequestRecord(
        caller.request_id,
        caller.tenant.name,
        call.model,
        call.stream,
        reply.status,
        end,
        cause,
        answered.upstream.target if answered is not None else "",
        attempts,
        started,
        first,
        ended,
        report.input_tokens,
        report.output_tokens,
        report.estimated,
        reply.degraded,
        reply.waited,
        resumption.resumed if resumption is not None else (),
        listed(answered.dropped) if answered is not None and answered.dropped else "",
        call.operation,
        climbed=reply.climbed,
    )
