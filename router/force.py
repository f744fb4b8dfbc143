"""What is in force: from the file to the engine, and to what requests read.

Between the file and what is put in force stand *layers*, each from a configuration to another one:
what a price list knows of its models, what operators say for a while. So nobody else has to know of
them: what is in force looks as if the file said it.
Must not: read the file, or decide when anything changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from policies import Engine, Facts, Route
from router.building import build, choosing
from router.building.assembly import runtime_of
from router.building.made import Made
from router.config import Config, needs_restart
from router.midnight import Clocks
from router.quota.sharing import Fleetwide
from router.telemetry.decisions import Origin
from router.upstream.http import Http

if TYPE_CHECKING:
    from router.quota.together import Together

AGAIN = 5.0
"""Seconds until what could not be put in force is tried again."""
Layer = Callable[[Config], Config]
"""What somebody who is not the file has to say, laid over it. It must be quick, and must not raise;
what it names and the file does not is left out.
"""


class Force:
    """One engine, and what it is configured with now: the `file` as it was read, the `config` with
    all `layers` upon it, and the `runtime` that requests read. `then` is called after every change;
    `event` logs.

    Raises `BuildFault` when something that the file names cannot be made.
    """

    def __init__(
        self,
        file: Config,
        environ: Mapping[str, str],
        origin: Origin,
        layers: Sequence[Layer],
        together: Together | None,
        on_policy_error: Callable[[str, Exception], None],
        then: Callable[[], None],
    ) -> None:
        self.event: Callable[..., None] = lambda *_, **__: None
        self._retry: asyncio.TimerHandle | None = None
        self._environ, self._http = environ, Http()
        self._clock = asyncio.get_running_loop().time
        self._layers, self._together, self._then = layers, together, then
        self.file, self.config = file, self._layered(file)
        self._made = Made()
        routes, facts = self._given(self.config, self._made)
        engine = Engine(
            routes,
            facts=facts,
            rng=Random(origin.seed),
            now=origin.started,
            on_policy_error=on_policy_error,
            on_news=None if together is None else together.fleet.notice,
        )
        upstreams = build.upstreams_of(self.config, environ, self._http)
        fleet = self._fleetwide(facts)
        self.runtime = runtime_of(self.config, routes, engine, upstreams, fleet, made=self._made)
        self._tell(facts)

    def take(self, file: Config) -> list[str]:
        """Put another file in force in one step, or say what stands against that, and change
        nothing.
        """
        if restart := needs_restart(self.file, file):
            return [f"{key} changed, which needs a restart" for key in restart]
        try:
            self._put(file, afresh=True)
        except (choosing.BuildFault, OSError) as error:
            return str(error).splitlines()
        return []

    def again(self) -> None:
        """Put the same file in force in one step, with what its layers say now. Where that cannot
        be, what was in force stays, and it is tried again.
        """
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        try:
            self._put(self.file, afresh=False)
        except (choosing.BuildFault, OSError) as error:
            self.event("what is in force stays, what is new cannot be:", why=str(error))
            self._retry = asyncio.get_running_loop().call_later(AGAIN, self.again)

    async def close(self) -> None:
        """Close all connections."""
        if self._retry is not None:
            self._retry.cancel()
        await self._http.close()

    def _put(self, file: Config, *, afresh: bool) -> None:
        old, config, made = self.runtime, self._layered(file), Made(self._made)
        routes, facts = self._given(config, made)
        upstreams = old.upstreams
        if afresh or config.providers != self.config.providers:
            # Also where the file says the same: what it names, such as certificates, may not.
            upstreams = build.upstreams_of(config, self._environ, self._http)
        fleet = self._fleetwide(facts)
        runtime = runtime_of(config, routes, old.engine, upstreams, fleet, old.listed, made)
        runtime.engine.replace(routes, facts, self._clock())
        runtime.tenants.take_over(old.tenants)
        self.file, self.config, self.runtime, self._made = file, config, runtime, made
        self._tell(facts)
        self._then()

    def under(self, layer: Layer) -> Config:
        """The file in force as it is below that one of its layers."""
        config = self.file
        for one in self._layers[: self._layers.index(layer)]:
            config = one(config)
        return config

    def _layered(self, config: Config) -> Config:
        for layer in self._layers:
            config = layer(config)
        return config

    def _given(self, config: Config, made: Made) -> tuple[dict[str, Route], dict[str, Facts]]:
        return build.routes_of(config, made), build.facts_of(config, self._clocks())

    def _clocks(self) -> Clocks:
        return Clocks(self._clock(), time.time())

    def _fleetwide(self, facts: Mapping[str, Facts]) -> Fleetwide | None:
        return None if self._together is None else self._together.of(facts, self._clocks())

    def _tell(self, facts: Mapping[str, Facts]) -> None:
        if self._together is not None:
            self._together.runs(self.runtime, facts)
