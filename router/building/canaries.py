"""From the file's shifts to both arms of each: the engine's routes, and what requests read of them.

Only translation, as in `build`: how far a shift has come says the configuration in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from policies import Priority, Route, Target
from policies.engine.route import ANY_CLIMB
from policies.shifting import revision
from router.arms import Arms, canary_of
from router.config import Config, WeightedTarget
from router.config import Route as ConfigRoute


def canaries_of(config: Config, routes: Mapping[str, Route]) -> dict[str, Route]:
    """A route for the canary of each of `routes` that has one, by the same policy. Whom it fails,
    the other targets of its model are asked for, so that no client pays for a trial.
    """
    found = {}
    for name, control in routes.items():
        if to := canary(config, config.models[name]):
            tried = {target.name for target in to}
            rescue = [target for target in control.targets if target.name not in tried]
            found[canary_of(name)] = replace(
                control,
                targets=[
                    # Its steps are the ramp: what another one sent elsewhere would be its failures.
                    *(Target(target.name, target.weight, ramps=False) for target in to),
                    *(Target(target.name, target.weight, 1) for target in rescue),
                ],
                policy=Priority(control.policy),
                climb=ANY_CLIMB,
                patience=0.0,
            )
    return found


def canary(config: Config, route: ConfigRoute) -> list[WeightedTarget]:
    """To which of the targets that are switched on a route's traffic moves; none: it does not."""
    to = route.shift.to if route.shift is not None else ()
    live = [target for target in to if config.target(target.name)[0].enabled]
    return live if any(target.weight for target in live) else []


def shifts_of(config: Config, routes: Mapping[str, Route]) -> dict[str, Arms]:
    """Both arms of every model whose traffic moves, by the engine's `routes`."""
    return {
        route.name: Arms(
            canary_of(route.name),
            frozenset(target.name for tier in route.tiers for target in tier),
            frozenset(target.name for target in shift.to),
            shift.share,
            shift.by,
            revision({}, {target.name: target.weight for target in shift.to}),
        )
        for route in config.models.values()
        if (shift := route.shift) is not None and canary_of(route.name) in routes
    }
