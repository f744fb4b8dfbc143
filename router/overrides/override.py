"""An operator's word about traffic, and what it makes of a configuration.

Pure: instants are given, in seconds since 1970, since a word outlives the process that was told it.
Must not: change anything but weights, so that it can be taken back in one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from router.config import Config
from router.config.problems import nearest, quoted
from router.config.schema import Route
from router.config.shift import Shift
from router.config.values import WeightedTarget

NAME = "overrides"
"""Of the document that keeps them."""
FARTHEST = 32 * 86_400.0
"""Seconds: nothing holds longer; what a document says beyond it is no instant."""
MOST = 100
"""That hold at once."""

Kind = Literal["drain", "pin"]


class Override(msgspec.Struct, frozen=True):
    """`drain`: `target` gets nothing new, in `model` alone or (None) wherever it is; `pin`: it gets
    all that `model` gets. It was said at `since` by somebody who called himself `by`, and holds
    until `until`.
    """

    id: str
    kind: Kind
    target: str
    model: str | None
    since: float
    until: float
    by: str
    reason: str

    @property
    def words(self) -> str:
        """What it does, for people."""
        if self.kind == "pin":
            return f"{self.model} goes to {self.target} alone"
        return f"{self.target} is drained" + (f" in {self.model}" if self.model else "")

    @property
    def says_of(self) -> tuple[Kind, str | None, str | None]:
        """What a later one replaces that says the same of it."""
        return self.kind, self.model, None if self.kind == "pin" else self.target


def read(document: Mapping[str, Any] | None, now: float) -> tuple[Override, ...]:
    """Those that a document holds and that hold now. What is malformed in it is left out."""
    rows = () if document is None else document.get("overrides", ())
    found = []
    for row in rows if isinstance(rows, list | tuple) else ():
        try:
            one = msgspec.convert(row, Override)
        except msgspec.ValidationError:
            continue
        sound = 0 <= one.since <= one.until <= now + FARTHEST
        if sound and one.until > now and (one.kind == "drain" or one.model is not None):
            found.append(one)
    return tuple(found[:MOST])


def written(overrides: Iterable[Override]) -> dict[str, Any] | None:
    """The document that holds them; None: there are none."""
    rows = [msgspec.to_builtins(one) for one in overrides]
    return {"overrides": rows} if rows else None


def overridden(config: Config, overrides: Sequence[Override], now: float) -> Config:
    """`config` as it is while these hold."""
    held = [one for one in overrides if one.until > now and idle(config, one) is None]
    if not held:
        return config
    models = {name: _route(route, held) for name, route in config.models.items()}
    return replace(config, models=MappingProxyType(models))


def idle(config: Config, one: Override) -> str | None:
    """Why it changes nothing now; None: it holds."""
    if one.model is not None and one.model not in config.models:
        return f"there is no model {one.model} now"
    routes = config.models.values() if one.model is None else [config.models[one.model]]
    if not any(one.target in _names(route, one.kind) for route in routes):
        return f"{one.target} is no target of {one.model or 'any model'} now"
    provider, _ = config.target(one.target)
    if not provider.enabled:
        return f"{one.target} is off: {provider.off_because}"
    return None


def touches(config: Config, one: Override, model: str) -> bool:
    """Whether it changes anything of that model."""
    return one.model in (None, model) and one.target in _names(config.models[model], one.kind)


def fault(config: Config, one: Override) -> str | None:
    """Why it cannot be said, with the nearest name; None: it can."""
    if one.model is not None and one.model not in config.models:
        return f"there is no model {quoted(one.model)}; {nearest(one.model, config.models)}"
    routes = config.models.values() if one.model is None else [config.models[one.model]]
    names = [name for route in routes for name in _names(route, one.kind)]
    if one.target not in names:
        declared = one.target in config.targets()
        what = "is declared, but no target of" if declared else "is not a target of"
        whose = f"model {quoted(one.model)}" if one.model is not None else "any model"
        return f"{quoted(one.target)} {what} {whose}; {nearest(one.target, names)}"
    return idle(config, one) if one.kind == "pin" else None


def left_with_nothing(config: Config, overrides: Sequence[Override], now: float) -> list[str]:
    """The models of `config` that can serve, and cannot while these hold."""
    after = overridden(config, overrides, now)
    return [
        name
        for name, route in config.models.items()
        if _serves(config, route) and not _serves(after, after.models[name])
    ]


def moment(seconds: float) -> str:
    """An instant, for people who may be anywhere."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _serves(config: Config, route: Route) -> bool:
    return any(target.weight > 0 for tier in config.live(route) for target in tier)


def _names(route: Route, kind: Kind) -> Iterator[str]:
    """The targets that may be drained, or pinned: that to which traffic moves only once it has."""
    to = route.shift.to if route.shift is not None and kind == "drain" else ()
    return (target.name for tier in (*route.tiers, to) for target in tier)


def _route(route: Route, held: Sequence[Override]) -> Route:
    """A route with the weights that it has while these hold."""
    own = [one for one in held if one.model in (None, route.name)]
    # Of two that drain one target, the one that holds longer says until when.
    lasting = sorted(own, key=lambda one: one.until)
    drains = {one.target: one for one in lasting if one.kind == "drain"}
    pin = next((one for one in own if one.kind == "pin"), None)
    if pin is None and not drains.keys() & set(_names(route, "drain")):
        return route
    tiers = tuple(
        tuple(_weighed(target, drains.get(target.name), pin) for target in tier)
        for tier in route.tiers
    )
    return replace(route, tiers=tiers, shift=_shift(route.shift, drains, pin))


def _shift(
    shift: Shift | None, drains: Mapping[str, Override], pin: Override | None
) -> Shift | None:
    """Where its traffic moves meanwhile; nothing leaves a target that is pinned."""
    if shift is None:
        return None
    to = tuple(_weighed(target, drains.get(target.name), None) for target in shift.to)
    return replace(shift, to=to, share=0.0 if pin is not None else shift.share)


def _weighed(
    target: WeightedTarget, drain: Override | None, pin: Override | None
) -> WeightedTarget:
    if drain is not None:
        said = f"drained by an operator until {moment(drain.until)}"
        return replace(target, weight=0.0, said=said)
    if pin is None:
        return target
    until = f"by an operator until {moment(pin.until)}"
    if pin.target == target.name:
        return replace(target, weight=target.weight or 1.0, said=f"pinned {until}")
    return replace(target, weight=0.0, said=f"drained for {pin.target}, which is pinned {until}")
