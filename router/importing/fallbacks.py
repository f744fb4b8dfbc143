"""What another model is asked for: on any failure, or where a request is too long.

Why: LiteLLM's fallbacks may lead in a circle, and ours must not; as tiers they may.
Must not: read a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.importing.draft import Route, Tier

Fallbacks = Mapping[str, list[str]]
TIERED = "priority"


def apply(routes: Mapping[str, Route], general: Fallbacks, longer: Fallbacks) -> None:
    """Give `routes` their fallbacks: `general` ones as `when_all_fail`, or as tiers where they lead
    back; those for what is too long (`longer`) as tiers.
    """
    own = {name: list(route.tiers) for name, route in routes.items()}
    for name, others in general.items():
        if name in reached(name, general):
            for other in reached(name, general):
                extend(routes[name], own[other])
            told = "falls back in a circle: the others' targets are its further tiers"
            routes[name].remark(0, f"in the old file it {told}")
        else:
            routes[name].falls_back = [other for other in others if other != name]
    for name, others in longer.items():
        route = routes[name]
        alone = len(route.tiers) == 1
        for other in others:
            extend(route, own[other])
        if len(route.tiers) > 1:
            _remark_length(route, alone=alone)


def _remark_length(route: Route, *, alone: bool) -> None:
    if alone:
        route.keys["climb"] = []
        route.remark(0, "what is too long for the first tier (its `context`) begins in the next")
    else:
        route.remark(0, "its last tiers were for what is too long alone; here all climb to them")


def extend(route: Route, tiers: Iterable[Tier]) -> None:
    """Add tiers, without targets that the route has already."""
    for tier in tiers:
        known = route.targets()
        new = {key: one for key, one in tier.items() if key not in known}
        if new:
            route.tiers.append(new)


def reached(name: str, fallbacks: Fallbacks) -> list[str]:
    """All models that a request for `name` may come to, in the order in which it does; `name` is
    among them where they lead back.
    """
    found: list[str] = []
    ahead = list(fallbacks.get(name, ()))
    while ahead:
        other = ahead.pop(0)
        if other not in found:
            found.append(other)
            ahead = [*fallbacks.get(other, ()), *ahead]
    return found


def form(route: Route, policy: str) -> None:
    """The route's policy, for as many targets and tiers as it has."""
    others, route.keys = route.keys, {}
    route.weighted = policy == "weighted_round_robin"
    several = any(len(tier) > 1 for tier in route.tiers)
    if len(route.tiers) > 1:
        route.keys["policy"] = TIERED
        if several and policy != "least_latency":
            route.keys["within"] = policy
    elif several:
        route.keys["policy"] = policy
    if not several and all(weight for tier in route.tiers for _, weight in tier.values()):
        route.weighted = False
    route.keys |= others
