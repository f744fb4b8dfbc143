"""The application: everything wired together, started, reloaded and drained. It holds no logic
of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from socket import socket
from traceback import extract_tb

from policies import Engine, Facts
from router import build, choosing
from router.admin.pages import Pages, State
from router.assembly import answers_of, decisions_of, owners_of, runtime_of, together_of
from router.config import Config, Server, load, needs_restart
from router.counting import by_midnight
from router.front.api import Api
from router.front.guard import Guard
from router.front.listener import Listener
from router.knowledge.known import Learning, completed
from router.midnight import AGAIN, Clocks
from router.pipeline import Pipeline
from router.quota.sharing import Fleetwide
from router.reloading import Reloading
from router.runtime import Runtime
from router.telemetry.counters import Counters
from router.telemetry.decisions import Decisions, Origin
from router.telemetry.journal import Journal, Reader
from router.telemetry.log import Log
from router.upstream.fetch import Fetcher
from router.upstream.http import Http

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
        self._environ, self._log = environ, log
        self._aiming: asyncio.TimerHandle | None = None
        self._learning = Learning(log)
        self._loop, self._http = asyncio.get_running_loop(), Http()
        counters = Counters()
        server = server or config.server
        self._fetcher = Fetcher(server.fetch)
        # A seed of the engine's own, so that what it decided can be decided again.
        origin = Origin(f"{rng.getrandbits(64):016x}", rng.getrandbits(53), self._loop.time())
        decisions = decisions_of(server, origin)
        readers: list[Reader] = [counters, log, *([decisions] if decisions is not None else [])]
        journal = Journal(readers, self._reader_failed)
        routes, facts = build.routes_of(config), self._facts(config)
        self._together, self._answers = together_of(config.shared, log), answers_of(config.shared)
        self._owners = owners_of(config.shared, self._loop.time)
        engine = Engine(
            routes,
            facts=facts,
            rng=Random(origin.seed),
            now=origin.started,
            on_policy_error=self._policy_failed,
            on_news=None if self._together is None else self._together.fleet.notice,
        )
        upstreams = build.upstreams_of(config, self._environ, self._http)
        runtime = runtime_of(config, routes, engine, upstreams, self._fleetwide(facts))
        self.state = State(config, runtime, counters, self._loop.time)
        self._in_force(runtime, facts)
        self.state.decisions = decisions
        self._reloading = Reloading(self.state, log, self._load, self._take)
        self.pipeline = self._pipeline(journal, decisions)
        self.state.running, self.state.dropped = self._running, lambda: log.dropped
        self._open(server, self._api(journal, rng), Pages(self.state, server.admin_token))

    async def start(
        self, clients: Sequence[socket] = (), admin: Sequence[socket] = ()
    ) -> dict[str, str]:
        """Listen, where they are given at these sockets; the addresses bound. Raises OSError when
        one cannot be had.
        """
        if self._together is not None:
            await self._together.start()
        if self._answers is not None:
            await self._answers.start()
        await self._owners.start()
        addresses = {
            "admin": await self._admin.start(admin),
            "listen": await self._clients.start(clients),
        }
        self.state.ready = True
        self._aiming = self._loop.call_later(AGAIN, self._aim)
        self._learning.begin(lambda: self.state.config, self._complete)
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
        return load(self.state.config.path, self._environ)

    def _take(self, config: Config) -> list[str]:
        """Put it in force in one step, or say what stands against that, and change nothing."""
        state = self.state
        if restart := needs_restart(state.config, config):
            return [f"{key} changed, which needs a restart" for key in restart]
        config = completed(config, self._learning.known)
        try:
            routes, facts = build.routes_of(config), self._facts(config)
            upstreams = build.upstreams_of(config, self._environ, self._http)
            engine, listed = state.runtime.engine, state.runtime.listed
            fleet = self._fleetwide(facts)
            runtime = runtime_of(config, routes, engine, upstreams, fleet, listed)
        except (choosing.BuildFault, OSError) as error:
            return str(error).splitlines()
        runtime.engine.replace(routes, facts, self._loop.time())
        runtime.tenants.take_over(state.runtime.tenants)
        self._in_force(runtime, facts)
        self._clients.client_write = config.defaults.timeouts.client_write
        state.runtime, state.config = runtime, config
        self._learning.begin(lambda: self.state.config, self._complete)
        return []

    def _complete(self) -> None:
        """Put in force what has been learned of the models of the running file."""
        self.state.config = config = completed(self.state.config, self._learning.known)
        engine = self.state.runtime.engine
        engine.replace(build.routes_of(config), self._facts(config), self._loop.time())

    def _aim(self) -> None:
        """Say anew when days end: clocks may have been changed."""
        state = self.state
        self._aiming = self._loop.call_later(AGAIN, self._aim)
        if by_midnight(state.config):
            facts = self._facts(state.config)
            state.runtime = replace(state.runtime, fleet=self._fleetwide(facts))
            routes = build.routes_of(state.config)
            state.runtime.engine.replace(routes, facts, self._loop.time())
            self._in_force(state.runtime, facts)

    async def drain(self, *, announce: bool) -> None:
        """Leave: say so on `/readyz` while still accepting, stop accepting, let running
        requests finish, and end with an error event whatever outlives the drain.
        """
        drain = self.state.config.server.drain
        self.state.ready = False
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
        await self._http.close()
        if self._together is not None:
            await self._together.close()
        if self._answers is not None:
            await self._answers.close()
        await self._owners.close()
        self._fetcher.close()

    def _facts(self, config: Config) -> dict[str, Facts]:
        return build.facts_of(config, self._clocks())

    def _clocks(self) -> Clocks:
        return Clocks(self._loop.time(), time.time())

    def _fleetwide(self, facts: Mapping[str, Facts]) -> Fleetwide | None:
        return None if self._together is None else self._together.of(facts, self._clocks())

    def _running(self) -> int:
        return self.pipeline.running

    def _in_force(self, runtime: Runtime, facts: Mapping[str, Facts]) -> None:
        if self._together is not None:
            self._together.runs(runtime, facts)
            self.state.together = self._together

    def _pipeline(self, journal: Journal, decisions: Decisions | None) -> Pipeline:
        return Pipeline(
            lambda: self.state.runtime,
            journal,
            self._loop,
            decisions,
            answers=self._answers,
            fetcher=self._fetcher,
            owners=self._owners,
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
        # Where, and not what it says: its text may quote the request's body, or a key.
        frames = extract_tb(error.__traceback__)[-3:]
        places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
        self._log.event(
            "a request failed inside the router:", error=type(error).__name__, at=places
        )
