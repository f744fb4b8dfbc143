"""Percentages, points and ratios, as people write them, both ways.

Why: `+1%` on top of a share and `1.5x` of a value say what they are where they stand.
Must not: repeat a value in an error, as in `units`.
"""

from __future__ import annotations

import re
from decimal import Decimal

from router.config.units import Unreadable, weight

_NUMBER = r"((?:\d_?){0,17}\d(?:\.\d{1,20})?)"
_POINTS = re.compile(rf"\+\s*{_NUMBER}\s*%", re.ASCII)
_RATIO = re.compile(rf"{_NUMBER}\s*x", re.ASCII)


def percent(value: object) -> float:
    """A share above 0, from a number up to 100."""
    remedy = "write a quarter as 25"
    try:
        number = weight(value)
    except Unreadable:
        raise Unreadable("is not a percentage", remedy) from None
    if not 0 < number <= 100:
        raise Unreadable("is not a percentage above 0", remedy)
    return number / 100


def points(value: object) -> float:
    """What may come on top of a share, from percentage points."""
    remedy = "write a point more as +1%, in quotes or not"
    match = _POINTS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Unreadable("is not a number of points", remedy)
    number = Decimal(match[1].replace("_", "")) / 100
    if not 0 < number < 1:
        raise Unreadable("must be above +0% and below +100%", remedy)
    return float(number)


def ratio(value: object) -> float:
    """How many times as much, above 1."""
    remedy = "write half as much again as 1.5x"
    match = _RATIO.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Unreadable("is not a ratio", remedy)
    number = Decimal(match[1].replace("_", ""))
    if number <= 1:
        raise Unreadable("must be above 1x", remedy)
    return float(number)


def show_percent(share: float) -> str:
    """A share as the file writes it, of 100."""
    return f"{share * 100:.10g}"


def show_points(share: float) -> str:
    """Points as the file writes them."""
    return f"+{show_percent(share)}%"


def show_ratio(ratio: float) -> str:
    """A ratio as the file writes it."""
    return f"{ratio:.10g}x"
