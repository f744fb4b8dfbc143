"""Numbers as people read them: times, shares, counts."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A length of time, as precise as people need it: 7.5 ms, 0.4 s, 17 s, 1.5 min, 2 h, 3 days."""
    if seconds < 0.1:
        return f"{short(seconds * 1000)} ms" if seconds > 0 else "0 s"
    if round(seconds) < 90:
        return f"{short(seconds)} s"
    if round(seconds / 60) < 90:
        return f"{short(seconds / 60)} min"
    if round(seconds / 3600) < 48:
        return f"{short(seconds / 3600)} h"
    return f"{short(seconds / 86_400)} days"


def share(part: float) -> str:
    """A part of one, as a percentage; what is there is never rounded to nothing."""
    percent = part * 100
    return f"{percent:.0f} %" if percent >= 1 or not percent else f"{max(0.1, percent):.1f} %"


def count(number: int, what: str) -> str:
    """So many of something."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def ago(seconds: float) -> str:
    """How long something is past."""
    return f"{duration(seconds)} ago" if seconds >= 0.5 else "just now"


def short(number: float) -> str:
    """Two digits that mean something, and no zeros after a point."""
    return f"{number:.1f}".removesuffix(".0") if round(number, 1) < 10 else f"{number:.0f}"
