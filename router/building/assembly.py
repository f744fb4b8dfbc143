"""From a configuration to what is made of it once: what requests read, and what stands beside them.

Only put together here: what each thing is says `build`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from policies import Engine, Price, Route
from router.arms import Arms, canary_of
from router.barring import barring_of
from router.building import build, choosing
from router.building.abilities import wary_of
from router.building.build import accounts_of
from router.building.canaries import shifts_of
from router.building.cascading import cascades_of
from router.building.made import Made
from router.building.rungs import ladders_of
from router.building.shadowing import shadows_of
from router.config import Config, Server, Shared
from router.config import Route as ConfigRoute
from router.idempotency.store import Memory
from router.kept.contract import Kept
from router.quota.sharing import Fleetwide
from router.runtime import Runtime
from router.shadow.ledger import Ledger
from router.shifts.peers import Alone, Peers
from router.shifts.peers import Fleet as Peered
from router.stored.owners import Owners
from router.telemetry.decisions import Decisions, Origin
from router.telemetry.log import Log
from router.tokenizers.opening import tokenizers_of
from router.upstream.transport import Upstream

if TYPE_CHECKING:
    from router.idempotency.fleet import Fleet
    from router.quota.together import Together
    from router.telemetry.lines.writing import Writer


def runtime_of(
    config: Config,
    routes: Mapping[str, Route],
    engine: Engine,
    upstreams: Mapping[str, Upstream],
    fleet: Fleetwide | None = None,
    listed: Mapping[str, int] = MappingProxyType({}),
    made: Made | None = None,
) -> Runtime:
    """What requests read of `config`, with what there is already for it. Raises `BuildFault`."""
    estimators, shifts = choosing.estimators_of(config, made), shifts_of(config, routes)
    serving = build.serving(config)
    return Runtime(
        revision=config.revision,
        engine=engine,
        upstreams=upstreams,
        tenants=build.tenants_of(config),
        deadlines=deadlines_of(config, serving),
        targets=targets_of(serving, routes, shifts),
        off=build.off(config),
        policies=choosing.named_policies(),
        listed={route.name: listed.get(route.name, int(time.time())) for route in serving},
        needs=choosing.needs_of(routes, estimators),
        estimators=estimators,
        alike=build.alike(config),
        ladders=ladders_of(config),
        resume=build.resumed(config),
        wary=wary_of(config, routes),
        accounts=accounts_of(config, upstreams),
        fleet=fleet,
        tokenizers=tokenizers_of(config),
        recorded=build.recorded_of(config),
        strict=both_arms(route for route in serving if route.unsupported == "refuse"),
        hinted=both_arms(route for route in serving if route.prompt_cache),
        shadows=shadows_of(config),
        cascades=cascades_of(config),
        shifts=shifts,
        barring=barring_of(config),
    )


def deadlines_of(config: Config, serving: Sequence[ConfigRoute]) -> dict[str, float]:
    """Seconds for a request, by what may be asked for: a target, or a model."""
    targets = dict.fromkeys(build.live_targets(config), config.defaults.deadline)
    return targets | {route.name: route.deadline for route in serving}


def targets_of(
    serving: Sequence[ConfigRoute], routes: Mapping[str, Route], shifts: Mapping[str, Arms]
) -> dict[str, frozenset[str]]:
    """The targets of every model, those that are off among them, and of every canary's route."""
    targets = {
        route.name: frozenset(target.name for tier in route.tiers for target in tier)
        for route in serving
    }
    for arms in shifts.values():
        canary = (target.name for target in routes[arms.canary].targets)
        targets[arms.canary] = arms.control.union(canary)
    return targets


def both_arms(routes: Iterable[ConfigRoute]) -> frozenset[str]:
    """The engine's names of `routes`, and of their canaries."""
    names = [route.name for route in routes]
    return frozenset([*names, *map(canary_of, names)])


class Part(Protocol):
    """What runs beside requests, from the first to the last."""

    async def start(self) -> None:
        """Begin, before anybody can connect."""

    async def close(self) -> None:
        """End, after everybody has left."""


class Beside(NamedTuple):
    """What stands beside requests, in the order in which it begins. None: there is none of it."""

    together: Together | None
    answers: Fleet | None
    owners: Owners
    writer: Writer | None
    kept: Kept
    ledger: Ledger


def beside_of(config: Config, server: Server, origin: Origin, log: Log) -> Beside:
    """All of it, not begun."""
    shared = config.shared
    kept = kept_of(server, shared, config.path.parent, log)
    return Beside(
        together_of(shared, log),
        answers_of(shared),
        owners_of(shared, asyncio.get_running_loop().time),
        writer_of(server, origin, log),
        kept,
        Ledger(kept),
    )


def together_of(shared: Shared, log: Log) -> Together | None:
    """What this instance has with others; None: it stands alone."""
    if shared.redis is None:
        return None
    # With its client, it is loaded only where it is used.
    from router.quota.together import Together

    return Together(shared, log)


def answers_of(shared: Shared) -> Fleet | None:
    """Where answers to requests with keys are kept; None: in a memory of the pipeline's own."""
    if shared.redis is None:
        return None
    from router.idempotency.fleet import Fleet
    from router.redis.address import address_of
    from router.redis.link import Link

    return Fleet(Link(address_of(shared.redis.reveal()), shared.fleet), shared.fleet, Memory())


def owners_of(shared: Shared, clock: Callable[[], float]) -> Owners:
    """Who remembers which account made what: this process, and its fleet where it has one."""
    if shared.redis is None:
        return Owners(clock)
    from router.redis.address import address_of
    from router.redis.link import Link
    from router.stored.fleet import Fleet

    link = Link(address_of(shared.redis.reveal()), shared.fleet)
    return Owners(clock, others=Fleet(link, shared.fleet))


def kept_of(server: Server, shared: Shared, folder: Path, log: Log) -> Kept:
    """Where documents are kept: with the fleet, or in a file relative to `folder`."""
    if shared.redis is None:
        from router.kept.file import File

        return File(folder / server.state if server.state else None, log.event)
    from router.kept.fleet import Fleet
    from router.redis.address import address_of
    from router.redis.link import Link

    return Fleet(Link(address_of(shared.redis.reveal()), shared.fleet), shared.fleet, log.event)


def peers_of(shared: Shared, together: Together | None) -> Peers:
    """Who sees the same shifts: nobody else, or the instances of a fleet."""
    if shared.redis is None or together is None:
        return Alone()
    from router.redis.address import address_of
    from router.redis.link import Link

    line = Link(address_of(shared.redis.reveal()), shared.fleet)
    return Peered(line, shared.fleet, together.instance)


def prices_of(config: Config) -> dict[str, Price]:
    """What targets cost, as far as it is known."""
    return {
        name: price
        for name in build.live_targets(config)
        if (price := build.price_of(config.target(name)[1])) is not None
    }


def writer_of(server: Server, origin: Origin, log: Log) -> Writer | None:
    """Who writes decisions to a file; None: nobody does."""
    file = server.decisions.file
    if file is None:
        return None
    # It is loaded only where it is used.
    from router.telemetry.lines.writing import Writer

    return Writer(file.path, file.rotate, file.keep, origin.engine, log.event)


def decisions_of(
    server: Server, origin: Origin, writer: Writer | None, chance: Callable[[], float]
) -> Decisions | None:
    """Where records of decisions are kept, and who writes them; None: none is made."""
    keep, rate = server.decisions.keep, server.decisions.rate
    if not keep and writer is None:
        return None
    most, seconds = (None, 1.0) if rate is None else (rate.amount, rate.seconds)
    write = None if writer is None else writer.write
    return Decisions(origin, keep, most, seconds, write=write, chance=chance)
