"""What a policy says of itself: whom it chooses, and what only it weighs."""

from __future__ import annotations

from collections.abc import Sequence

from policies.engine.standing import Member
from policies.policy import Policy, Request


def of_rule(policy: Policy) -> str:
    """Whom a policy chooses, in its own words; empty where it has none."""
    try:
        return str(getattr(policy, "rule", ""))
    except Exception:  # noqa: BLE001 - a door: explaining a broken policy must show the rest
        return ""


def of_start(policy: Policy, request: Request, reach: Sequence[Member]) -> tuple[str, ...]:
    """Why `request` begins in its tier, in the policy's own words; nothing where it has none. It is
    within `reach`: where nobody may serve it from its tier on, it begins before.
    """
    why = getattr(policy, "why", None)
    if why is None or request.only is not None:
        return ()
    try:
        told = tuple(map(str, why(request)))
        start: int = getattr(policy, "start", _nowhere)(request)
    except Exception as error:  # noqa: BLE001 - a door: explaining a broken policy must show the rest
        return (f"the policy fails to say where it starts: {error!r}",)
    first = min([member.tier for member in reach], default=start)
    if first < start:
        told += (f"from there on nobody may serve it: it starts in tier {first + 1}",)
    return told


def _nowhere(_: Request) -> int:
    return 0


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
