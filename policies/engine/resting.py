"""What it does to a target that it, or its provider, says it had too much: for how long nothing is
sent there, and what is learned of it.

Capacity of one's own that is used up is no fault, and teaches nothing of how much the target bears:
it only rests. Some say how much of it is used with every answer, and so before they refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.engine.group import UNNAMED_RESET
from policies.engine.outcome import Outcome, Report, Rest, Scope, as_spilled
from policies.engine.refusal import Refusal

if TYPE_CHECKING:
    from policies.engine.limits.headroom import Used
    from policies.engine.standing import Standing


def rest(standing: Standing, report: Report, now: float) -> Report:
    """Pause the target, or its provider, as an outcome that `rests` demands; the report as it is
    meant there.
    """
    if standing.facts.provisioned:
        report = as_spilled(report)
    account = report.scope is Scope.PROVIDER and standing.groups
    pause = standing.groups[0].pause if account else standing.pauses[0]
    if report.outcome.effect.rest is Rest.DOUBLING:
        pause.denied(now, report.rest)
    elif report.outcome is Outcome.SPILLED:
        pause.spilled(now, report.rest)
    else:
        # Of an overload the limit that it teaches takes care: a moment is enough.
        brief = report.overloaded and report.rest is None
        pause.throttled(now, UNNAMED_RESET if brief else report.rest)
        pressure = standing.pressure
        if report.overloaded or (report.rest is None and pause.throttles <= 1):
            pressure.overloaded(standing.in_flight, now, pause.until)
        elif report.rest is None:
            # Refused after a rest, with fewer under way than before: it is not places it lacks.
            pressure.limit = None
    return report


def heard(standing: Standing, used: Used, now: float) -> None:
    """How much of its provisioned capacity is used: of all of it nothing is left, as if it had
    refused.
    """
    standing.used = used.share
    if used.share >= 1 and standing.facts.provisioned:
        standing.pauses[0].spilled(now, used.rest)


def had_spilled(standing: Standing, at: float) -> bool:
    """Whether its capacity was used up at that instant, which was not long ago."""
    pause = standing.pauses[0]
    return pause.refusal is Refusal.SPILLED and pause.until > at
