"""From a count to a count, as the file writes it."""

from __future__ import annotations

from router.config.units import Unreadable, count, show_count
from router.config.values import Extent


def extent(value: object) -> Extent:
    """Either end may be left out."""
    remedy = "write it as 20..2k, 20.. or ..2k"
    low, dots, high = value.partition("..") if isinstance(value, str) else ("", "", "")
    if not dots or not (low.strip() or high.strip()):
        raise Unreadable("is not from a count to a count", remedy)
    least = count(low) if low.strip() else 0
    most = count(high) if high.strip() else None
    if most is not None and most < least:
        raise Unreadable("ends before it begins", remedy)
    return Extent(least, most)


def show_extent(extent: Extent) -> str:
    """As the file writes it."""
    least = show_count(extent.least) if extent.least else ""
    return f"{least}..{'' if extent.most is None else show_count(extent.most)}"
