"""How far shifts have come, as one document that outlives processes and is the same in a fleet.

Pure. A shift that is in no file any more keeps its place for a while: what was found to be bad
stays so, and a file that is put back goes on where it was.
"""

from __future__ import annotations

from typing import Any

from policies.shifting import Progress, State
from router.kept.contract import Document

NAME = "shifts"
"""Of the document."""
FORGOTTEN = 30 * 86_400.0
"""Seconds after which a shift that nobody has written anew is forgotten."""
MOST = 80
"""Shifts, of up to 6 kB each; of more, those that were written longest ago are forgotten."""


def entry(document: Document | None, name: str) -> dict[str, Any] | None:
    """What is kept of the shift of that name, as it is kept; None: nothing."""
    found = None if document is None else document.get(name)
    return found if isinstance(found, dict) else None


def progress(kept: dict[str, Any] | None) -> Progress | None:
    """How far it has come; None: nobody knows. What is malformed is nothing that is known."""
    if kept is None:
        return None
    try:
        return Progress.of_plain(kept)
    except ValueError:
        return None


def changed(document: Document | None, name: str, to: Progress, now: float) -> Document:
    """The document with that shift so far, written `now`."""
    whole = {**(document or {}), name: {**to.plain(), "at": now}}
    fresh = [(at(kept), one) for one, kept in whole.items() if now - at(kept) < FORGOTTEN]
    names = {one for _, one in sorted(fresh)[-MOST:]}
    return {one: kept for one, kept in whole.items() if one in names}


def at(kept: Any) -> float:
    """When it was written, in Unix seconds."""
    at = kept.get("at") if isinstance(kept, dict) else None
    return float(at) if isinstance(at, float | int) else 0.0


def stands(progress: Progress) -> tuple[object, ...]:
    """What of it makes a difference to traffic, or to people: the rest only counts."""
    state = State.RUNNING if progress.state is State.HOLDING else progress.state
    return state, progress.share, progress.tries
