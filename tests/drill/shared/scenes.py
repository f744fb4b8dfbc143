"""What takes more than an outage to see: instances that come and die, and what they tell each
other.
"""

from __future__ import annotations

import asyncio
import time

from router.testing import Status
from tests.drill.fault import GOOD, TEXT
from tests.drill.seen import Seen
from tests.drill.shared.failure import LIMIT, Sight
from tests.drill.shared.outage import BEFORE, EVERY, RETURNS, counted, honest
from tests.drill.shared.stage import AWAY, Stage, eventually

STARTS = 8.0
"""Seconds that a router may take to start on a machine that does other things as well."""
USUAL = GOOD.delayed(0.5)
"""Long enough for all instances to ask while the probe of one of them is under way."""
HELD = GOOD.delayed(60.0)
LEASE = (8.0, 22.0)
"""Seconds after which places of one that died are free: 15 from its last word, which it says every
five, and until somebody asks.
"""
HEARD = 0.5
"""Seconds until a sibling has heard, with how long it takes to ask it."""
RECOVERED = 1.5


async def warns(stage: Stage) -> Sight:
    """All is well, and the log says what is not as it should be."""
    sight = Sight()
    seen = await stage.ask_all(LIMIT + 20, EVERY / 2)
    sight.check(all(honest(one) for one in seen), "not all are answered, or refused by the limit")
    sight.clients, sight.sent = counted(seen), stage.sent
    sight.check(stage.sent == LIMIT, f"{stage.sent} sent of {LIMIT}")
    lines = stage.lines("shared limits, on a server that is not as it should be:")
    sight.check(all(len(found) == 1 for found in lines), f"the log says {lines}")
    told = [one["warnings"] for one in await stage.shared()]
    sight.check(all("maxmemory-policy is allkeys-lru" in one[0] for one in told), f"{told}")
    sight.says = "its maxmemory-policy is allkeys-lru: …"
    return sight


async def starts_meanwhile(stage: Stage) -> Sight:
    """A third instance starts while the server is away: it serves, and its requests count."""
    sight = Sight()
    await stage.ask_all(BEFORE, EVERY)
    stage.ground.server.kill()
    began = time.monotonic()
    with stage.instance(2) as third:
        sight.at_first = time.monotonic() - began
        sight.check(sight.at_first <= STARTS, f"{sight.at_first:.1f} s until it was ready")
        stage.joined(third)
        seen = [await stage.ask(2) for _ in range(10)]
        sight.check(all(one.text == TEXT for one in seen), f"it says {counted(seen)}")
        logs = stage.lines(AWAY + ",")[2]
        sight.check(len(logs) == 1 and "nothing listens there" in logs[0], f"it logs {logs}")
        sight.while_away = stage.sent
        stage.ground.server.start()
        sight.back = await stage.until_all(up=True, within=RETURNS)
        sight.check(sight.back is not None, "not all have it back")
        after = await stage.ask_all(2 * LIMIT, EVERY / 4)
        sight.check(all(honest(one) for one in after), f"afterwards {counted(after)}")
        sight.sent, sight.clients = stage.sent, counted([*seen, *after])
        sight.check(LIMIT * 0.95 <= stage.sent <= LIMIT, f"{stage.sent} sent of {LIMIT}")
        stage.routers.pop(), stage.clients.pop()
    return sight


async def dies_with_places(stage: Stage) -> Sight:
    """Places of an instance that was killed are free for the others after its lease."""
    sight = Sight()
    stage.first.script = [HELD, HELD, GOOD]
    held = [asyncio.create_task(stage.ask(0)) for _ in range(2)]
    await eventually(lambda: len(stage.first.requests) == 2, within=2)
    refused = await stage.ask(1, extra_headers={"x-router-timeout": "0.5"})
    sight.check(refused.error, "a sibling has a place that is taken")
    stage.routers[0].kill()
    began = time.monotonic()
    seen = Seen(error="not asked")
    while seen.error and time.monotonic() - began < LEASE[1]:
        seen = await stage.ask(1)
        sight.check(not seen.error or seen.status in (429, 504), f"a client saw {seen}")
    sight.back = time.monotonic() - began
    sight.check(not seen.error, f"no place after {sight.back:.0f} s")
    sight.check(sight.back >= LEASE[0], f"a place after {sight.back:.1f} s already")
    lost = [one.error for one in await asyncio.gather(*held)]
    sight.check(all(lost), "its own clients saw an answer")
    sight.clients, sight.sent = f"{lost[0]}; then an answer", stage.sent
    return sight


async def rests(stage: Stage) -> Sight:
    """A provider tells one instance to come back later; the other does not ask it either."""
    sight = Sight()
    stage.first.script = Status(429, retry_after=30)
    began = time.monotonic()
    seen = [await stage.ask(0)]
    sibling = stage.routers[1]
    heard = await eventually(lambda: _state(sibling.status()) == "resting", within=2)
    sight.back = time.monotonic() - began
    sight.check(heard and sight.back <= HEARD, f"a sibling knows after {sight.back * 1000:.0f} ms")
    seen += await stage.ask_all(10, EVERY)
    sight.check(all(one.text == TEXT for one in seen), counted(seen))
    asked = len(stage.first.requests)
    sight.check(asked == 1, f"it was asked {asked} times")
    sight.clients, sight.sent = counted(seen), asked
    return sight


async def probes(stage: Stage) -> Sight:
    """One that was ejected everywhere is asked by one instance, once; all have it back."""
    sight = Sight()
    stage.first.script, stage.second.script = Status(500), USUAL
    seen: list[Seen] = []
    while not all(_state(told) == "ejected" for told in await stage.statuses()):
        seen += await stage.ask_all(2, EVERY)
        if len(seen) > 100:
            break
    stage.first.script = USUAL
    before = len(stage.first.requests)
    began = time.monotonic()
    asking: list[asyncio.Task[Seen]] = []
    while len(stage.first.requests) == before and time.monotonic() - began < 12:
        asking.append(asyncio.create_task(stage.ask(len(asking) % 2)))
        await asyncio.sleep(EVERY)
    for _ in range(8):  # while the probe is under way
        asking.append(asyncio.create_task(stage.ask(len(asking) % 2)))
        await asyncio.sleep(EVERY)
    asked = len(stage.first.requests) - before
    sight.check(asked == 1, f"it was asked {asked} times at once")
    seen += await asyncio.gather(*asking)
    [probe] = stage.first.requests[before : before + 1]
    await probe.until_over()
    began = time.monotonic()
    back = False
    while not back and time.monotonic() - began < 3:
        back = all(_state(told) in ("recovering", "healthy") for told in await stage.statuses())
    sight.back = time.monotonic() - began
    sight.check(back and sight.back <= RECOVERED, f"all have it back after {sight.back:.1f} s")
    sight.check(all(one.text == TEXT for one in seen), counted(seen))
    sight.clients, sight.sent = counted(seen), asked
    return sight


def _state(told: dict[str, object]) -> object:
    targets = told["targets"]
    assert isinstance(targets, dict)
    return targets["first/m"]["state"]
