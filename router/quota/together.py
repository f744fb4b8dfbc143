"""The limits that instances keep together, as one router has them: made, begun, shown and ended.

While the server is there, what this instance sends is allowed by it; while it is away, this
instance goes by its own limits, and says so once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from secrets import token_hex

from policies import Facts
from policies.engine.configuring import groups_of
from router.config import Secret
from router.midnight import Clocks
from router.quota.bounds import Bound, Settled, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide
from router.telemetry.log import Log


class Together:
    """What an instance has with its fleet. See `Changed`."""

    def __init__(self, redis: Secret, fleet: str, log: Log) -> None:
        self._fleet = fleet
        self._log = log
        self.instance = token_hex(8)
        self.outages = 0
        self.why = ""
        self._server = Redis(redis.reveal(), fleet)
        self.shared = Shared(self._server, self.instance, self)

    async def start(self) -> None:
        """Begin, whether the server is there or not."""
        await self.shared.start()

    async def close(self) -> None:
        """Give back what is held, as far as the server is there."""
        await self.shared.close()
        await self._server.close()

    def of(self, facts: Mapping[str, Facts], clocks: Clocks) -> Fleetwide:
        """The limits of all targets and their groups, as the fleet keeps them."""
        bounds = {name: self._bounds(name, facts, clocks.ahead) for name in facts}
        return Fleetwide(self.shared, bounds, {})

    def away(self, why: str) -> None:
        """See `Changed.away`."""
        self.outages += 1
        self.why = why
        self._log.event("shared limits are away, this instance goes by its own:", why=why)

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        """See `Changed.back`."""
        self.why = ""
        self._log.event("shared limits are there", forgot=forgot)
        return ()

    def _bounds(self, name: str, facts: Mapping[str, Facts], ahead: float) -> tuple[Bound, ...]:
        """Those of a target and of its groups."""
        names = (name, *groups_of(name, facts))
        return tuple(
            bound
            for one in dict.fromkeys(names)
            if one in facts
            for bound in bounds_of(self._fleet, one, facts[one].limits, ahead)
        )
