"""What is said to people of prompt caches and money."""

from __future__ import annotations

from collections.abc import Sequence

DOLLAR = 1_000_000_000
"""Nano-dollars."""


def of_warmth(warm: float, tokens: int | None) -> str:
    """How many tokens of a prompt are expected to be read from a cache; nothing where nobody looked
    (None).
    """
    if tokens is None:
        return ""
    if not warm:
        return "nothing of it is warm here"
    return f"{round(warm):,} of {tokens:,} tokens warm here"


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
    dollars = price / DOLLAR
    told = f"about ${dollars:.2g}" if dollars < 0.01 else f"about ${dollars:.2f}"
    if price > least > 0:
        told += f", {price / least:.1f} times the cheapest"
    return told
