"""A fleet on a stage: real router processes, the server between them, and the providers that they
ask.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from router.testing import Chaos, Provider
from tests.drill.fault import GOOD
from tests.drill.seen import Seen, ask
from tests.drill.shared.ground import Ground, Kind, grounded
from tests.e2e import running
from tests.e2e.running import Router, serving

FILE = """\
version: 1
server: {{drain: {{announce: 0s, wait: 1s}}{auth}}}
shared: {{redis: "{url}", when_down: {{provider_limits: {when}, tenant_limits: {when}}}}}
{tenants}
providers:
  first: {{base_url: "{first}", models: [m]{limits}}}
  second: {{base_url: "{second}", models: [m]}}
models:
  chat:
    policy: weighted_round_robin
    targets: {targets}
"""
ALONE, BOTH = "{first/m: 1}", "{first/m: 1000000, second/m: 1}"
KEY = "a-key-of-a-tenant"
DIGEST = "sha256:" + sha256(KEY.encode()).hexdigest()
AWAY, BACK = "shared limits are away", "shared limits are there:"


@dataclass(frozen=True)
class Setting:
    """What a fleet is made of: its server, and the keys of its file. `limits` are the provider's,
    `tenant` those of the one tenant that there is.
    """

    kind: Kind = "one"
    limits: str = "{requests: 100/hour}"
    tenant: str = ""
    closed: bool = False
    both: bool = False


@dataclass
class Stage:
    """One fleet. A router may be added to it; what it `leaves` is closed at the end."""

    setting: Setting
    folder: Path
    ground: Ground
    url: str
    first: Provider
    second: Provider
    leaves: AsyncExitStack
    routers: list[Router] = field(default_factory=list)
    clients: list[AsyncOpenAI] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The file of each of its instances."""
        setting = self.setting
        tenants = f'tenants: {{team: {{keys: ["{DIGEST}"], limits: {setting.tenant}}}}}'
        return FILE.format(
            url=self.url,
            when="fail_closed" if setting.closed else "local_share",
            auth=", auth: keys" if setting.tenant else "",
            tenants=tenants if setting.tenant else "",
            limits=f", limits: {setting.limits}" if setting.limits else "",
            first=self.first.url,
            second=self.second.url,
            targets=BOTH if setting.both else ALONE,
        )

    @contextmanager
    def instance(self, number: int) -> Iterator[Router]:
        """One more, as long as it is entered."""
        folder = self.folder / str(number)
        folder.mkdir()
        with serving(folder, self.file) as router:
            yield router

    def joined(self, router: Router) -> None:
        """It is asked from now on as well."""
        self.routers.append(router)
        client = AsyncOpenAI(base_url=router.base_url, api_key=KEY, max_retries=0)
        self.clients.append(client)
        self.leaves.push_async_callback(client.close)

    async def ask(self, number: int, **more: object) -> Seen:
        """Ask the instance of this number."""
        return await ask(self.clients[number], "chat", "whole", **more)

    async def ask_all(self, times: int, every: float) -> list[Seen]:
        """Ask all instances by turns, so often, whether or not they answered before."""
        begin = time.monotonic()
        asked = []
        for number in range(times):
            await asyncio.sleep(begin + number * every - time.monotonic())
            asked.append(asyncio.create_task(self.ask(number % len(self.clients))))
        return await asyncio.gather(*asked)

    @property
    def sent(self) -> int:
        """How many requests the providers saw of all instances together."""
        return len(self.first.requests) + len(self.second.requests)

    async def shared(self) -> list[dict[str, Any]]:
        """How each instance says that the server is."""
        return [told["shared"] for told in await self.statuses()]

    async def statuses(self) -> list[dict[str, Any]]:
        """What each instance that runs says of itself."""
        return [
            await asyncio.to_thread(router.status)
            for router in self.routers
            if router.process.poll() is None
        ]

    async def metric(self, name: str) -> list[float]:
        """A metric without labels, as each instance has it."""
        pages = [
            await asyncio.to_thread(running.ask, router.admin, "GET", "/metrics")
            for router in self.routers
        ]
        found = [re.search(rf"^{name} (\S+)$", page.text, re.MULTILINE) for page in pages]
        return [float(one[1]) if one else -1.0 for one in found]

    async def until_all(self, up: bool, within: float) -> float | None:
        """Seconds until all instances say that the server is there, or not; None: they do not."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            if all(one["up"] == up for one in await self.shared()):
                return time.monotonic() - began
            await asyncio.sleep(0.02)
        return None

    def lines(self, text: str) -> list[list[str]]:
        """The lines of each log with this text."""
        return [
            [line for line in router.said.splitlines() if text in line] for router in self.routers
        ]


@asynccontextmanager
async def staged(setting: Setting, folder: Path, places: asyncio.Semaphore) -> AsyncIterator[Stage]:
    """A fleet of two that know each other. `places` are for those who start processes."""
    async with AsyncExitStack() as stack, _beside() as threads:
        first = await stack.enter_async_context(Provider(GOOD))
        second = await stack.enter_async_context(Provider(GOOD))
        async with places:
            ground: Ground = await asyncio.to_thread(
                threads.enter_context, grounded(setting.kind, folder)
            )
            if setting.kind == "far":
                ground.network = await stack.enter_async_context(Chaos(ground.url))
            url = ground.network.url if ground.network is not None else ground.url
            stage = Stage(setting, folder, ground, url, first, second, stack)
            for number in range(2):
                stage.joined(await asyncio.to_thread(threads.enter_context, stage.instance(number)))
            if not await eventually(lambda: _know_each_other(stage), within=8):
                raise TimeoutError("the instances do not hear of each other")
        yield stage


@asynccontextmanager
async def _beside() -> AsyncIterator[ExitStack]:
    """What is entered by threads, and left by one, while providers are still there."""
    threads = ExitStack()
    try:
        yield threads
    finally:
        await asyncio.to_thread(threads.close)


def _know_each_other(stage: Stage) -> bool:
    return all(len(router.status()["fleet"]["instances"]) == 2 for router in stage.routers)


async def eventually(happened: Callable[[], object], within: float) -> bool:
    """Wait until it has happened, asked in a thread; whether it has."""
    deadline = time.monotonic() + within
    while not await asyncio.to_thread(happened):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
