"""From what came back to a report: of an error what its line says, with the rest asked for.

What no table knows falls to the safe side, and says so, that it can be counted: a well-formed
error of a 4xx is the caller's; a 4xx that is a page, or nothing, comes from somebody in between
who looked at this request alone; everything else is a failure of the target.
"""

from __future__ import annotations

import re
from typing import Any

from policies import Outcome, Phase, Report
from router.dialects.common.events import Usage
from router.dialects.common.outside import decoded
from router.dialects.contract import Headers
from router.dialects.errors.common import TOO_LONG
from router.dialects.errors.rests import rest_of
from router.dialects.errors.said import NO_HEADERS, Said, said, told
from router.dialects.errors.table import CALLER, FAILED, UNFIT, Meaning, Table

GOOD = Outcome.OK
OK = Report(GOOD)
NO_ANSWER = Report(Outcome.FAILED, detail="200 with a body that is not an answer")
LENGTH_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_TOO_LONG = re.compile(TOO_LONG)


def refused(
    table: Table,
    status: int,
    headers: Headers,
    body: bytes,
    wall: float | None,
    *,
    usual: bool = True,
) -> Report:
    """The outcome of an answer with a status of failure. `wall` is Unix time. `usual`: every server
    has the operation that was asked for; without it, a missing path says nothing of the model.
    """
    error = said(status, headers, decoded(body))
    return _report(table, error, status, Phase.HEAD, wall, usual=usual)


class Judging:
    """What the halves of providers who are spoken to for all other clients have alike: see
    `ForeignDialect`. `errors` is what the provider means by its errors; `usual`: see `refused`.
    """

    def __init__(self, errors: Table, *, usual: bool = True) -> None:
        self._errors = errors
        self._usual = usual

    def refusal(
        self, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        return refused(self._errors, status, headers, body, wall, usual=self._usual)

    def told(self, body: bytes) -> str:
        return told(decoded(body))


def failed(table: Table, body: Any, phase: Phase) -> Report:
    """The outcome of an error that came inside a status of success; `body`, decoded, holds it."""
    return _report(table, said(200, NO_HEADERS, body), 200, phase, None, usual=True)


def good(usage: Usage | None) -> Report:
    """The outcome of an answer that is whole, and cost so much."""
    if usage is None:
        return OK
    return Report(
        GOOD,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached,
        stored_tokens=usage.written,
        hour_tokens=usage.hour,
        service_tier=usage.service_tier,
    )


def code_of(outcome: Outcome, body: bytes) -> str:
    """The code by which clients know a refusal, where its provider speaks with other codes."""
    if outcome is Outcome.FILTERED:
        return "content_filter"
    told = said(400, NO_HEADERS, decoded(body))
    if _TOO_LONG.search(told.message) or not LENGTH_CODES.isdisjoint(told.codes):
        return "context_length_exceeded"
    return "invalid_request"


def _report(
    table: Table, told: Said, status: int, phase: Phase, wall: float | None, *, usual: bool
) -> Report:
    line = table.find(told, usual=usual)
    meaning = line.means if line is not None else _unknown(told)
    code = told.codes[0] if told.codes else ""
    number = f"{status}" if told.status == status else f"{status} with a {told.status}"
    # 429 is never evidence of sickness, whatever is said with it.
    overloaded = meaning.overloaded and told.status != 429
    return Report(
        meaning.outcome,
        phase,
        meaning.scope,
        rest=rest_of(meaning, told, wall),
        overloaded=overloaded,
        detail=f"{number} {code}".rstrip(),
        unclassified=told.status if line is None else None,
    )


def _unknown(told: Said) -> Meaning:
    if not 400 <= told.status < 500:
        return FAILED
    return CALLER if told.told else UNFIT
