"""How much a model is to think, in the words of its generation.

Models of the third generation are given a level, those of 2.5 a budget in tokens, and older ones do
not think at all: to these nothing may be said about it. Which a model is only its name tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from router.dialects.common.prompt import EFFORTS

Version = tuple[int, int]
BUDGETS: Version = (2, 5)
LEVELS: Version = (3, 0)
ASKED_BY = ("reasoning_effort", "thinking_budget", "show_thinking")
"""The settings that say something of it."""


class Room(NamedTuple):
    """Tokens that a model's budget may have, and whether it may be told not to think."""

    least: int
    most: int
    off: bool


PRO = Room(128, 32_768, off=False)
LITE = Room(512, 24_576, off=True)
FLASH = Room(1, 24_576, off=True)
LOW, MEDIUM = 2048, 8192
"""Budgets up to which a level is called so."""
AS_IT_LIKES = -1

_NAMED = re.compile(r"\bgemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)")
_ALIAS = re.compile(r"\bgemini-(?:[a-z]+-)+latest\b")


def version_of(model: str) -> Version:
    """The generation that a model's name tells: (0, 0) for what is no Gemini. An alias without a
    number stands for the newest.
    """
    named = _NAMED.search(model)
    if named is not None:
        return int(named[1]), int(named[2] or 0)
    return LEVELS if _ALIAS.search(model) else (0, 0)


def thinking(settings: Mapping[str, Any], model: str) -> tuple[dict[str, Any], list[str]]:
    """`thinkingConfig`, and which settings it leaves out."""
    asked = [name for name in ASKED_BY if name in settings]
    version = version_of(model)
    if not asked:
        return {}, []
    if version < BUDGETS:
        unthinking = [settings[name] in ("none", 0, False) for name in asked]
        return {}, [name for name, kept in zip(asked, unthinking, strict=True) if not kept]
    said: dict[str, Any] = {}
    if "show_thinking" in settings:
        said["includeThoughts"] = bool(settings["show_thinking"])
    effort = settings.get("reasoning_effort")
    tokens = settings.get("thinking_budget", EFFORTS.get(effort) if effort else None)
    if tokens is None:
        return said, ["reasoning_effort"] if effort else []
    if version < LEVELS:
        return {**said, "thinkingBudget": budget(tokens, model)}, []
    if tokens != AS_IT_LIKES:
        said["thinkingLevel"] = level(tokens, model, version)
    return said, []


def budget(tokens: int, model: str) -> int:
    """Tokens as the model takes them: within its room; off, if it can be."""
    room = PRO if "pro" in model else LITE if "lite" in model else FLASH
    if tokens < 0:
        return AS_IT_LIKES
    if tokens == 0 and room.off:
        return 0
    return min(max(tokens, room.least), room.most)


def level(tokens: int, model: str, version: Version) -> str:
    """The level of so many tokens. Larger models have no lowest one, and the first of them none in
    the middle.
    """
    large = "pro" in model
    if tokens < LOW and not large:
        return "MINIMAL"
    if tokens <= LOW:
        return "LOW"
    if tokens <= MEDIUM and not (large and version == LEVELS):
        return "MEDIUM"
    return "HIGH"
