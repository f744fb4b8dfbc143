"""What each guard says of the canary, with its numbers, in words for people."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from policies.engine.showing.amounts import duration
from policies.shifting.evidence import Evidence
from policies.shifting.guarding import COST, ERRORS, FIRST_TOKEN, FLOOR, LATE, NAMES, Arms
from policies.shifting.progress import Progress
from policies.shifting.spread import middle
from policies.shifting.terms import Terms
from policies.shifting.weighing import certainty

WORSE = 0.99
"""So sure one must be that the canary is worse to take it back."""
SURE = 0.95
"""So sure one must be that it is not to let it have everything.

Both are for a canary that is exactly as bad as allowed: one that is no worse at all, or several
times as bad, is mistaken far more rarely.
"""


class Says(Enum):
    """What a guard says."""

    WORSE = "worse"
    NO_WORSE = "no worse"
    """As sure as it has to be for the next step."""
    UNSURE = "unsure"
    SILENT = "silent"
    """It has nothing to compare: no prices are known, or there are no first tokens."""


class Verdict(NamedTuple):
    """A guard's word. `worse` and `no_worse` are how sure it is of either, 0 to 1; `canary` and
    `control` are what it compares, as measured on this step (None: nothing yet): shares of
    failures, seconds, nano-dollars.
    """

    guard: str
    says: Says
    worse: float
    no_worse: float
    canary: float | None
    control: float | None
    words: str


def following(terms: Terms, progress: Progress) -> float:
    """The share of the next step; 1 where there is none."""
    return next((step for step in terms.steps if step > progress.share), 1.0)


def needed(share: float) -> float:
    """How sure one must be that the canary is no worse before it gets `share` of the requests: as
    sure as the share is large, and never more than `SURE`.
    """
    return min(share, SURE)


def verdicts(terms: Terms, progress: Progress) -> list[Verdict]:
    """What every guard says, after what was weighed last."""
    step = progress.counted.since(progress.began)
    return [_verdict(name, terms, progress, step) for name in NAMES]


def _verdict(name: str, terms: Terms, progress: Progress, step: Arms) -> Verdict:
    weighed = progress.weighed[name]
    worse, no_worse = certainty(weighed.worse), certainty(weighed.no_worse)
    control, canary = measured(name, step.control), measured(name, step.canary)
    if worse >= WORSE:
        says = Says.WORSE
    elif name == FLOOR or no_worse >= needed(following(terms, progress)):
        says = Says.NO_WORSE
    elif _mute(name, terms, progress):
        says = Says.SILENT
    else:
        says = Says.UNSURE
    words = _words(name, terms, says, (canary, control), (worse, no_worse))
    return Verdict(name, says, worse, no_worse, canary, control, words)


def measured(name: str, evidence: Evidence) -> float | None:
    """What a guard compares of one arm; None where nothing was counted."""
    if name in (ERRORS, FLOOR):
        return evidence.failures / evidence.requests if evidence.requests else None
    if name == COST:
        return evidence.spent / evidence.costs.count if evidence.costs.count else None
    late = evidence.first.quantile(LATE)
    return middle(late) if late is not None else None


def _mute(name: str, terms: Terms, progress: Progress) -> bool:
    """Whether one of the arms has shown nothing of what is compared, having served enough."""
    for arm in progress.counted:
        spread = {FIRST_TOKEN: arm.first, COST: arm.costs}.get(name)
        if spread is not None and arm.requests >= terms.least and not spread.count:
            return True
    return False


def _words(
    name: str,
    terms: Terms,
    says: Says,
    compared: tuple[float | None, float | None],
    sure: tuple[float, float],
) -> str:
    canary, control = (_shown(name, value) for value in compared)
    what = {ERRORS: "errors", FIRST_TOKEN: "first token p95", COST: "cost", FLOOR: "errors"}[name]
    within, worse = {
        ERRORS: ("is at most {} higher", "is more than {} higher"),
        FIRST_TOKEN: ("is at most {}", "is more than {}"),
        COST: ("is at most {}", "is more than {}"),
        FLOOR: ("is less than half", "is more than half"),
    }[name]
    points = 100 * terms.guards.errors
    allowed = {
        ERRORS: f"{points:g} point{'' if points == 1 else 's'}",
        FIRST_TOKEN: f"{terms.guards.first_token:g}x",
        COST: f"{terms.guards.cost:g}x",
        FLOOR: "",
    }[name]
    if says is Says.SILENT:
        why = "no price is known" if name == COST else "there are no first tokens"
        return f"{what}: not compared, {why}"
    against = "" if name == FLOOR else f", control {control}"
    if says is Says.WORSE:
        told = f"{_percent(sure[0])} sure that it {worse.format(allowed)}"
    else:
        told = f"{_percent(sure[1])} sure that it {within.format(allowed)}"
    return f"{what} {canary}{against}: {told}"


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    if name == FIRST_TOKEN:
        return duration(value)
    if name == COST:
        return f"${value / 1e9:.3g}"
    return f"{100 * value:.3g} %"


def _percent(share: float) -> str:
    """Rounded down, so that nothing is said to be reached that is not."""
    return f"{int(1000 * share) / 10:g} %"
