"""What the targets of a model lack: abilities that requests may require, and kinds of calls."""

from __future__ import annotations

from collections.abc import Mapping

from policies import Route
from router.building.speaks import OPERATIONS, speaks_of
from router.config import ABILITIES, Config, Provider, ProviderModel
from router.dialects.contract import Operation
from router.dialects.interpreter import Unspoken


def lacks_of(provider: Provider, model: ProviderModel) -> frozenset[str]:
    """What a target cannot take or do: abilities of its model, and kinds of calls."""
    spoken = speaks_of(provider, model)
    return model.lacks | {name for name in OPERATIONS if isinstance(spoken[name], Unspoken)}


def wary_of(
    config: Config, routes: Mapping[str, Route]
) -> Mapping[Operation, Mapping[str, frozenset[str]]]:
    """For each kind of call the models with a target that lacks something, and what: only these
    are asked what a request requires.
    """
    lacks = {
        name: lacks_of(*config.target(name))
        for name in config.targets()
        if config.target(name)[0].enabled
    }
    union = {
        name: frozenset().union(*(lacks[target.name] for target in route.targets))
        for name, route in routes.items()
    }
    found: dict[Operation, dict[str, frozenset[str]]] = {}
    for operation in OPERATIONS:
        of_interest = {operation, *ABILITIES}
        models = {name: lacking & of_interest for name, lacking in union.items()}
        found[operation] = {name: lacking for name, lacking in models.items() if lacking}
    return found
