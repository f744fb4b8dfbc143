"""How likely each target is to be chosen: by the policy's own odds, else counted.

A target that comes back, or is new, is offered only as often as its ramp says, so the odds are
those of every set that may be offered, weighed by how likely it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import product
from random import Random

from policies.engine.deciding.probing import back
from policies.engine.learning.breaker import HEALTHY
from policies.engine.standing import Member
from policies.policy import Policy, Request
from policies.starting.leash import Overran

Failed = Callable[[object, Exception], None]
DRAWS = 200
"""Choices that odds are counted over."""
MOST_COMING = 4
"""Targets that come back at once: 16 sets, of which each asks the policy."""


def told_odds(
    policy: Policy, request: Request, able: Sequence[Member], now: float
) -> dict[str, float] | None:
    """Each candidate's odds as the policy itself tells them; None where it tells none, or too many
    come back at once. Raises what the policy raises.
    """
    tell = getattr(policy, "odds", None)
    if tell is None or not able:
        return None
    if len(able) == 1:
        return {able[0].name: 1.0}  # also where it is drained, and was asked for by name
    if all(member.standing.breaker.state is HEALTHY for member in able):
        return {m.name: p for m, p in zip(able, tell(request, able, now), strict=True)}
    sets = _offered(able, now)
    if sets is None:
        return None
    found = dict.fromkeys((member.name for member in able), 0.0)
    for likely, offered in sets:
        for member, part in zip(offered, tell(request, offered, now), strict=True):
            found[member.name] += likely * part
    return found


def _offered(able: Sequence[Member], now: float) -> Iterator[tuple[float, Sequence[Member]]] | None:
    """Every set of them that `back` may offer, with how likely it is."""
    ramps = [m.ramp(now) if m.standing.breaker.state is not HEALTHY else 1.0 for m in able]
    if sum(ramp < 1 for ramp in ramps) > MOST_COMING:
        return None
    return (
        (likely, [m for m, there in zip(able, drawn, strict=True) if there] or able)
        for drawn in product(*((True, False) if ramp < 1 else (True,) for ramp in ramps))
        if (likely := _likely(ramps, drawn)) > 0
    )


def _likely(ramps: Sequence[float], drawn: Sequence[bool]) -> float:
    likely = 1.0
    for ramp, there in zip(ramps, drawn, strict=True):
        likely *= ramp if there else 1 - ramp
    return likely


def all_odds(
    policy: Policy,
    request: Request,
    able: Sequence[Member],
    memory: object,
    now: float,
    failed: Failed,
) -> dict[str, float]:
    """The same, counted on a copy of the memory where the policy tells none; empty if it raises.
    Where this has switched it off, `failed` hears of it: nobody else would.
    """
    if not able:
        return {}
    try:
        told = told_odds(policy, request, able, now)
        return _counted(policy, request, able, memory, now) if told is None else told
    except Overran as error:
        failed(policy, error)
        return all_odds(policy, request, able, memory, now, failed)  # of who chooses meanwhile
    except Exception:  # noqa: BLE001 - a door: explaining a broken policy must show the rest
        return {}


def recorded_odds(
    policy: Policy, request: Request, able: Sequence[Member], now: float
) -> dict[str, float] | None:
    """What `told_odds` says; None if the policy raises."""
    try:
        return told_odds(policy, request, able, now)
    except Exception:  # noqa: BLE001 - a door: it chose, so the request goes on
        return None


def _counted(
    policy: Policy, request: Request, able: Sequence[Member], memory: object, now: float
) -> dict[str, float]:
    rng = Random(0)
    counts = {member.name: 0 for member in able}
    memory = deepcopy(memory)
    for _ in range(DRAWS):
        offered = back(able, now, rng)
        counts[policy.choose(request, offered, memory, now, rng).name] += 1
    return {name: count / DRAWS for name, count in counts.items()}
