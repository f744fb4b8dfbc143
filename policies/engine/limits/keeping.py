"""Which kind of window keeps a limit, and goes on keeping it when the limit changes."""

from __future__ import annotations

from collections.abc import Sequence

from policies.engine.limits.resets import Calendar
from policies.engine.limits.windows import INPUT, OUTPUT, TOKENS, Slices, Window
from policies.engine.route import Limits, Rate

Windows = Window | Slices | Calendar


def kinds_of(limits: Limits) -> tuple[tuple[Sequence[Rate], int], ...]:
    """The limits on tokens, with what they count of a note."""
    return (limits.tokens, TOKENS), (limits.input, INPUT), (limits.output, OUTPUT)


def window_of(rate: Rate) -> Windows:
    """What keeps a limit that is new."""
    if rate.resets is not None:
        return Calendar(rate.amount, rate.seconds, rate.resets)
    if rate.slice is None:
        return Window(rate.amount, rate.seconds)
    return Slices(rate.amount, rate.seconds, rate.slice)


def refitted(
    known: Sequence[tuple[Rate, Windows, int]], rate: Rate, kind: int, now: int
) -> Windows:
    """What keeps a limit that counts what `kind` says: the one of those `known` that did, of as
    long a time, or a new one.
    """
    for before, window, of in known:
        same = before.seconds == rate.seconds and before.slice == rate.slice
        if same and of == kind and (before.resets is None) == (rate.resets is None):
            window.resize(rate.amount, now)
            if isinstance(window, Calendar) and rate.resets is not None:
                window.aim(rate.resets)
            return window
    return window_of(rate)
