"""A router between two providers: production, and its shadow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from router.shadow.evidence import Evidence
from router.testing import Provider
from tests.router.running import Answer, Running, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", plugins: [{plugins}]}}
defaults:
  timeouts: {{connect: 1s, first_token: 5s, between_tokens: 5s}}
providers:
  production: {{base_url: "{production}", models: {{m: {{price: {{input: 1, output: 2}}}}}}}}
  shadow:
    base_url: "{shadow}"
    {provider}
    models: {{m: {{price: {{input: 2, output: 4}}}}}}
models:
  chat: {{targets: [production/m], shadow: {{to: shadow/m, share: 100%, rate: 6k/min{more}}}}}
{rest}
"""


class Two:
    """The router, and its page about the shadow."""

    def __init__(self, router: Running, production: Provider, shadow: Provider) -> None:
        self.router, self.production, self.shadow = router, production, shadow

    async def chat(self, **fields: Any) -> Answer:
        told: Answer = await self.router.chat(**fields)
        return told

    async def page(self) -> dict[str, Any]:
        told: dict[str, Any] = (await self.router.ask_admin("GET", "/shadow/chat")).told
        return told

    async def copied(self, count: int) -> None:
        """Wait until the shadow was asked so many times."""
        for _ in range(400):
            if len(self.shadow.requests) >= count:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(len(self.shadow.requests))

    async def settled(self, sampled: int) -> dict[str, Any]:
        """Its page, once so many requests were sampled, and each is compared or is not."""
        for _ in range(400):
            page = await self.page()
            over = page["running"] == 0
            if over and page["sampled"] == sampled == page["pairs"] + sum(page["held"].values()):
                return page
            await asyncio.sleep(0.005)
        raise AssertionError(page)

    async def evidence(self, sampled: int) -> Evidence:
        """What the page is made of."""
        return msgspec.convert((await self.settled(sampled))["evidence"], Evidence, strict=False)


@asynccontextmanager
async def two(
    folder: Path,
    production: Any = None,
    shadow: Any = None,
    *,
    more: str = "",
    provider: str = "",
    plugins: str = "",
    rest: str = "",
) -> AsyncIterator[Two]:
    """Both providers by their scripts; `more` stands in the route's shadow, `provider` in that of
    the shadow, `rest` at the end of the file.
    """
    async with Provider(production) as one, Provider(shadow) as other:
        path = folder / "providers.yaml"
        path.write_text(
            FILE.format(
                production=one.url,
                shadow=other.url,
                more=f", {more}" if more else "",
                provider=provider,
                plugins=plugins,
                rest=rest,
            )
        )
        async with running(path) as router:
            yield Two(router, one, other)
