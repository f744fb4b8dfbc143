"""How far shifts have come, each as a document of its own that outlives processes and is the same
in a fleet.

Pure. A shift that is in no file any more keeps its place for a while: what was found to be bad
stays so, and a file that is put back goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies.shifting import Progress, State
from router.kept.contract import Document

KIND = "shift"
"""Of the documents."""
FORGOTTEN = 30 * 86_400.0
"""Seconds after which a shift that is in no file any more is forgotten."""
MOST = 80
"""Of those; of more, those that were written longest ago are forgotten."""


def document_of(name: str) -> str:
    """What the document of the shift of that name is called."""
    return f"{KIND}:{name}"


def progress(kept: Document | None) -> Progress | None:
    """How far it has come; None: nobody knows. What is malformed is nothing that is known."""
    if kept is None:
        return None
    try:
        return Progress.of_plain(kept)
    except ValueError:
        return None


def written(to: Progress, now: float) -> Document:
    """The document of a shift that has come so far, written `now`."""
    return {**to.plain(), "at": now}


def at(kept: Document) -> float:
    """When it was written, in Unix seconds; 0: nobody knows."""
    at = kept.get("at")
    return float(at) if isinstance(at, float | int) and abs(at) < 1e12 else 0.0


def forgotten(others: Mapping[str, Document], now: float) -> list[str]:
    """Of the documents of shifts that are in no file, those that are kept no longer."""
    fresh = [name for name, kept in others.items() if now - at(kept) < FORGOTTEN]
    stays = set(sorted(fresh, key=lambda name: at(others[name]))[-MOST:])
    return [name for name in others if name not in stays]


def stands(progress: Progress) -> tuple[object, ...]:
    """What of it makes a difference to traffic, or to people: the rest only counts."""
    state = State.RUNNING if progress.state is State.HOLDING else progress.state
    return state, progress.share, progress.tries
