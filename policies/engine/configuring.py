"""From a configuration to what an engine holds: what was learned is kept where it still holds.

It decides nothing about requests; courses under way finish on what they began with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from policies.engine.group import Group, Pause
from policies.engine.learning.estimates import Estimates, Length
from policies.engine.limits.quota import Quota
from policies.engine.pool import Pool
from policies.engine.route import NO_FACTS, Facts, Route
from policies.engine.standing import Member, Standing
from policies.engine.waiting.queue import Queue


class Holdings(NamedTuple):
    """Targets and the groups that bind them, and pools by route, all by name."""

    standings: dict[str, Standing]
    groups: dict[str, Group]
    pools: dict[str, Pool]

    def pause(self, name: str) -> Pause | None:
        """That of a target's own, or of a group; None: neither has this name."""
        if (standing := self.standings.get(name)) is not None:
            return standing.pauses[0]
        group = self.groups.get(name)
        return group.pause if group is not None else None

    def quotas(self) -> list[tuple[str, Quota]]:
        """Those with limits, each with the name of what it binds."""
        held: list[Standing | Group] = [*self.standings.values(), *self.groups.values()]
        return [(one.name, one.quota) for one in held if one.quota.limits]


def confine(holdings: Holdings, part: Callable[[str, int], int] | None, now: float) -> None:
    """See `Engine.confine`."""
    for name, quota in holdings.quotas():
        quota.confine(None if part is None else partial(part, name), now)


def configured(
    known: Holdings,
    routes: Mapping[str, Route],
    facts: Mapping[str, Facts],
    crowded: dict[Queue, None],
    now: float,
    *,
    ramp: bool,
) -> Holdings:
    """What the engine holds from now on, of what is `known` and what is new; new targets begin
    with a `ramp`, where the engine runs already. New queues tell `crowded` that somebody waits.
    """
    for pool in known.pools.values():
        pool.fits = -1  # courses that are under way there look closer: no doubt reaches them
    names = dict.fromkeys(target.name for route in routes.values() for target in route.targets)
    fates = {name: groups_of(name, facts) for name in names}
    named = dict.fromkeys(group for fate in fates.values() for group in fate)
    groups = {name: _group(known.groups.get(name), name, facts) for name in named}
    standings = {}
    for name, fate in fates.items():
        binding = tuple(groups[group] for group in fate)
        standings[name] = _standing(known.standings.get(name), name, facts, binding, now, ramp=ramp)
    for group in groups.values():
        group.standings = tuple(one for one in standings.values() if group in one.groups)
    pools = {
        name: _pool(known.pools.get(name), route, standings, crowded, now)
        for name, route in routes.items()
    }
    return Holdings(standings, groups, pools)


def groups_of(name: str, facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """The groups that a target shares a fate with, its provider first."""
    return facts.get(name, NO_FACTS).groups or (name.partition("/")[0],)


def _group(known: Group | None, name: str, facts: Mapping[str, Facts]) -> Group:
    its = facts.get(name, NO_FACTS)
    if known is None or known.facts.identity != its.identity:
        return Group(name, its)
    known.refit(its)
    return known


def _standing(
    known: Standing | None,
    name: str,
    facts: Mapping[str, Facts],
    groups: tuple[Group, ...],
    now: float,
    *,
    ramp: bool,
) -> Standing:
    its = facts.get(name, NO_FACTS)
    if known is None or known.facts.identity != its.identity:
        return Standing(name, its, groups, now, ramp=ramp)
    if known.facts.tokenizer != its.tokenizer:
        known.estimates = Estimates()  # what was learned corrects another count
    known.refit(its, groups)
    return known


def _pool(
    known: Pool | None,
    route: Route,
    standings: Mapping[str, Standing],
    crowded: dict[Queue, None],
    now: float,
) -> Pool:
    length = known.length if known is not None else Length()
    members = tuple(Member(target, standings[target.name], length) for target in route.targets)
    queue = known.queue if known is not None else Queue(crowded, length)
    pool = Pool(route, members, length, queue, now)
    if known is not None and known.route.policy == route.policy:
        pool.own = known.own
    if known is not None and known.route.retry == route.retry:
        pool.budget = known.budget
    if known is not None and known.purse is not None and pool.purse is not None:
        pool.purse = known.purse
    return pool
