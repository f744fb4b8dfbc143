"""Which limit keeps a request from a target: of its own, of all that share one with it, or of what
its provider says is left.

Must not: refuse anything; who does is asked in the same order.
"""

from __future__ import annotations

from typing import NamedTuple

from policies.engine.limits.headroom import Measured
from policies.engine.limits.needs import needs
from policies.engine.limits.quota import Quota
from policies.engine.limits.stand import Counted, stands
from policies.engine.standing import Member, Standing
from policies.policy import Request


class Full(NamedTuple):
    """Places that are taken: how many, out of how many, and the group that they bind together (if
    any: else the target alone). `learned`: nobody wrote so few, it was overloaded with more.
    """

    open: int
    places: int
    group: str = ""
    learned: bool = False


class Bound(NamedTuple):
    """The limit that has room for a request last: `left` of `amount` in any `seconds`, of which the
    request needs so many. `group` are those whom it binds together, if it does.
    """

    counts: Counted
    amount: int
    seconds: float
    left: int
    needs: int
    group: str = ""


def full(standing: Standing, now: float) -> Full | None:
    """The places of a target that are taken; None: some are free."""
    pressure = standing.pressure
    if pressure.limit is not None and pressure.full(standing.in_flight, now):
        return Full(standing.in_flight, pressure.limit, learned=True)
    for quota, group in _quotas(standing):
        if quota.in_flight >= quota.ceiling:
            return Full(quota.in_flight, int(quota.ceiling), group)
    return None


def bound(member: Member, request: Request, now: float) -> Bound | Measured | None:
    """The limit for which a request that is `LIMITED` waits; None: there is none."""
    need = needs(member, request)
    units = dict(zip(("tokens", "input_tokens", "output_tokens"), need, strict=True))
    for quota, group in _quotas(member.standing):
        if quota.refused(need, now) is None:
            continue
        waits = [stand for stand in stands(quota, need, now) if stand.wait]
        last = max(waits, key=lambda stand: stand.wait or 0.0, default=None)
        longest = 0.0 if last is None or last.wait is None else last.wait
        said = None if quota.said is None else quota.said.longest(need, now)
        if said is not None and said[0] > longest:
            return said[1]
        if last is None:
            return None
        needed = units.get(last.counts, 1)
        return Bound(last.counts, last.amount, last.seconds, last.left, needed, group)
    return None


def _quotas(standing: Standing) -> tuple[tuple[Quota, str], ...]:
    """In the order in which they refuse."""
    return (standing.quota, ""), *((group.quota, group.name) for group in standing.groups)
