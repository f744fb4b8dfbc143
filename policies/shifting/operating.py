"""What an operator may wish of a shift."""

from __future__ import annotations

from dataclasses import replace

from policies.shifting.progress import GOING, Progress, State, begin
from policies.shifting.terms import Terms


def pause(progress: Progress) -> Progress:
    """Stay at this share; it is still taken back when it fails. Raises `ValueError` where nothing
    is going on.
    """
    if progress.state not in GOING:
        raise ValueError(f"the shift is {progress.state.value}: there is nothing to pause")
    return replace(progress, state=State.PAUSED, cause="by an operator")


def resume(terms: Terms, progress: Progress, now: float) -> Progress:
    """Go on after a pause; begin anew, with a clean sheet, after it was taken back or aborted.
    Raises `ValueError` where it goes on already, or is done.
    """
    if progress.state is State.PAUSED:
        return replace(progress, state=State.RUNNING, cause="")
    if progress.state in (State.BACK, State.ABORTED):
        return begin(terms, progress.revision, now, progress.counted)
    raise ValueError(f"the shift is {progress.state.value}: there is nothing to resume")


def abort(progress: Progress, now: float) -> Progress:
    """Back to where it began, until it is resumed. Raises `ValueError` where it is done: then it is
    the file that takes it back.
    """
    if progress.state is State.DONE:
        raise ValueError("the shift is done: remove it from the file, or write it the other way")
    return replace(
        progress, share=0.0, since=now, state=State.ABORTED, cause="by an operator", until=None
    )
