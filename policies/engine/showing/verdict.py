"""Where a request would go, in a sentence; and why not to a tier that it does not use.

Words alone, like `words.py`, but of all targets together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from policies.engine.refusal import FOR_GOOD, NEVER, Refusal
from policies.engine.showing.amounts import duration, share

if TYPE_CHECKING:
    from policies.engine.showing.views import View

NAMED = 3
"""Targets that a sentence bears."""
RARE = 0.005
"""What rounds to nothing decides nothing."""


def of_verdict(views: Sequence[View], odds: Mapping[str, float], now: float) -> str:
    """Who gets such a request, by the odds of those who can serve it."""
    if all(view.refused is not None for view in views):
        return _nobody(views, now)
    likely = sorted((name for name in odds if odds[name] >= RARE), key=lambda name: -odds[name])
    if not likely:
        return "its policy fails to choose, so it goes to anyone of the first tier that can serve"
    if len(likely) == 1:
        return f"goes to {likely[0]}"
    each = [f"{name} ({share(odds[name])})" for name in likely[:NAMED]]
    more = len(likely) - NAMED
    others = [] if more <= 0 else [f"{more} others" if more > 1 else "another"]
    *but_last, last = each + others
    return f"goes to {', '.join(but_last)} or {last}"


def _nobody(views: Sequence[View], now: float) -> str:
    ends = [
        (view.refused.until, view.target)
        for view in views
        if view.refused is not None and now < view.refused.until < NEVER
    ]
    if not ends:
        return "nobody can serve it" if all(map(_is_for_good, views)) else "nobody can serve it now"
    until, target = min(ends)
    return f"nobody can serve it now; {target} may in {duration(until - now)}"


def _is_for_good(view: View) -> bool:
    return view.refused is not None and view.refused.refusal in FOR_GOOD


def of_place(view: View, used: Sequence[int]) -> str:
    """Why a target is in no tier that the request uses; empty where it is in one of them, `used`
    being those.
    """
    if view.refused is None or view.refused.refusal is not Refusal.TIER or not used:
        return ""
    if view.tier < min(used):
        return f"such a request starts in tier {min(used) + 1}"
    return f"such a request is kept in tier {max(used) + 1}, by the route's climb or patience"
