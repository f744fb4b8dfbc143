"""From a configuration to what a share of requests is asked of as well. Only translation."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from router.building.build import fates_of, price_of, shadowed
from router.building.choosing import judge_of
from router.config import Config, Route, Shadow
from router.shadow.terms import Terms


def shadows_of(config: Config) -> dict[str, Terms]:
    """What a share of requests is asked of as well, by model. Raises `BuildFault`."""
    return {
        name: _terms(config, config.models[name], its) for name, its in shadowed(config).items()
    }


def _terms(config: Config, route: Route, shadow: Shadow) -> Terms:
    provider, model = config.target(shadow.to)
    named = {shadow.to, *(target.name for tier in route.tiers for target in tier)}
    prices = {name: price_of(config.target(name)[1]) for name in named}
    compared = repr((shadow.to, shadow.judge, *_answering(route)))
    return Terms(
        route.name,
        shadow,
        None if shadow.judge is None else judge_of(shadow.judge),
        route.deadline,
        {name: price for name, price in prices.items() if price is not None},
        model.output,
        fates_of(provider, model),
        sha256(compared.encode()).hexdigest()[:16],
    )


def _answering(route: Route) -> Iterator[object]:
    """What says who answers in production; alike in all processes that run one file."""
    yield route.tiers
    for spec in (route.policy, route.within, route.estimator):
        yield None if spec is None else (spec.name, sorted(map(repr, spec.options.items())))
    yield route.start, route.auto, route.tiers_at
