"""From the file's ladders to those that requests go down: only what can serve is on them."""

from __future__ import annotations

from router.building.build import serving
from router.building.canaries import canary
from router.config import Config, ladder
from router.ladder import Ladder, Rung


def ladders_of(config: Config) -> dict[str, Ladder]:
    """What each model that can serve falls back on, where there is anything."""
    targets = {
        route.name: frozenset(
            target.name
            for tier in (*config.live(route), canary(config, route))
            for target in tier
            if target.weight > 0
        )
        for route in serving(config)
    }
    found = {}
    for name in targets:
        rungs = ladder(name, config.models)
        models = [Rung(rung.model, targets[rung.model]) for rung in rungs if rung.model in targets]
        text = next((rung.text for rung in rungs if rung.text is not None), None)
        if models or text is not None:
            found[name] = Ladder(tuple(models), text)
    return found
