"""A plan, from what is asked to what comes of it: two files, and the traffic through both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from router.building import build, choosing
from router.config import Config, Route, load, words
from router.knowledge.known import Known, NotAnswered, Pair, completed, look_up, unknown
from router.planning import traffic
from router.planning.comparing import Comparison, compare
from router.planning.faults import BadInput
from router.planning.measuring import Basis, bases
from router.planning.rehearsal import Part, both
from router.planning.traffic import Traffic, Wish

PLAYED = 40_000
"""Requests up to which the traffic is played again, with another chance each time."""
MOST_RUNS = 10
QUICK = 5_000
"""Requests that are played sooner than two processes have started."""


class Asked(NamedTuple):
    """What is to be planned: two files, and the traffic: a file or a shape by its name, how many
    requests of it (None: as many as are usual), a second where it is a shape, for which models
    (none: all).
    """

    old: Path
    new: Path
    source: str = "steady"
    most: int | None = None
    rate: float = 10.0
    models: tuple[str, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two files: its configuration, how its targets were taken to serve, and why models
    that were asked for cannot.
    """

    config: Config
    bases: Mapping[str, Basis]
    off: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What came of it: what the edit says, in words; the traffic, and how often it was played."""

    old: Side
    new: Side
    changes: tuple[str, ...]
    traffic: Traffic
    runs: int
    comparison: Comparison


def plan(
    asked: Asked,
    environ: Mapping[str, str],
    check: Callable[[Collection[str]], object] = lambda _: None,
) -> Plan:
    """Play the traffic to both files; `check` is told first which models there are. Raises
    ConfigError, `BuildFault`, `BadInput`, and what `check` does.
    """
    old, new = (load(path, environ) for path in (asked.old, asked.new))
    check({*old.models, *new.models, *old.targets(), *new.targets()})
    known = _known(old, new)
    old, new = completed(old, known), completed(new, known)
    come = traffic.read(_wish(asked, old, new))
    runs = max(1, min(MOST_RUNS, PLAYED // len(come.arrivals)))
    seeds = [asked.seed + run for run in range(runs)]
    models = {each.model for each in come.arrivals}
    sides = [_side(config, come, models, of=old) for config in (old, new)]
    parts = [
        Part(side.config.path, dict(environ), known, side.bases, come.arrivals, seeds)
        for side in sides
    ]
    played = both(*parts, at_once=runs * len(come.arrivals) > QUICK)
    return Plan(
        sides[0],
        sides[1],
        tuple(words(old, new)),
        come,
        runs,
        compare(*played, runs),
    )


def _wish(asked: Asked, old: Config, new: Config) -> Wish:
    """The models that are asked for are those that can serve in either file, unless some are
    named.
    """
    known = {**old.models, **new.models}
    for name in asked.models:
        if name not in known:
            raise traffic.no_model("--model", name, known)
    serving = {route.name: None for config in (old, new) for route in _serving(config)}
    if not asked.models and not serving:
        raise BadInput(f"{asked.old}, {asked.new}: no model can serve in either")
    models = asked.models or tuple(serving)
    return Wish(asked.source, models, asked.most, asked.rate, asked.seed, bool(asked.models))


def _serving(config: Config) -> Sequence[Route]:
    choosing.find_plugins(config)
    build.routes_of(config)  # what cannot be made is said here, and not by another process
    return build.serving(config)


def _side(config: Config, come: Traffic, models: set[str], *, of: Config) -> Side:
    off = {name: why for name, why in build.off(config).items() if name in models}
    missing = models - {*config.models, *config.targets()}
    off |= dict.fromkeys(sorted(missing), "there is no such model")
    return Side(config, bases(config, come.measured, of), off)


def _known(old: Config, new: Config) -> dict[Pair, Known]:
    """What price lists say of the models of which the files leave something open."""
    pairs = list(dict.fromkeys([*unknown(old), *unknown(new)]))
    if not pairs:
        return {}
    try:
        return asyncio.run(look_up(pairs))
    except (NotAnswered, OSError):
        return {}  # unknown stays unknown, and is said to be so where it matters
