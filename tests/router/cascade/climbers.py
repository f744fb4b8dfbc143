"""A router before a cheap and a dear provider, and one that judges."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router.testing import Provider
from tests.router.running import Answer, Running, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", plugins: [{plugins}], {server}}}
defaults:
  timeouts: {{connect: 1s, first_token: 5s, between_tokens: 5s}}
providers:
  cheap: {{{preset}base_url: "{cheap}", models: {{m: {{price: {{input: 1, output: 2}}}}}}}}
  dear:
    {{{preset}base_url: "{dear}", models: {{m: {{price: {{input: {price}, output: {price}}}}}}}}}
  judge: {{base_url: "{judge}", models: {{m: {{price: {{input: 1, output: 1}}}}}}}}
models:
  chat:
    policy: cost_tiers
    tiers: [[cheap/m], [dear/m]]
    cascade: {cascade}
    {more}
  judges: {{targets: [judge/m]}}
"""


class Climbers:
    """The router, and its providers."""

    def __init__(self, router: Running, cheap: Provider, dear: Provider, judge: Provider) -> None:
        self.router, self.cheap, self.dear, self.judge = router, cheap, dear, judge

    async def chat(self, **fields: Any) -> Answer:
        told: Answer = await self.router.chat(**fields)
        return told

    async def say(self, **fields: Any) -> str:
        """What the client is told."""
        told = await self.chat(**fields)
        assert told.status == 200, told.body
        words: str = told.told["choices"][0]["message"]["content"]
        return words

    async def page(self) -> dict[str, Any]:
        """What status says of the cascade."""
        told = (await self.router.ask_admin("GET", "/status")).told
        page: dict[str, Any] = told["cascades"]["chat"]
        return page

    async def audited(self, count: int) -> dict[str, Any]:
        """The same, once so many answers of the first tier were compared."""
        for _ in range(400):
            page = await self.page()
            if page["tiers"][0]["audited"] >= count:
                return page
            await asyncio.sleep(0.005)
        raise AssertionError(page)

    async def settled(self, count: int) -> dict[str, Any]:
        """The same, once so many were compared, or were not to be."""
        for _ in range(400):
            page = await self.page()
            if page["tiers"][0]["audited"] + sum(page["not_audited"].values()) >= count:
                return page
            await asyncio.sleep(0.005)
        raise AssertionError(page)

    @property
    def asked(self) -> tuple[int, int]:
        """How often the cheap and the dear one were."""
        return len(self.cheap.requests), len(self.dear.requests)


@asynccontextmanager
async def climbers(
    folder: Path,
    cheap: Any,
    dear: Any = None,
    judge: Any = None,
    *,
    cascade: str = "auto",
    more: str = "",
    price: float = 10,
    plugins: str = "",
    server: str = "",
    preset: str = "",
) -> AsyncIterator[Climbers]:
    """The providers by their scripts; `more` stands in the route, `preset` before what the first
    two have.
    """
    async with Provider(cheap) as one, Provider(dear) as two, Provider(judge) as three:
        path = folder / "providers.yaml"
        path.write_text(
            FILE.format(
                cheap=one.url,
                dear=two.url,
                judge=three.url,
                cascade=cascade,
                more=more,
                price=price,
                plugins=plugins,
                server=server,
                preset=preset,
            )
        )
        async with running(path) as router:
            yield Climbers(router, one, two, three)
