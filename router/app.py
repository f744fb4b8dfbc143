"""The application: everything wired together, started, reloaded and drained. It holds no logic
of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from socket import socket

from policies import TargetSnapshot
from router.admin import shadow
from router.admin.pages import Pages
from router.admin.state import State
from router.aside import Aside
from router.building.assembly import Beside, Part, beside_of, decisions_of, peers_of, prices_of
from router.building.counting import by_midnight
from router.cascade.auditing import Auditing
from router.cascade.cascades import Cascades
from router.cascade.checking import Checking
from router.config import Config, Server, load
from router.copying import Copying
from router.force import Force
from router.foresight import Foresight
from router.front.api import Api
from router.front.guard import Guard
from router.front.listener import Listener
from router.knowledge.known import Learning, completed
from router.midnight import AGAIN
from router.overrides.overrides import Overrides
from router.overrides.pages import OverridePages
from router.pipeline import Pipeline
from router.reloading import Reloading
from router.shadow.shadows import Shadows
from router.shifts.moving import moving_of
from router.shifts.pages import ShiftPages
from router.shifts.shifting import Shifting
from router.telemetry.counters import Counters
from router.telemetry.decisions import Origin
from router.telemetry.journal import Journal, Reader
from router.telemetry.log import Log, where
from router.upstream.fetch import Fetcher

LAST_WORDS = 1.0
"""Seconds for the error events of requests that outlived the drain to reach their clients."""


class App:
    """One router in one process; several may live side by side.

    `environ` is for loading the file again; `server` holds the start-up keys, where they are not
    to be those of the file. Raises `BuildFault` when something that the file names cannot be made.
    """

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        log: Log,
        rng: Random,
        server: Server | None = None,
    ) -> None:
        self._environ, self._log, self._loop = environ, log, asyncio.get_running_loop()
        self._aiming: asyncio.TimerHandle | None = None
        self._learning = Learning(log)
        counters, server = Counters(), server or config.server
        self._fetcher = Fetcher(server.fetch)
        # A seed of the engine's own, so that what it decided can be decided again.
        origin = Origin(f"{rng.getrandbits(64):016x}", rng.getrandbits(53), self._loop.time())
        beside = beside_of(config, server, origin, log)
        # Not the engine's chance: what is written must change nothing that is decided.
        chance = Random(rng.getrandbits(53)).random
        decisions = decisions_of(server, origin, beside.writer, chance)
        overrides = Overrides(beside.kept, lambda: self._force, log.event)
        shifting = self._shifting(config, beside)
        journal = self._journal(counters, log, shifting.gathering, decisions)
        parts = (*beside, overrides, shifting)
        self._parts: list[Part] = [part for part in parts if part is not None]
        # What operators say comes last: it holds, whatever else is known.
        layers = [self._completed, shifting.layer, overrides.layer]
        self._force = force = Force(
            config, environ, origin, layers, beside.together, self._policy_failed, self._changed
        )
        self.state = State(force, counters, beside, overrides, shifting, self._loop.time)
        self._watch()
        self.state.decisions, force.event = decisions, log.event
        self._reloading = Reloading(self.state, log, self._load, force.take)
        self._copying = self._copies(journal, beside, Random(rng.getrandbits(64)))
        self.state.cascades = self._cascades(journal, beside, Random(rng.getrandbits(64)))
        self.pipeline = self._pipeline(journal, beside)
        foresight = Foresight(lambda: force.runtime, beside.owners, self._loop.time)
        self.state.foreseen = foresight.request
        self.state.running, self.state.dropped = self._running, lambda: log.dropped
        self._open(server, self._api(journal, rng), self._pages(server))

    async def start(
        self, clients: Sequence[socket] = (), admin: Sequence[socket] = ()
    ) -> dict[str, str]:
        """Listen, where they are given at these sockets; the addresses bound. Raises OSError when
        one cannot be had.
        """
        for part in self._parts:
            await part.start()
        addresses = {
            "admin": await self._admin.start(admin),
            "listen": await self._clients.start(clients),
        }
        self.state.ready = True
        self._aiming = self._loop.call_later(AGAIN, self._aim)
        self._changed()
        if self.state.config.server.reload == "watch":
            self._reloading.begin()
        return addresses

    async def reload(self) -> None:
        """Load the file again and put it in force in one step; keep the running one if it is
        wrong.
        """
        await self._reloading.now()

    def reload_soon(self) -> None:
        """The same, without being waited for."""
        self._reloading.soon()

    def _load(self) -> Config:
        """The file as it is now. Raises `ConfigError`."""
        return load(self._force.file.path, self._environ)

    def _changed(self) -> None:
        """Another configuration is in force."""
        self._clients.client_write = self.state.config.defaults.timeouts.client_write
        self._learning.begin(lambda: self.state.config, self._force.again)
        self._watch()

    def _journal(self, *readers: Reader | None) -> Journal:
        return Journal([one for one in readers if one is not None], self._reader_failed)

    def _shifting(self, config: Config, beside: Beside) -> Shifting:
        peers, event = peers_of(config.shared, beside.together), self._log.event
        shifting = Shifting(beside.kept, peers, event, self._again, self._standings)
        shifting.in_force = lambda: self._force.config
        return shifting

    def _running(self) -> int:
        return self.pipeline.running

    def _completed(self, config: Config) -> Config:
        return completed(config, self._learning.known)

    def _watch(self) -> None:
        """Drive the shifts of the file in force."""
        self.state.shifting.take(moving_of(self._force.file), prices_of(self._force.config))

    def _again(self) -> None:
        self._force.again()

    def _standings(self) -> Mapping[str, TargetSnapshot]:
        return self._force.runtime.engine.snapshot(self._loop.time())

    def _aim(self) -> None:
        """Say anew when days end: clocks may have been changed."""
        self._aiming = self._loop.call_later(AGAIN, self._aim)
        if by_midnight(self.state.config):
            self._force.again()

    async def drain(self, *, announce: bool) -> None:
        """Leave: say so on `/readyz` while still accepting, stop accepting, let running
        requests finish, and end with an error event whatever outlives the drain.
        """
        drain = self.state.config.server.drain
        self.state.ready = False
        self._copying.stop()
        self.state.cascades.stop()
        self._log.event(
            "draining", announce=drain.announce if announce else 0.0, running=self.pipeline.running
        )
        if announce:
            await asyncio.sleep(drain.announce)
        await self._clients.stop_accepting()
        deadline = self._loop.time() + drain.wait
        while self.pipeline.running and self._loop.time() < deadline:  # noqa: ASYNC110 - runs once
            await asyncio.sleep(0.05)
        await self.close()

    async def close(self) -> None:
        """End everything now; running requests are told."""
        self.state.ready = False
        self.pipeline.stop()
        if self._aiming is not None:
            self._aiming.cancel()
        await self._reloading.close()
        await self._learning.close()
        await self._clients.close(LAST_WORDS)
        await self._admin.close()
        await self._copying.close()
        await self.state.cascades.close()
        await self._force.close()
        for part in reversed(self._parts):
            await part.close()
        self._fetcher.close()

    def _pipeline(self, journal: Journal, beside: Beside) -> Pipeline:
        pipeline = Pipeline(
            lambda: self._force.runtime,
            journal,
            self._loop,
            self.state.decisions,
            answers=beside.answers,
            fetcher=self._fetcher,
            owners=beside.owners,
            overhear=self._copying.overhear,
        )
        pipeline.cascade = self.state.cascades.begin
        return pipeline

    def _cascades(self, journal: Journal, beside: Beside, rng: Random) -> Cascades:
        runtime, decisions = (lambda: self._force.runtime), self.state.decisions
        aside = Aside(runtime, journal, self._loop, self._fetcher, decisions)
        checking, auditing = Checking(aside, beside.owners), Auditing(aside, self._handler_failed)
        return Cascades(checking, auditing, rng, self._instances, beside.ledger)

    def _instances(self) -> int:
        together = self.state.together
        return 1 if together is None else max(1, len(together.fleet.instances))

    def _copies(self, journal: Journal, beside: Beside, rng: Random) -> Copying:
        self.state.shadows = Shadows(rng, self._loop.time, self._instances, beside.ledger)
        return Copying(
            self.state.shadows,
            lambda: self._force.runtime,
            journal,
            self._loop,
            self._fetcher,
            self.state.decisions,
            self._handler_failed,
        )

    def _api(self, journal: Journal, rng: Random) -> Api:
        state, pipeline = self.state, self.pipeline
        return Api(
            pipeline.run,
            pipeline.about,
            lambda: state.runtime,
            journal,
            lambda: state.ready,
            rng,
        )

    def _pages(self, server: Server) -> Pages:
        state, event = self.state, self._log.event
        said = OverridePages(state.overrides, state.kept, event)
        moved = ShiftPages(state.shifting, state.kept, event)
        further = {**said.places, **moved.places, **shadow.places(state)}
        return Pages(state, server.admin_token, further)

    def _open(self, server: Server, api: Api, pages: Pages) -> None:
        self._clients = self._listener(server, str(server.listen), api, server.origins)
        self._admin = self._listener(server, str(server.admin), pages, ())

    def _listener(
        self, server: Server, address: str, answers: Api | Pages, origins: Iterable[str]
    ) -> Listener:
        return Listener(
            address,
            answers,
            guard=Guard.of(address, server.hosts, origins),
            refuse=answers.refuse,
            on_error=self._handler_failed,
            max_body=server.max_body,
            client_write=self.state.config.defaults.timeouts.client_write,
        )

    def _policy_failed(self, policy: str, error: Exception) -> None:
        self.state.counters.policy_errors[policy] += 1
        self._log.event(
            "a policy failed, the request was served without it:", policy=policy, error=repr(error)
        )

    def _reader_failed(self, reader: str, error: Exception) -> None:
        self._log.event(
            "a reader of the journal failed and is left out from now on:",
            reader=reader,
            error=repr(error),
        )

    def _handler_failed(self, error: BaseException) -> None:
        self._log.event(
            "a request failed inside the router:", error=type(error).__name__, at=where(error)
        )
