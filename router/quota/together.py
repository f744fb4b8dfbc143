"""The limits that instances keep together, as one router has them: made, begun, shown and ended.

While the server is there, what this instance sends is allowed by it; while it is away, this
instance goes by its own limits, and says so once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from secrets import token_hex

from policies import Facts
from policies.engine.configuring import groups_of
from policies.engine.limits.windows import MICROSECONDS
from router.config import Shared as Keys
from router.config.startup import Fallback
from router.fleet.joining import joined
from router.fleet.parts import nothing
from router.kept.heard import LastHeard
from router.midnight import Clocks
from router.quota.bounds import Bound, Settled, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide
from router.runtime import Runtime
from router.telemetry.log import Log

BRIEF = 0.5
"""Seconds; whoever was away for longer has others beside it who were as well."""
SETTLING = 1.0
"""Seconds for which each goes on keeping to its part after that: who is back first finds a server
that does not know yet what the others have sent.
"""


class Together:
    """What an instance has with its fleet. See `Changed`. `outages` are those since it began, the
    one under way among them; `why` the server is away now (empty: it is there), and `since` when,
    by the loop's clock. In `heard` it is kept how many there are (None: it is not).
    """

    def __init__(self, shared: Keys, log: Log, heard: LastHeard | None = None) -> None:
        url = shared.redis.reveal() if shared.redis is not None else ""
        self._name = shared.fleet
        self._when_down = shared.when_down
        self._log = log
        self._running: Runtime | None = None
        self.instance = token_hex(8)
        self.fleet = joined(url, shared.fleet, self.instance, log.event)
        self.fleet.changed = self._came_or_went
        self._heard = heard
        if heard is not None:
            self.fleet.expected = heard.instances
        self.outages = 0
        self.why = ""
        self.since = asyncio.get_running_loop().time()
        self._complained = ""
        self._settling: asyncio.TimerHandle | None = None
        self._server = Redis(url, shared.fleet)
        self.shared = Shared(self._server, self.instance, self)

    async def start(self) -> None:
        """Begin, whether the server is there or not."""
        await self.shared.start()
        self.fleet.start()

    async def close(self) -> None:
        """Give back what is held, as far as the server is there."""
        self._settled()
        await self.fleet.close()
        await self.shared.close()
        await self._server.close()

    def runs(self, runtime: Runtime, facts: Mapping[str, Facts]) -> None:
        """From now on this instance runs that."""
        self._running = runtime
        self.fleet.runs(runtime.engine, runtime.revision, facts)
        if self.why or self._settling:
            self._share()  # what is new has its limits whole

    def of(self, facts: Mapping[str, Facts], clocks: Clocks) -> Fleetwide:
        """The limits of all targets and their groups, as the fleet keeps them."""
        own = {
            name: bounds_of(self._name, name, its.limits, clocks.ahead)
            for name, its in facts.items()
        }
        bounds = {name: _all_of(name, facts, own) for name in facts}
        return Fleetwide(self._name, self.shared, bounds, own, {})

    def away(self, why: str) -> None:
        self.outages += 1
        self._complained = ""
        self._turned(why)
        self._log.event("shared limits are away, this instance goes by its own:", why=why)

    def still_away(self, why: str, *, lasting: bool) -> None:
        if lasting and why not in (self.why, self._complained):
            self._complained = why
            self._log.event("shared limits stay away until somebody changes something:", why=why)
        self.why = why

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        loop = asyncio.get_running_loop()
        if loop.time() - self.since > BRIEF and self.outages:
            self._settled()
            self._settling = loop.call_later(SETTLING, self._settled)
        self._turned("")
        if (found := self.shared.found) is not None:
            self._log.event("shared limits are there:", server=found.name, forgot=forgot)
            for warning in found.warnings:
                self._log.event(
                    "shared limits, on a server that is not as it should be:", it=warning
                )
        return self._spent() if forgot else ()

    def _settled(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
            self._share()

    def _turned(self, why: str) -> None:
        self.why = why
        self.since = asyncio.get_running_loop().time()
        self._share()

    def _came_or_went(self) -> None:
        self._share()
        if self._heard is not None:
            self._heard.count(len(self.fleet.instances))

    def _share(self) -> None:
        """Keep to a part of all limits while the server is away, and to no less once it is there.
        A server that is too slow for limits may still tell who comes and goes.
        """
        if self._running is None:
            return
        clock = asyncio.get_running_loop().time
        self._running.engine.confine(self._part(self._when_down.provider_limits), clock())
        part = self._part(self._when_down.tenant_limits)
        self._running.tenants.confine(
            lambda name, quota: quota.confine(
                None if part is None else partial(part, name), clock()
            )
        )

    def _part(self, fallback: Fallback) -> Callable[[str, int], int] | None:
        if self.why and fallback == "fail_closed":
            return nothing
        return self.fleet.part if self.why or self._settling else None

    def _spent(self) -> Iterator[Settled]:
        """All that this instance has sent, as far as it still counts."""
        running = self._running
        if running is None or running.fleet is None:
            return
        seconds = asyncio.get_running_loop().time()
        now = int(seconds * MICROSECONDS)
        used, own = running.engine.spent(seconds), running.fleet.own
        told = [(own.get(name, ()), cells) for name, cells in used.items()]
        told += [(scope.bounds, scope.quota.spent(seconds)) for scope in running.tenants.scopes()]
        for bounds, limits in told:
            for bound, cells in zip(bounds, limits, strict=False):  # places are counted apart
                for ago, units in cells:
                    yield Settled(bound, units, ago - now)


def _all_of(
    name: str, facts: Mapping[str, Facts], own: Mapping[str, tuple[Bound, ...]]
) -> tuple[Bound, ...]:
    """Those of a target and of its groups."""
    names = dict.fromkeys((name, *groups_of(name, facts)))
    return tuple(bound for one in names for bound in own.get(one, ()))
