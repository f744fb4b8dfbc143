"""The limits that instances keep together, as one router has them: made, begun, shown and ended.

While the server is there, what this instance sends is allowed by it; while it is away, this
instance goes by its own limits, and says so once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from secrets import token_hex

from policies import Engine, Facts
from policies.engine.configuring import groups_of
from router.config import Shared as Keys
from router.fleet.joining import joined
from router.fleet.parts import nothing
from router.quota.bounds import Bound, Settled, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide
from router.telemetry.log import Log


class Together:
    """What an instance has with its fleet. See `Changed`."""

    def __init__(self, shared: Keys, log: Log) -> None:
        url = shared.redis.reveal() if shared.redis is not None else ""
        self._name = shared.fleet
        self._when_down = shared.when_down
        self._log = log
        self._engine: Engine | None = None
        self.instance = token_hex(8)
        self.fleet = joined(url, shared.fleet, self.instance, log.event)
        self.fleet.changed = self._share
        self.outages = 0
        self.why = ""
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

    def runs(self, engine: Engine, revision: str, facts: Mapping[str, Facts]) -> None:
        """From now on this instance runs that."""
        self._engine = engine
        self.fleet.runs(engine, revision, facts)

    def of(self, facts: Mapping[str, Facts]) -> Fleetwide:
        """The limits of all targets and their groups, as the fleet keeps them."""
        return Fleetwide(self.shared, {name: self._bounds(name, facts) for name in facts}, {})

    def away(self, why: str) -> None:
        """See `Changed.away`."""
        self.outages += 1
        self.why = why
        self._share()
        self._log.event("shared limits are away, this instance goes by its own:", why=why)

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        """See `Changed.back`."""
        self.why = ""
        self._share()
        if (found := self.shared.found) is not None:
            self._log.event("shared limits are there:", server=found.name, forgot=forgot)
            for warning in found.warnings:
                self._log.event(
                    "shared limits, on a server that is not as it should be:", it=warning
                )
        return ()

    def _share(self) -> None:
        """Keep to a part of all limits while the server is away, and to no less once it is there.
        A server that is too slow for limits may still tell who comes and goes.
        """
        if self._engine is not None:
            shares = self._when_down.provider_limits == "local_share"
            part = self.fleet.part if shares else nothing
            self._engine.confine(part if self.why else None, asyncio.get_running_loop().time())

    def _bounds(self, name: str, facts: Mapping[str, Facts]) -> tuple[Bound, ...]:
        """Those of a target and of its groups."""
        names = (name, *groups_of(name, facts))
        return tuple(
            bound
            for one in dict.fromkeys(names)
            if one in facts
            for bound in bounds_of(self._name, one, facts[one].limits)
        )
