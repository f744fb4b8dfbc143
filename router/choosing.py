"""The policies of routes, and judges: from their names, or import paths, to what chooses.

Only made here; which one a route has is the file's.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from policies import CostTiers, LeastLatency, Policy, Priority, Rule, Threshold, WeightedRoundRobin
from router.config import Asked, Config, PolicySpec, StartRule
from router.config import Route as ConfigRoute
from router.config import Threshold as ConfigThreshold
from router.dialects.openai.dialect import OPENAI
from router.shadow.judged import Judge

BUILT_IN: dict[str, type[WeightedRoundRobin | LeastLatency]] = {
    "weighted_round_robin": WeightedRoundRobin,
    "least_latency": LeastLatency,
}


class BuildFault(Exception):
    """What the file names cannot be made; the message says which and why."""


def named_policies() -> dict[str, Policy]:
    """The policies that a caller may name: those built in, as they are without options. The rules
    of `cost_tiers` are a route's own: without them it would be `priority`.
    """
    return {**{name: kind() for name, kind in BUILT_IN.items()}, "priority": Priority()}


def policy_of(route: ConfigRoute) -> Policy:
    """The policy of a route. Raises `BuildFault`."""
    within = make(route.within) if route.within is not None else LeastLatency()
    match route.policy.name:
        case "priority":
            return Priority(within)
        case "cost_tiers":
            return CostTiers(tuple(rule_of(rule) for rule in route.start), within)
        case _:
            return make(route.policy)


def rule_of(rule: StartRule) -> Rule:
    """A start rule in the engine's words: the file counts tiers from 1."""
    return Rule(rule.tier - 1, **{name: asked_of(asked) for name, asked in rule.conditions})


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
        return BUILT_IN[spec.name](**spec.options)
    try:
        return _imported(spec)
    except Exception as error:  # a door: a user's module may raise anything
        told = f"{type(error).__name__}: {error}"
        raise BuildFault(f"the policy {spec.name!r} cannot be made: {told}") from error


def judge_of(path: str) -> Judge:
    """A judge by its import path. Raises `BuildFault`."""
    module, _, attribute = path.partition(":")
    try:
        judge = getattr(import_module(module), attribute)
    except Exception as error:  # a door: a user's module may raise anything
        told = f"{type(error).__name__}: {error}"
        raise BuildFault(f"the judge {path!r} cannot be had: {told}") from error
    if not callable(judge):
        raise BuildFault(f"the judge {path!r} cannot be called")
    found: Judge = judge
    return found


def _imported(spec: PolicySpec) -> Policy:
    module, _, attribute = spec.name.partition(":")
    policy = getattr(import_module(module), attribute)(**spec.options)
    if not isinstance(policy, Policy):
        raise TypeError("it is no policy, which has `needs`, `fresh` and `choose`")
    if unknown := policy.needs - OPENAI.FEATURES:
        raise ValueError(f"it needs features that nobody extracts: {sorted(unknown)}")
    hash(policy)  # the engine keeps its memory by it
    policy.fresh()
    return policy
