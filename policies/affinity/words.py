"""What is said to people of prompt caches and money."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

DOLLAR = 1_000_000_000
"""Nano-dollars."""

BELIEVED = 0.9
"""The trust from which on nobody wonders why less is expected than was sent."""


def of_warmth(warm: float, tokens: int | None, trust: float) -> str:
    """How many tokens of a prompt are expected to be read from a cache; nothing where nobody looked
    (None). `trust` is the part of what should have been that was reported of late.
    """
    if tokens is None:
        return ""
    told = f"{round(warm):,} of {tokens:,} tokens" if warm else "nothing of it is"
    if trust >= BELIEVED:
        return f"{told} warm here"
    return f"{told} warm here, where {trust:.0%} of what should have been was reported as cached"


def of_money(money: Sequence[float | None]) -> list[str]:
    """What a request costs on each of several targets."""
    known = [one for one in money if one is not None]
    if not known:
        return ["no price is known"] * len(money)
    least = min(known)
    return [_of_price(one, least) for one in money]


def _of_price(price: float | None, least: float) -> str:
    if price is None:
        return "its price is unknown, and counts as the dearest"
    told = f"about ${_plain(price / DOLLAR)}"
    if price > least > 0:
        ratio = price / least
        told += f", {ratio:.{0 if ratio >= 10 else 1}f} times the cheapest"
    return told


def _plain(dollars: float) -> str:
    """At least two digits that mean something: 3.50, 0.012, 0.000041."""
    digits = 2 if dollars >= 0.1 or not dollars else 1 - floor(log10(dollars))
    return f"{dollars:.{digits}f}"
