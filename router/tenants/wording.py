"""What a tenant's callers are told of its limits: the headers of an answer, and why one is refused.

Two vocabularies side by side: the fields of the IETF's draft (draft-ietf-httpapi-ratelimit-headers,
version 10), which name every limit, and those that OpenAI's clients read, which know one of
requests and one of tokens: the one of which least is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Literal, NamedTuple

from policies import Limits, Rate
from policies.engine.limits.stand import Counted, Stand

Kind = Literal["tenant", "user", "model", "endpoint"]
"""What is counted together."""

NAMES = frozenset(
    (
        "ratelimit-policy", "ratelimit",
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
    )
)  # fmt: skip
"""The headers. They are of their time: an answer that is given again does not have them."""
PERIODS = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}
WHOSE: dict[Kind, str] = {
    "tenant": "the tenant {tenant!r} may have",
    "user": "one user of the tenant {tenant!r} may have",
    "model": "the tenant {tenant!r} may have of this model",
    "endpoint": "the tenant {tenant!r} may have at this endpoint",
}
SOON = 1.0
"""Seconds after which to come back for a place, which nobody knows better."""


class Standing(NamedTuple):
    """How one limit of something of this kind stands; `item` is how its item in a header begins."""

    kind: Kind
    item: str
    level: Stand


def named(kind: Kind, limits: Limits) -> tuple[str, tuple[str, ...]]:
    """What clients are told of these limits, and how the items of each begin that say how it
    stands: requests, tokens, input and output in their order, then places.
    """
    names, policies = [], []
    kinds: tuple[tuple[Counted, Sequence[Rate]], ...] = (
        ("requests", limits.requests),
        ("tokens", limits.tokens),
        ("input_tokens", limits.input),
        ("output_tokens", limits.output),
    )
    for counts, rates in kinds:
        what = counts.replace("_", "-")
        unit = "" if counts == "requests" else f';qu="{what}"'
        for rate in rates:
            names.append(f"{kind}-{what}-per-{_period(rate.seconds).replace(' ', '-')}")
            policies.append(f'"{names[-1]}";q={rate.amount}{unit};w={rate.seconds:.0f}')
    if limits.concurrent is not None:
        names.append(f"{kind}-concurrent")
        policies.append(f'"{names[-1]}";q={limits.concurrent};qu="concurrent-requests"')
    return ", ".join(policies), tuple([f'"{name}";r=' for name in names])


def headers_of(policy: str, standings: Sequence[Standing]) -> dict[str, str]:
    """The headers that say how these stand, of what `policy` says; none without limits."""
    if not standings:
        return {}
    items, least = [], dict[str, Stand]()
    for _, item, level in standings:
        counts, left = level.counts, level.left
        until = level.wait or level.more
        left = left if left > 0 else 0
        items.append(f"{item}{left};t={ceil(until)}" if until else f"{item}{left}")
        if counts not in least or level.left < least[counts].left:
            least[counts] = level
    told = {"ratelimit-policy": policy, "ratelimit": ", ".join(items)}
    for counts in ("requests", "tokens"):
        if (one := least.get(counts)) is not None:
            told[f"x-ratelimit-limit-{counts}"] = str(one.amount)
            told[f"x-ratelimit-remaining-{counts}"] = str(one.left if one.left > 0 else 0)
            told[f"x-ratelimit-reset-{counts}"] = duration(one.back)
    return told


def hindrance(standings: Iterable[Standing]) -> tuple[Standing, float] | None:
    """Of those without room the one that will have none for longest, and the seconds until all of
    them have; None: all have.
    """
    waits = [(one, SOON if one.level.wait is None else one.level.wait) for one in standings]
    standing, wait = max(waits, key=lambda one: one[1])
    return (standing, wait) if wait > 0 else None


def refusal(standing: Standing, tenant: str, tokens: int, wait: float) -> str:
    """Why a request of so many tokens is not let through, and when one is."""
    level = standing.level
    whose = WHOSE[standing.kind].format(tenant=tenant)
    if level.counts == "concurrent":
        return f"{whose} {level.amount:,} requests under way at once, and has them"
    what = level.counts.replace("_", " ")
    most = f"{whose} {level.amount:,} {what} in any {_period(level.seconds)}"
    left = f"{max(0, level.left):,} are left"
    if level.counts == "tokens":
        left += f" and this request needs about {tokens:,}"
    return f"{most}; {left}; there is room in {max(1, ceil(wait))} s"


def duration(seconds: float) -> str:
    """As Go writes it, which is what OpenAI's headers do: `6m0s`, `1.5s`, `20ms`."""
    milliseconds = ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    before = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{before}{rest / 1000:g}s"


def _period(seconds: float) -> str:
    return PERIODS.get(int(seconds)) or f"{seconds:g} seconds"
