"""What a request with a cascade comes to: in what was measured of its route's tiers, and in money.

Why: streams count as whole answers do, but are known later. One that was ended at its beginning was
cheap for that reason alone, and one that went out has cost what it had at its end.
Must not: decide anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies import Report
from router.answer import Answer

if TYPE_CHECKING:
    from router.cascade.climbing import Trial

Tokens = tuple[int | None, int | None]
"""Of an answer's input and its output."""


def reckon(trial: Trial) -> None:
    """Put a request to account that is over."""
    account = trial.lane.account
    if trial.first is None or not trial.counts:
        return
    for tier, answer, failed in trial.beginnings:
        _count(trial, tier, answer, failed)
    dear = _dear(trial, *trial.first)
    account.requests += 1
    account.climbed += bool(trial.failed)
    if dear is None or trial.unpriced:
        account.unpriced += 1
        return
    account.answers += trial.spent
    account.checks += trial.checks
    account.dear += dear


def twice(trial: Trial, tier: int, report: Report) -> None:
    """The answer of `tier` has come to this: where it is whole, and the first one was, the two tell
    how long answers are.
    """
    if trial.first is not None and trial.counts and report.outcome.good:
        first, answer = trial.first
        if _is_whole(answer):
            trial.lane.twice(first, _tokens(answer)[1], tier, report.output_tokens)


def _count(trial: Trial, tier: int, answer: Answer, failed: str) -> None:
    """A stream that was checked by its beginning, and `failed` that check. What the tiers above
    would have cost goes by the answer that came instead, if it was ended.
    """
    read, written = _tokens(answer)
    spent = trial.terms.cost(answer.upstream.target, read, written)
    if failed and trial.best is not None:
        above = trial.terms.tiers.get(trial.best.upstream.target, tier)
        read, its = _tokens(trial.best)
        written = trial.lane.as_long(tier, above, its)
    trial.lane.begun[tier] += 1
    trial.lane.add(tier, failed, read, written, spent, 0)


def _dear(trial: Trial, tier: int, answer: Answer) -> int | None:
    """What the last tier's answer has cost, or would have; by what came first, if it is whole."""
    best, last = trial.best, trial.terms.last
    if best is not None and best is not answer:
        above = trial.terms.tiers.get(best.upstream.target, tier)
        if above == last:
            if trial.call.stream and best.report is not None:
                twice(trial, last, best.report)
            return trial.terms.cost(best.upstream.target, *_tokens(best))
        if not _is_whole(answer):
            tier, answer = above, best
    return trial.lane.dearest(tier, *_tokens(answer))


def _is_whole(answer: Answer) -> bool:
    return answer.report is not None and answer.report.outcome.good


def _tokens(answer: Answer) -> Tokens:
    report = answer.report
    return (None, None) if report is None else (report.input_tokens, report.output_tokens)
