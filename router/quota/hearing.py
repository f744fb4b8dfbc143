"""Telling the engine what the head of an answer says is left of its provider's limits.

While plenty is left an answer now and then is enough; a refusal, and the answers of a provider of
which little is left, are always read. It decides nothing.
"""

from __future__ import annotations

from time import time
from typing import Final

from policies import Attempt, Measured
from router.quota.headers import READ, measured
from router.upstream.fields import every
from router.upstream.transport import Head

REFUSED: Final = 300


def hear(attempt: Attempt, head: Head, now: float) -> str:
    """Tell what `head` says; in words what an operator should know of it, mostly nothing."""
    said = attempt.standing.quota.said
    if said is not None and now < said.due and head.status < REFUSED:
        return ""
    headers = every(head.limits) if head.limits else head.headers
    if READ.isdisjoint(headers):
        return ""
    told = measured(headers, time())
    if told is None:
        return ""
    return "; ".join(warning(one) for one in attempt.observe(told, now))


def warning(level: Measured) -> str:
    """That a provider's limit is another than the file's."""
    told = f"its provider limits {level.name} to {level.limit:,} in {level.span:g} s"
    return f"{told}, the file to {level.written:,}: the lower one holds"
