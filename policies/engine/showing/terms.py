"""What a policy says of the terms that are its own in the cost of each candidate."""

from __future__ import annotations

from collections.abc import Sequence

from policies.engine.standing import Member
from policies.policy import Policy, Request


def of_terms(
    policy: Policy, request: Request, able: Sequence[Member], memory: object, now: float
) -> dict[str, str]:
    """By the names of those who can serve; empty where it says nothing, or raises."""
    tell = getattr(policy, "terms", None)
    if tell is None or not able:
        return {}
    try:
        told = tell(request, able, memory, now)
        return {one.name: str(words) for one, words in zip(able, told, strict=True)}
    except Exception:  # noqa: BLE001 - a door: explaining a broken policy must show the rest
        return {}
