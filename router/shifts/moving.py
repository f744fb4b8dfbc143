"""Shifts as the file says them, and what they make of it: their names, and the file as it is now.

Pure. Must not: keep how far one has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from policies.shifting import Guards, Progress, State, Terms, revision, share
from router.config import Config, Route
from router.config.shift import MARK, Shift
from router.config.values import WeightedTarget


class Moving(NamedTuple):
    """The traffic of `model` moves from its `targets` to other weighted ones, by these `terms`;
    `route` is the engine's name of the route to them.
    """

    model: str
    route: str
    targets: Mapping[str, float]
    to: Mapping[str, float]
    terms: Terms

    @property
    def revision(self) -> str:
        """The hash of both: a shift between other targets is another one."""
        return revision(self.targets, self.to)

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.model}:{self.revision}"

    @property
    def line(self) -> str:
        """What to write into the file once it is done, instead of `targets` and `shift`."""
        weights = ", ".join(f"{target}: {weight:g}" for target, weight in self.to.items())
        return f"targets: {{{weights}}}"


def moving_of(config: Config) -> list[Moving]:
    """The shifts of a file between targets that are there."""
    return [one for one in _written(config) if any(config.live(config.models[one.model]))]


def may_go_on(config: Config, moving: Moving, held: float) -> bool:
    """Whether what operators have said, as it is in the `config` in force, leaves the canary the
    share that it `held`, and somebody to serve it.
    """
    route = config.models.get(moving.model)
    if route is None or route.shift is None:
        return False
    return route.shift.share == held and _serves(config, route.shift.to)


def hindrance(config: Config, route: Route) -> str:
    """Why nothing moves on a route of the `config` in force, by whatever its `to` is and operators
    have said of it; empty: it may move.
    """
    if route.shift is None:
        return ""
    if not _serves(config, route.shift.to):
        return "; ".join(_why(config, one) for one in route.shift.to)
    pinned = [one for one in route.tiers[0] if one.weight > 0 and one.said]
    return "; ".join(f"{one.name} is {one.said}" for one in pinned)


def _why(config: Config, one: WeightedTarget) -> str:
    """Why a target does not serve."""
    provider, _ = config.target(one.name)
    if one.said or provider.enabled:
        return f"{one.name} is {one.said}" if one.said else f"the weight of {one.name} is 0"
    return f"{one.name} is off: {provider.off_because}"


def _written(config: Config) -> list[Moving]:
    """Those whose `to` can serve."""
    return [
        Moving(
            route.name,
            f"{route.name}{MARK}",
            _weights(route.tiers[0]),
            _weights(route.shift.to),
            _terms(route.shift),
        )
        for route in config.models.values()
        if route.shift is not None and _serves(config, route.shift.to)
    ]


def _serves(config: Config, targets: Iterable[WeightedTarget]) -> bool:
    return any(one.weight > 0 and config.target(one.name)[0].enabled for one in targets)


def moved(config: Config, progress: Callable[[Moving], Progress | None]) -> Config:
    """`config` as it is now that its shifts have come so far: a route whose shift is done has the
    targets that it came to.
    """
    found = _written(config)
    if not found:
        return config
    models = dict(config.models)
    for one in found:
        route, its = models[one.model], progress(one)
        if route.shift is None or its is None:
            continue
        if its.state is State.DONE:
            # Also where the old targets are gone by now.
            models[one.model] = replace(route, tiers=(route.shift.to,), shift=None)
        else:
            shift = replace(route.shift, share=share(its))
            models[one.model] = replace(route, shift=shift)
    return replace(config, models=MappingProxyType(models))


def _weights(targets: Iterable[WeightedTarget]) -> dict[str, float]:
    return {target.name: target.weight for target in targets}


def _terms(shift: Shift) -> Terms:
    guard = shift.guard
    return Terms(
        shift.steps,
        shift.interval,
        shift.min_requests,
        Guards(guard.errors, guard.first_token_p95, guard.cost),
        shift.cool_down,
    )
