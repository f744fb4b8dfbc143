"""A pipeline with a cascade, of which each target is a tier, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from policies import Price
from policies.cost_tiers import CostTiers
from router.aside import Aside
from router.cascade.auditing import Auditing
from router.cascade.cascades import Cascades
from router.cascade.checking import Checking
from router.cascade.checks import BEGINNINGS, BUILT_IN, Check
from router.cascade.lane import Lane
from router.cascade.terms import OwnCheck, Terms
from router.telemetry.journal import Journal
from router.upstream.fetch import Fetcher
from tests.router.scene import InOrder, Scene, failed
from tests.router.scripted import Client, Script

FREE = tuple(Check(name, holds, BEGINNINGS.get(name)) for name, holds in BUILT_IN.items())


class Held(Scene):
    """See `Scene`. Of streams `head` bytes are held back; `others` are asked of what is whole."""

    def __init__(
        self,
        scripts: Mapping[str, Iterable[Script]],
        *,
        head: int = 1000,
        others: Sequence[OwnCheck] = (),
        **options: Any,
    ) -> None:
        super().__init__(scripts, policy=CostTiers(within=InOrder()), tiered=True, **options)
        loop = asyncio.get_running_loop()
        names = [target.name for target in self.routes["chat"].targets]
        prices = {name: Price(10**at, 10**at) for at, name in enumerate(names)}
        self.terms = Terms(
            "chat",
            FREE,
            tuple(others),
            True,
            {name: at for at, name in enumerate(names)},
            prices,
            tuple(prices.values()),
            None,
            None,
            "1",
            head,
        )
        self.runtime = replace(self.runtime, cascades={"chat": self.terms})
        journal = Journal([self.kept], failed)
        aside = Aside(lambda: self.runtime, journal, loop, Fetcher(), None)
        checking = Checking(aside, self.pipeline.owners)
        self.heads = checking.heads
        auditing = Auditing(aside, lambda error: failed("audit", error))  # type: ignore[arg-type]
        self.cascades = Cascades(checking, auditing, Random(1), lambda: 1)
        self.pipeline.cascade = self.cascades.begin

    @property
    def lane(self) -> Lane:
        """What the cascade has come to."""
        return self.cascades.lane(self.terms)

    async def stream(self, sink: Client | None = None, **fields: Any) -> Client:
        """Ask for a streamed answer."""
        return await self.ask(sink, stream=True, **fields)
