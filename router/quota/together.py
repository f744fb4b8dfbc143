"""The limits that instances keep together, as one router has them: made, begun, shown and ended.

While the server is there, what this instance sends is allowed by it; while it is away, this
instance goes by its own limits, and says so once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from secrets import token_hex

from policies import Engine, Facts
from policies.engine.configuring import groups_of
from policies.engine.limits.windows import MICROSECONDS
from router.config import Shared as Keys
from router.config.startup import Fallback
from router.fleet.joining import joined
from router.fleet.parts import nothing
from router.midnight import Clocks
from router.quota.bounds import Bound, Settled, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide
from router.runtime import Runtime
from router.telemetry.log import Log
from router.tenants.identity import Tenants


class Together:
    """What an instance has with its fleet. See `Changed`. `outages` are those since it began, the
    one under way among them; `why` the server is away now (empty: it is there), and `since` when,
    by the loop's clock.
    """

    def __init__(self, shared: Keys, log: Log) -> None:
        url = shared.redis.reveal() if shared.redis is not None else ""
        self._name = shared.fleet
        self._when_down = shared.when_down
        self._log = log
        self._running: tuple[Engine, Tenants] | None = None
        self._own: dict[str, tuple[Bound, ...]] = {}
        self.instance = token_hex(8)
        self.fleet = joined(url, shared.fleet, self.instance, log.event)
        self.fleet.changed = self._share
        self.outages = 0
        self.why = ""
        self.since = asyncio.get_running_loop().time()
        self._complained = ""
        self._server = Redis(url, shared.fleet)
        self.shared = Shared(self._server, self.instance, self)

    async def start(self) -> None:
        """Begin, whether the server is there or not."""
        await self.shared.start()
        self.fleet.start()

    async def close(self) -> None:
        """Give back what is held, as far as the server is there."""
        await self.fleet.close()
        await self.shared.close()
        await self._server.close()

    def runs(self, runtime: Runtime, facts: Mapping[str, Facts]) -> None:
        """From now on this instance runs that."""
        self._running = runtime.engine, runtime.tenants
        self.fleet.runs(runtime.engine, runtime.revision, facts)

    def of(self, facts: Mapping[str, Facts], clocks: Clocks) -> Fleetwide:
        """The limits of all targets and their groups, as the fleet keeps them."""
        self._own = {
            name: bounds_of(self._name, name, its.limits, clocks.ahead)
            for name, its in facts.items()
        }
        bounds = {name: self._bounds(name, facts) for name in facts}
        return Fleetwide(self._name, self.shared, bounds, {})

    def away(self, why: str) -> None:
        """See `Changed.away`."""
        self.outages += 1
        self._complained = ""
        self._turned(why)
        self._log.event("shared limits are away, this instance goes by its own:", why=why)

    def still_away(self, why: str, *, lasting: bool) -> None:
        """See `Changed.still_away`."""
        if lasting and why not in (self.why, self._complained):
            self._complained = why
            self._log.event("shared limits stay away until somebody changes something:", why=why)
        self.why = why

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        """See `Changed.back`."""
        self._turned("")
        if (found := self.shared.found) is not None:
            self._log.event("shared limits are there:", server=found.name, forgot=forgot)
            for warning in found.warnings:
                self._log.event(
                    "shared limits, on a server that is not as it should be:", it=warning
                )
        return self._spent() if forgot else ()

    def _turned(self, why: str) -> None:
        self.why = why
        self.since = asyncio.get_running_loop().time()
        self._share()

    def _share(self) -> None:
        """Keep to a part of all limits while the server is away, and to no less once it is there.
        A server that is too slow for limits may still tell who comes and goes.
        """
        if self._running is None:
            return
        engine, tenants = self._running
        now = asyncio.get_running_loop().time()
        engine.confine(self._part(self._when_down.provider_limits), now)
        part = self._part(self._when_down.tenant_limits)
        tenants.confine(
            lambda name, quota: quota.confine(None if part is None else partial(part, name), now)
        )

    def _part(self, fallback: Fallback) -> Callable[[str, int], int] | None:
        if not self.why:
            return None
        return self.fleet.part if fallback == "local_share" else nothing

    def _spent(self) -> Iterator[Settled]:
        """All that this instance has sent, as far as it still counts."""
        if self._running is None:
            return
        engine, tenants = self._running
        seconds = asyncio.get_running_loop().time()
        now = int(seconds * MICROSECONDS)
        used = engine.spent(seconds)
        told = [(self._own.get(name, ()), cells) for name, cells in used.items()]
        told += [(scope.bounds, scope.quota.spent(seconds)) for scope in tenants.scopes()]
        for bounds, limits in told:
            for bound, cells in zip(bounds, limits, strict=False):  # places are counted apart
                for ago, units in cells:
                    yield Settled(bound, units, ago - now)

    def _bounds(self, name: str, facts: Mapping[str, Facts]) -> tuple[Bound, ...]:
        """Those of a target and of its groups."""
        names = dict.fromkeys((name, *groups_of(name, facts)))
        return tuple(bound for one in names for bound in self._own.get(one, ()))
