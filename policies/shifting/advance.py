"""How a shift goes on: a step further, not yet, or back to where it began."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from policies.shifting.evidence import Evidence
from policies.shifting.guarding import Arms, weigh
from policies.shifting.progress import GOING, Progress, State, begin
from policies.shifting.terms import Terms
from policies.shifting.verdicts import Says, Verdict, following, needed, verdicts

BLOCK = 5
"""Requests of each arm that are weighed at once, at least: of fewer, too many would stand alone."""
ALONE = 50
"""Requests of the canary's that are weighed without any of the control's."""
OUT = 0.25
"""The control is out where more than that share of its last requests failed."""
SHORT, LONG = 0.98, 0.999
"""What a request of the control's leaves of the weight of those before: about 50 are remembered,
and about 1,000.
"""
MOST_TRIES = 3
"""A shift that was taken back so often does not try again by itself."""


def share(progress: Progress) -> float:
    """The share of all requests that is the canary's now."""
    if progress.state is State.DONE:
        return 1.0
    return progress.share if progress.state in GOING else 0.0


def rests(progress: Progress, now: float) -> bool:
    """Whether nothing that either arm does makes another of it."""
    if progress.state is State.BACK and progress.until is not None:
        return now < progress.until
    return progress.state not in GOING


def advance(
    terms: Terms,
    progress: Progress,
    control: Evidence,
    canary: Evidence,
    now: float,
    *,
    ejected: Collection[str] = (),
    control_out: bool = False,
) -> Progress:
    """Where the shift is at `now`, `control` and `canary` being all that both arms have done since
    it began. `ejected` are targets that only the canary has, and that are ejected for their health:
    then it has failed. `control_out` says that all of the control's are.

    May be called as often as one likes: to look more often makes no error more likely.
    """
    arms = Arms(control, canary)
    if rests(progress, now):
        return progress
    if progress.state is State.BACK:
        return replace(begin(terms, progress.revision, now, arms), tries=progress.tries)
    progress = _weighed(terms, progress, arms, out=control_out)
    if ejected:
        return _back(terms, progress, now, f"ejected: {', '.join(sorted(ejected))}")
    said = verdicts(terms, progress)
    if worse := [verdict.words for verdict in said if verdict.says is Says.WORSE]:
        return _back(terms, progress, now, "; ".join(worse))
    if progress.state is State.PAUSED:
        return progress
    return _onwards(terms, progress, said, now, out=control_out or progress.failing > OUT)


def _weighed(terms: Terms, progress: Progress, arms: Arms, *, out: bool) -> Progress:
    """With what has come since the last time, if that is enough to be weighed."""
    before = progress.counted
    if not arms.holds(before):
        # Some was lost, with the server that kept it: what is left is not weighed twice.
        return replace(progress, counted=arms, began=arms)
    block = arms.since(before)
    new, beside = block.canary.requests, block.control.requests
    if new < BLOCK or (beside < BLOCK and new < ALONE):
        return progress
    failing = _faded(progress.failing, block.control, SHORT)
    trusted = not out and max(failing, progress.failing) <= OUT
    weighed = weigh(progress.weighed, block, before, progress.usual, terms.guards, trusted=trusted)
    usual = _faded(progress.usual, block.control, LONG)
    return replace(progress, counted=arms, weighed=weighed, failing=failing, usual=usual)


def _faded(share: float, of: Evidence, memory: float) -> float:
    """The share of failures of late, after some more requests."""
    if not of.requests:
        return share
    fades: float = memory**of.requests
    return fades * share + (1 - fades) * of.failures / of.requests


def _back(terms: Terms, progress: Progress, now: float, cause: str) -> Progress:
    tries = progress.tries + 1
    until = now + terms.cool_down if tries < MOST_TRIES else None
    return replace(
        progress, share=0.0, since=now, state=State.BACK, cause=cause, until=until, tries=tries
    )


def _onwards(
    terms: Terms, progress: Progress, said: list[Verdict], now: float, *, out: bool
) -> Progress:
    """A step further, if nothing stands against it."""
    left = terms.least - (progress.counted.canary.requests - progress.began.canary.requests)
    wait = terms.interval - (now - progress.since)
    if left > 0 or wait > 0:
        words = (f"{left} more {'request' if left == 1 else 'requests'}", f"{wait:.0f} s more")
        due = " and ".join(each for each, more in zip(words, (left, wait), strict=True) if more > 0)
        return replace(progress, state=State.RUNNING, cause=f"waits for {due}")
    if out:
        cause = "the control is out: nothing says that the canary is no worse"
        return replace(progress, state=State.HOLDING, cause=cause)
    to = following(terms, progress)
    if unsure := [verdict.words for verdict in said if verdict.says is Says.UNSURE]:
        cause = f"{'; '.join(unsure)}: {100 * needed(to):g} % are needed for {100 * to:g} %"
        return replace(progress, state=State.HOLDING, cause=cause)
    state = State.DONE if to >= 1 else State.RUNNING
    counted = progress.counted
    return replace(progress, share=to, since=now, state=state, cause="", began=counted)
