"""What is compared of two answers, and what a judge is given. It is looked at while its pair is
judged, and then dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: its `text`, the tools that it calls, by name with their arguments as the model
    wrote them, and why it `stopped` (`stop`, `length`, `tool_calls`, `content_filter`; empty where
    nobody said). `refused`: the model said that it will not.
    """

    text: str
    calls: tuple[tuple[str, str], ...] = ()
    stopped: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge is given: the `model` that was asked for, the request's body, decoded, and what
    production (`control`) and the `shadow` answered to it.
    """

    model: str
    request: Mapping[str, Any]
    control: Said
    shadow: Said


Judge = Callable[[Judged], float | Awaitable[float]]
"""From -1, the control's answer is better, to 1, the shadow's is; 0: they are as good. One that is
not a coroutine runs in a thread.
"""
