"""Runs faults, one after the other, on one router; what takes seconds runs beside the others."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import openai
from openai import AsyncOpenAI

from router.testing import Authority, Provider
from tests.drill.fault import GOOD, Certificate, Fault, Sight
from tests.drill.seen import WAYS, Way
from tests.drill.stage import Stage, eventually, written
from tests.e2e.running import serving

GOOD_REQUESTS = 9
Cell = tuple[Fault, Way]


@dataclass
class Row:
    """One fault, and what was seen of it in each way."""

    fault: Fault
    sights: dict[Way, Sight]

    @property
    def wrong(self) -> list[str]:
        """What should not have been."""
        return [told for sight in self.sights.values() for told in sight.wrong]

    @property
    def passes(self) -> bool:
        """Whether all of it was as it must be."""
        return not self.wrong


async def drill(faults: Iterable[Fault], tell: Callable[[Row], None]) -> list[Row]:
    """Run these faults; each row is told as soon as it is there, in their order."""
    chosen = list(faults)
    rows = []
    async with staged(chosen) as (stages, good):
        usual = {way: await usually(good[way], way) for way in WAYS}
        long = {
            (fault.name, way): asyncio.create_task(sight(fault, stages[fault.name, way], way, 0.0))
            for fault in chosen
            for way in fault.ways
            if fault.long
        }
        for fault in chosen:
            if fault.last:
                await asyncio.gather(*long.values())
            sights: dict[Way, Sight] = {}
            for way in fault.ways:
                task = long.get((fault.name, way))
                stage = stages[fault.name, way]
                sights[way] = await (task or sight(fault, stage, way, usual[way]))
            rows.append(Row(fault, sights))
            tell(rows[-1])
    return rows


async def usually(stage: Stage, way: Way) -> float:
    """Seconds that a good request takes at the median."""
    return median([(await stage.ask(way)).seconds for _ in range(GOOD_REQUESTS)])


async def sight(fault: Fault, stage: Stage, way: Way, usual: float) -> Sight:
    """Run one fault in one way."""
    if fault.scene is not None:
        try:
            seen = await fault.scene(stage, way)
        except openai.APIError as error:
            seen = Sight(type(error).__name__, wrong=[str(error)])
    else:
        seen = await plain(fault, stage, way, usual)
    expected = fault.attempts
    if expected is not None:
        await eventually(lambda: stage.attempts() == expected, within=0.3)
        seen.attempts = stage.attempts()
        if seen.attempts != expected:
            told, wanted = ("+".join(map(str, pair)) for pair in (seen.attempts, expected))
            seen.wrong.append(f"{told} attempts instead of {wanted}")
    return seen


async def plain(fault: Fault, stage: Stage, way: Way, usual: float) -> Sight:
    """Ask as often as the fault says; what was seen first, and all that was wrong."""
    asked = [await stage.ask(way, **fault.asks) for _ in range(fault.times)]
    wrong = [told for seen in asked for told in fault.expected.wrong(seen, seen.seconds - usual)]
    return Sight(str(asked[0]), asked[0].seconds - usual, stage.attempts(), wrong)


def certified(authority: Authority, how: Certificate) -> ssl.SSLContext:
    """A server's certificate, where the router trusts this authority."""
    match how:
        case "right":
            return authority.server()
        case "expired":
            return authority.server(expired=True)
        case "of an unknown authority":
            return Authority().server()
        case "for another name":
            return authority.server("elsewhere.example")


@asynccontextmanager
async def staged(
    faults: list[Fault],
) -> AsyncIterator[tuple[dict[tuple[str, Way], Stage], dict[Way, Stage]]]:
    """A router with a stage for each fault in each way, and one in each way without a fault."""
    cells: list[Cell] = [(fault, way) for fault in faults for way in fault.ways]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        authority = Authority()
        (folder / "ca.pem").write_bytes(authority.pem)
        stages = {}
        for number, (fault, way) in enumerate(cells):
            tls = certified(authority, fault.tls) if fault.tls else None
            first = await stack.enter_async_context(Provider(fault.first, tls=tls))
            second = await stack.enter_async_context(Provider(fault.second))
            if fault.gone:
                await first.down()
            keys = "tls: {ca: ca.pem}" if fault.tls else fault.keys
            stages[fault.name, way] = Stage(
                f"f{number}", first, second, keys, fault.serves, fault.route, fault.ladder
            )
        good = {}
        for way in WAYS:
            first = await stack.enter_async_context(Provider(GOOD))
            good[way] = Stage(f"good-{way}", first, first)
        everyone = [*stages.values(), *good.values()]
        router = stack.enter_context(serving(folder, written(everyone)))
        client = await stack.enter_async_context(
            AsyncOpenAI(base_url=router.base_url, api_key="unused", max_retries=0)
        )
        for stage in everyone:
            stage.router, stage.client = router, client
        yield stages, good
