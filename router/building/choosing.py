"""The policies of routes, and judges: from their names, or import paths, to what chooses.

Only made here; which one a route has is the file's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar

from policies import (
    CostTiers,
    Estimator,
    LeastLatency,
    Policy,
    Priority,
    Route,
    Rule,
    Threshold,
    WeighedLatency,
    WeightedRoundRobin,
)
from policies.starting.estimator import SCORE
from policies.starting.shipped import SHIPPED
from router.building.made import Made
from router.config import Asked, Config, PolicySpec, StartRule
from router.config import Route as ConfigRoute
from router.config import Threshold as ConfigThreshold
from router.dialects.openai.dialect import OPENAI
from router.dialects.reading import unknown
from router.estimating import Estimating
from router.guarded import guarded
from router.shadow.judged import Judge

T = TypeVar("T")

BUILT_IN: dict[str, type[WeightedRoundRobin | LeastLatency]] = {
    "weighted_round_robin": WeightedRoundRobin,
    "least_latency": LeastLatency,
}


class BuildFault(Exception):
    """What the file names cannot be made; the message says which and why. `named` is what the file
    says there, where it is an import path.
    """

    def __init__(self, message: str, named: str = "") -> None:
        super().__init__(message)
        self.named = named


def named_policies() -> dict[str, Policy]:
    """The policies that a caller may name: those built in, as they are without options. The rules
    of `cost_tiers` are a route's own: without them it would be `priority`.
    """
    return {**{name: kind() for name, kind in BUILT_IN.items()}, "priority": Priority()}


def policy_of(route: ConfigRoute, made: Made) -> Policy:
    """The policy of a route, as far as it is `made` already. Raises `BuildFault`."""
    within: Policy = LeastLatency()
    if route.within is not None:
        within = made.of(f"{route.name} within", route.within, make)
    match route.policy.name:
        case "priority":
            return Priority(within)
        case "cost_tiers":
            shipped = SHIPPED if route.auto else ()
            rules = (*shipped, *(rule_of(rule) for rule in route.start))
            return CostTiers(rules, within, route.tiers_at, estimated=route.estimator is not None)
        case _:
            return made.of(f"{route.name} policy", route.policy, make)


def rule_of(rule: StartRule) -> Rule:
    """A start rule in the engine's words: the file counts tiers from 1."""
    tier = None if rule.tier is None else rule.tier - 1
    asked = {name: asked_of(asked) for name, asked in rule.conditions}
    return Rule(tier, **asked, score=rule.score)


def asked_of(asked: Asked) -> Any:
    """What a condition asks, in the engine's words."""
    return Threshold(asked.sign, asked.count) if isinstance(asked, ConfigThreshold) else asked


def find_plugins(config: Config) -> None:
    """Let the modules that `server.plugins` lists stand beside the file that lists them."""
    folder = str(config.path.resolve().parent)
    if config.server.plugins and folder not in sys.path:
        sys.path.insert(0, folder)


def make(spec: PolicySpec) -> Policy:
    """A policy by its name, or by its import path. Raises `BuildFault`."""
    if spec.name in BUILT_IN:
        # With options it weighs more; without, it is the same, and costs nothing for them.
        options: dict[str, Any] = dict(spec.options)
        return WeighedLatency(**options) if options else BUILT_IN[spec.name]()
    return guarded(_imported(spec, "policy", _checked))


def estimators_of(config: Config, made: Made | None = None) -> dict[str, Estimating]:
    """Who is asked for a score, by route, as far as it is `made` already. Raises `BuildFault`."""
    made = made or Made()
    return {
        route.name: made.of(f"{route.name} estimator", route.estimator, _estimating)
        for route in config.models.values()
        if route.estimator is not None
    }


def _estimating(spec: PolicySpec) -> Estimating:
    return Estimating(_imported(spec, "estimator", _estimator))


def needs_of(
    routes: Mapping[str, Route], estimators: Mapping[str, Estimating]
) -> dict[str, frozenset[str]]:
    """What is to be read of every request of a route, for its policy and for who estimates for it,
    where anything is.
    """
    found = {}
    for name, route in routes.items():
        needs = route.policy.needs - {SCORE}
        if name in estimators:
            needs |= estimators[name].needs
        if needs:
            found[name] = needs
    return found


def _imported(spec: PolicySpec, what: str, checked: Callable[[Any], T]) -> T:
    module, _, attribute = spec.name.partition(":")
    try:
        return checked(getattr(import_module(module), attribute)(**spec.options))
    except Exception as error:  # a door: a user's module may raise anything
        told = _told(error, module)
        raise BuildFault(f"the {what} {spec.name!r} cannot be made: {told}", spec.name) from error


def _told(error: Exception, module: str) -> str:
    """What went wrong with something out of `module`, and what to do where that is known."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and error.name == module:
        told += f"; put {module}.py beside the file, or install it where the router is"
    return told


def judge_of(path: str) -> Judge:
    """A judge by its import path. Raises `BuildFault`."""
    judge: Judge = called(path, "judge")
    return judge


def called(path: str, what: str) -> Any:
    """A user's function by its import path, which is `what`. Raises `BuildFault`."""
    module, _, attribute = path.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # a door: a user's module may raise anything
        told = _told(error, module)
        raise BuildFault(f"the {what} {path!r} cannot be had: {told}", path) from error
    if not callable(found):
        raise BuildFault(f"the {what} {path!r} cannot be called", path)
    return found


def _checked(policy: Any) -> Policy:
    if not isinstance(policy, Policy):
        raise TypeError("it is no policy, which has `needs`, `fresh` and `choose`")
    _check_needs(policy.needs)
    hash(policy)  # the engine keeps its memory by it
    policy.fresh()
    return policy


def _estimator(estimator: Any) -> Estimator:
    if not isinstance(estimator, Estimator):
        raise TypeError("it is no estimator, which has `score`")
    _check_needs(frozenset(getattr(estimator, "needs", ())))
    return estimator


def _check_needs(needs: frozenset[str]) -> None:
    if nobody := unknown(needs, OPENAI.FEATURES):
        raise ValueError(f"it needs features that nobody extracts: {sorted(nobody)}")
