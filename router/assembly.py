"""From a configuration to what is made of it once: what requests read, and what stands beside them.

Only put together here: what each thing is says `build`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies import Engine, Route
from router import build, choosing
from router.abilities import wary_of
from router.build import accounts_of
from router.config import Config, Server, Shared
from router.idempotency.store import Memory
from router.quota.sharing import Fleetwide
from router.rungs import ladders_of
from router.runtime import Runtime
from router.stored.owners import Owners
from router.telemetry.decisions import Decisions, Origin
from router.telemetry.log import Log
from router.tokenizers.opening import tokenizers_of
from router.upstream.transport import Upstream

if TYPE_CHECKING:
    from router.idempotency.fleet import Fleet
    from router.quota.together import Together


def runtime_of(
    config: Config,
    routes: Mapping[str, Route],
    engine: Engine,
    upstreams: Mapping[str, Upstream],
    fleet: Fleetwide | None = None,
    listed: Mapping[str, int] = MappingProxyType({}),
) -> Runtime:
    """What requests read of `config`: its `routes` on `engine`, how its targets are reached, and
    which of their limits are a whole `fleet`'s; `listed` are the models that were served before,
    with the Unix time each has been served since. Raises `BuildFault`.
    """
    serving = build.serving(config)
    return Runtime(
        revision=config.revision,
        engine=engine,
        upstreams=upstreams,
        tenants=build.tenants_of(config),
        deadlines={
            **dict.fromkeys(build.live_targets(config), config.defaults.deadline),
            **{route.name: route.deadline for route in serving},
        },
        targets={
            route.name: frozenset(target.name for tier in route.tiers for target in tier)
            for route in serving
        },
        off=build.off(config),
        policies=choosing.named_policies(),
        listed={route.name: listed.get(route.name, int(time.time())) for route in serving},
        needs={name: needs for name, route in routes.items() if (needs := route.policy.needs)},
        alike=build.alike(config),
        ladders=ladders_of(config),
        resume=build.resumed(config),
        wary=wary_of(config, routes),
        accounts=accounts_of(config, upstreams),
        fleet=fleet,
        tokenizers=tokenizers_of(config),
        strict=frozenset(route.name for route in serving if route.unsupported == "refuse"),
        shadows=build.shadows_of(config),
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


def decisions_of(server: Server, origin: Origin) -> Decisions | None:
    """Where records of decisions are kept; None: none is made."""
    keep, rate = server.decisions.keep, server.decisions.rate
    if not keep:
        return None
    if rate is None:
        return Decisions(origin, keep, None)
    return Decisions(origin, keep, rate.amount, rate.seconds)
