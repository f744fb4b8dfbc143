"""One file, with the traffic played to it: by the engine that serves, in a world in virtual time.

Why: two files are played in two processes, and each of them needs all of this and nothing else.
Must not: compare, or depend on anything but what it is given: equal files are played equally.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

from policies import Engine, Facts, Request, Route
from policies.simulate import Arrival, Rung, Terms, World
from policies.simulate.terms import Barred, Door, Held, Shut, unbarred
from router.barring import barring_of
from router.building import build, choosing
from router.building.rungs import ladders_of
from router.config import Config, load
from router.dialects.contract import ClientError
from router.knowledge.known import Known, Pair, completed
from router.planning.measuring import Basis
from router.planning.tallies import Tallies


class Part(NamedTuple):
    """A file to be played to: where it is, and its variables; what price lists know of its models,
    how its targets serve, the requests, and a seed for each run.
    """

    path: Path
    environ: Mapping[str, str]
    known: Mapping[Pair, Known]
    bases: Mapping[str, Basis]
    arrivals: Sequence[Arrival]
    seeds: Sequence[int]


def rehearse(part: Part) -> Tallies:
    """What comes of it. Raises ConfigError and `BuildFault`."""
    config = completed(load(part.path, part.environ), part.known)
    choosing.find_plugins(config)
    routes, facts = build.routes_of(config), build.facts_of(config)
    terms = terms_of(config, routes, facts)
    prices = {name: fact.price for name, fact in facts.items()}
    faults = [basis.fault(name) for name, basis in part.bases.items()]
    tallies = Tallies(part.arrivals, len(part.seeds))
    for run, seed in enumerate(part.seeds):
        world = World(
            Engine(routes, facts=facts, rng=Random(f"{seed}/engine"), now=0.0),
            {name: basis.service.seeded(f"{seed}/{name}") for name, basis in part.bases.items()},
            Random(f"{seed}/world"),
            [fault for fault in faults if fault is not None],
            terms=terms,
        )
        world.door = door_of(config)
        world.barred = barred_of(config)
        world.run(part.arrivals)
        tallies.add(run, world.answered, world.sent, prices)
    return tallies


def both(old: Part, new: Part, *, at_once: bool) -> tuple[Tallies, Tallies]:
    """Both files, each in a process of its own or one after the other."""
    if not at_once:
        return rehearse(old), rehearse(new)
    # A process that plays one file and ends has little for a collector to find, and many objects
    # to look through: a fifth of its time.
    pool = ProcessPoolExecutor(2, get_context("spawn"), initializer=gc.disable)
    try:
        first, second = pool.map(rehearse, (old, new))
    finally:
        pool.shutdown(wait=False)
    return first, second


def door_of(config: Config) -> Door | None:
    """What lets requests in by the limits of their tenants; None: there are none."""
    known = {name: build.allowances_of(config, tenant) for name, tenant in config.tenants.items()}
    limited = {name: allowances for name, allowances in known.items() if allowances is not None}

    def enter(request: Request, now: float) -> Held | None:
        if (allowances := limited.get(request.tenant)) is None:
            return None
        try:
            return allowances.admit_asked(request, now)
        except ClientError as error:
            raise Shut from error

    return enter if limited else None


def barred_of(config: Config) -> Barred:
    """From where requests are barred by what the file says. What one asked for itself nobody
    recorded.
    """
    barring = barring_of(config)
    if not barring.binds:
        return unbarred
    return lambda tenant, models: barring.of(tenant, models, None)


def terms_of(
    config: Config, routes: Mapping[str, Route], facts: Mapping[str, Facts]
) -> dict[str, Terms]:
    """What holds for the requests of each model that can serve."""
    deadlines = {
        **dict.fromkeys(routes, config.defaults.deadline),
        **{route.name: route.deadline for route in build.serving(config)},
    }
    limited = {name for name, fact in facts.items() if fact.limits}
    ladders = ladders_of(config)
    return {
        name: Terms(
            deadlines[name],
            tuple(Rung(*rung) for rung in ladders[name].models) if name in ladders else (),
            any(limited & {target.name, *facts[target.name].groups} for target in route.targets),
        )
        for name, route in routes.items()
    }
