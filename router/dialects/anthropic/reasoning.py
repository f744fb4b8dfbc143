"""How much a model is asked to think: an effort or a budget, in the way that its generation takes.

The other generations' way is put in its terms; what cannot be said is left out and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from router.dialects.anthropic.models import ALL, Kind
from router.dialects.common.prompt import EFFORTS, Effort

LEAST_BUDGET = 1024
"""Tokens of thinking that may be asked for at least."""
USUAL: Effort = "medium"


class Reasoning(NamedTuple):
    """`thinking` of a body; the `effort` in it; the names of the settings that are `lost`."""

    thinking: dict[str, Any] | None = None
    effort: Effort | None = None
    lost: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """Whether the model was told to think."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def reasoning_of(
    settings: Mapping[str, Any], kind: Kind, most: int | None, *, hindered: bool
) -> Reasoning:
    """`most` tokens may the answer have, None: nobody says. `hindered`: the conversation is such
    that the model cannot be made to think by a budget.
    """
    effort: Effort | None = settings.get("reasoning_effort")
    budget: int | None = settings.get("thinking_budget")
    if effort is None and budget is None:
        return Reasoning(lost=("show_thinking",) if settings.get("show_thinking") else ())
    asked = "thinking_budget" if effort is None else "reasoning_effort"
    known = None if effort in (None, "none") else nearest(effort, kind.efforts)
    if effort == "none" or budget == 0:
        return _quiet(kind, known, asked)
    exact = budget if budget is not None and budget > 0 else None
    if kind.adaptive and (exact is None or not kind.budget or hindered):
        lost = ("thinking_budget",) if exact is not None else ()
        if exact is not None and effort is None:
            known = nearest(effort_of(exact), kind.efforts)
        return Reasoning(_shown({"type": "adaptive"}, settings), known, lost)
    if not kind.budget or hindered:
        return Reasoning(effort=known, lost=() if known and effort is not None else (asked,))
    bounds = [bound for bound in (most, kind.output) if bound is not None]
    tokens = _tokens(exact, effort, min(bounds, default=None))
    if tokens < LEAST_BUDGET:
        return Reasoning(effort=known, lost=(asked,))
    return Reasoning(_shown({"type": "enabled", "budget_tokens": tokens}, settings), known)


def nearest(effort: Effort | None, known: tuple[Effort, ...]) -> Effort | None:
    """The highest of the `known` that is not above `effort`, else the lowest of them."""
    if effort is None or not known:
        return None
    below = ALL[: ALL.index(effort) + 1] if effort in ALL else ()
    return max((one for one in known if one in below), key=ALL.index, default=known[0])


def effort_of(budget: int) -> Effort:
    """The highest effort that such a budget is enough for."""
    return max((one for one in ALL if EFFORTS[one] <= budget), key=ALL.index, default="low")


def _quiet(kind: Kind, effort: Effort | None, asked: str) -> Reasoning:
    if not (kind.adaptive or kind.budget):
        return Reasoning(effort=effort)
    if not kind.quiet:
        return Reasoning(effort=kind.efforts[0], lost=(asked,))
    # Some refuse not to think at the highest efforts.
    return Reasoning({"type": "disabled"}, effort and nearest("high", (effort, "high")))


def _tokens(exact: int | None, effort: Effort | None, most: int | None) -> int:
    """Thinking counts as a part of the answer: of one that is bounded, a quarter is left for what
    is to be said, unless the client wrote both numbers.
    """
    wanted = exact if exact is not None else EFFORTS.get(effort or USUAL, EFFORTS[USUAL])
    if most is None:
        return wanted
    return min(wanted, most - 1 if exact is not None else most * 3 // 4)


def _shown(thinking: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    if (show := settings.get("show_thinking")) is not None:
        thinking["display"] = "summarized" if show else "omitted"
    return thinking
