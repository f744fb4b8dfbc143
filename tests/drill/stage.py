"""A router in a process of its own and two scripted providers for each fault in each way, so that
no fault knows of another.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from openai import AsyncOpenAI

from router.testing import Provider
from tests.drill.seen import Seen, Way, ask
from tests.e2e.running import Router

FILE = """\
version: 1
server: {{drain: {{announce: 500ms, wait: 5s}}}}
defaults:
  deadline: 20s
  timeouts: {{connect: 1s, first_token: 300ms, between_tokens: 300ms, client_write: 300ms}}
providers:
{providers}
models:
{models}"""
TARGETS = """\
  first-{name}: {{base_url: "{first}", {keys} models: {{m-{name}: {{{serves}}}}}}}
  second-{name}: {{base_url: "{second}", models: [m-{name}]}}
"""
ROUTE = """\
  {name}:
    {route}
    policy: weighted_round_robin
    targets: {{first-{name}/m-{name}: 1000000, second-{name}/m-{name}: 1}}
"""
"""The first is asked first, and neither is alone: who is alone is asked once more on the spot."""
LADDER = """\
  {name}:
    targets: [first-{name}/m-{name}]
    when_all_fail: [{{model: backup-{name}}}, {{text: one two three four five}}]
  backup-{name}: {{targets: [second-{name}/m-{name}]}}
"""
"""The second is what the first falls back on, and after it there is a text."""


@dataclass
class Stage:
    """One fault in one way: a route of its own, with a first target and a second, or with a
    ladder.
    """

    name: str
    first: Provider
    second: Provider
    keys: str = ""
    serves: str = ""
    settings: str = ""
    ladder: bool = False
    router: Router | None = None
    client: AsyncOpenAI | None = None

    @property
    def targets(self) -> str:
        """Its lines of the file, under `providers`."""
        keys = f"{self.keys}," if self.keys else ""
        urls = {"first": self.first.url, "second": self.second.url}
        return TARGETS.format(name=self.name, keys=keys, serves=self.serves, **urls)

    @property
    def route(self) -> str:
        """Its lines of the file, under `models`."""
        return (LADDER if self.ladder else ROUTE).format(name=self.name, route=self.settings)

    @property
    def running(self) -> Router:
        """The router."""
        assert self.router is not None
        return self.router

    @property
    def asking(self) -> AsyncOpenAI:
        """The client."""
        assert self.client is not None
        return self.client

    async def ask(self, way: Way, **more: object) -> Seen:
        """Ask this route's model."""
        return await ask(self.asking, self.name, way, **more)

    def attempts(self) -> tuple[int, int]:
        """How many attempts on each of the two targets have ended."""
        rows = self.running.status()["attempts"]
        first, second = (
            sum(row["count"] for row in rows if row["target"].startswith(f"{which}-{self.name}/"))
            for which in ("first", "second")
        )
        return first, second

    def ended(self, end: str) -> bool:
        """Whether the router says that a request of this route ended so."""
        rows = self.running.status()["requests"]
        return any(row["model"] == self.name and row["end"] == end for row in rows)


def written(stages: list[Stage]) -> str:
    """The file of a router with all of these."""
    targets = "".join(stage.targets for stage in stages).rstrip("\n")
    return FILE.format(providers=targets, models="".join(stage.route for stage in stages))


async def eventually(happened: Callable[[], object], within: float = 1.0) -> bool:
    """Wait until it has happened; whether it has."""
    deadline = time.monotonic() + within
    while not happened():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True
