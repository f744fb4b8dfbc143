"""What a file says of its models that a plan does not play, in words.

Why: whoever edits just that would else take *no difference seen* for an answer.
Must not: name what makes no difference to any figure.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.config import Config, Route, ladder

WORDED = frozenset({"says", "code", "turns", "last_tokens", "metadata"})
"""Conditions of start rules about what is in no traffic: what was said."""


def unplayed(config: Config, models: set[str]) -> tuple[str, ...]:
    """A sentence for each such part of the models that are asked for, and of those that their
    ladders lead to.
    """
    reached = set(models)
    for name in models & config.models.keys():
        reached |= {rung.model for rung in ladder(name, config.models) if rung.model is not None}
    return tuple(
        f"{name}: {what} is not played: {instead}"
        for name, route in config.models.items()
        if name in reached
        for what, instead in _of(route)
    )


def _of(route: Route) -> Iterator[tuple[str, str]]:
    """What of a route is not played, and what is instead."""
    if route.shift is not None:
        yield "its shift", "all requests go to its targets"
    if route.shadow is not None:
        yield "its shadow", "copies take no room and cost nothing"
    if route.cascade is not None:
        yield "its cascade", "every answer passes its checks, and nobody climbs"
    specs = [spec for spec in (route.policy, route.within) if spec is not None]
    if any(spec.options.get("affinity") for spec in specs):
        yield "affinity", "no prompt begins as another does, so no cache is warm"
    worded = any(name in WORDED for rule in route.start for name, _ in rule.conditions)
    if route.auto or route.estimator is not None or worded:
        yield "what `start` reads of words", "no request says any"
