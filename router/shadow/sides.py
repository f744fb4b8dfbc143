"""What each of the two came to: from what the journal was told, and from what was overheard.

Only an answer's numbers are in it, and whether it was of the form that was asked for.
"""

from __future__ import annotations

from dataclasses import replace

from policies import Outcome
from router.dialects.common.prompt import Prompt
from router.shadow.judged import Said
from router.shadow.pairs import Side
from router.shadow.terms import Terms
from router.shadow.twin import Twin
from router.shadow.validity import fits_form, fits_tools
from router.telemetry.journal import AttemptRecord

LATE = "late"
"""A copy that was given up, since it took so much longer than production."""
WAITED = 0.05
"""Seconds for which a client took too little; beyond, its answer's time is not its target's."""


def control_of(twin: Twin, terms: Terms) -> Side:
    """Production's, by its first attempt: a rescue after it is not its merit. One that was given up
    in favour of another (a hedge, a move) is not at fault; then it is what the client got. Nor is
    one whose provisioned capacity was used up; then it is the one after.
    """
    first, end = twin.first, twin.end
    if first is None or end is None:
        raise ValueError("a request that is not over has come to nothing")
    if first.report.outcome is not Outcome.ABANDONED:
        side = of_attempt(first, terms)
    else:
        answered = twin.answered
        cost = None if answered is None else terms.cost(answered.target, answered.report)
        came = None if end.first is None else end.first - end.started
        total, tokens = end.ended - end.started, end.output_tokens
        side = Side("ok", end.target, came, total, tokens, cost)
    if not end.stream:
        side = replace(side, first=None)
    return replace(side, total=None) if end.client_seconds > WAITED else side


def of_attempt(record: AttemptRecord, terms: Terms) -> Side:
    """What one attempt came to."""
    report = record.report
    outcome = LATE if report.outcome is Outcome.ABANDONED else report.outcome.word
    if not report.outcome.good:
        return Side(outcome, record.target)
    first = None if record.first is None else record.first - record.started
    cost = terms.cost(record.target, report)
    total = record.ended - record.started
    return Side(outcome, record.target, first, total, report.output_tokens, cost)


def with_words(side: Side, said: Said | None, prompt: Prompt | None) -> Side:
    """The same with what can be told from what was said, and, where it is known, from what was
    asked.
    """
    if said is None or not side.answered:
        return side
    characters = len(said.text) + sum(len(arguments) for _, arguments in said.calls)
    form = tools = None
    if prompt is not None and prompt.form is not None and not said.calls:
        form = fits_form(said, prompt.form)
    if prompt is not None and prompt.tools:
        tools = fits_tools(said, prompt.tools)
    return replace(side, characters=characters, stopped=said.stopped, form=form, tools=tools)
