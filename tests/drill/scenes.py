"""What takes more than a request to see: clients that leave or take nothing, keys that are sent
twice, everybody gone and back, a router that is told to leave.
"""

import asyncio
import signal
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from openai import APIError

from router.testing import Answer, Silence
from tests.drill.fault import GOOD, QUICK, TEXT, Expected, Sight
from tests.drill.seen import QUESTION, Seen, Way
from tests.drill.stage import Stage, eventually
from tests.e2e import running

ENDLESS = Answer("word " * 2000).paced(0.02)
VAST = Answer(" ".join(["w" * 100_000] * 300))
"""30 MB: more than fits between a provider and a client that takes nothing."""
UPSTREAM_ENDS = 0.1
"""Seconds in which a provider learns that the client has left."""
CLIENT_WRITE = 0.3
"""As the drill's file sets it."""


async def opened(stage: Stage) -> Any:
    """A stream of which the first content has come."""
    stream: Any = await stage.asking.chat.completions.create(
        model=stage.name, messages=QUESTION, stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    return stream


async def told_of_leaving(stage: Stage, left: float, end: str, within: float) -> Sight:
    """How long the provider worked on after the client had left, at this instant."""
    wrong = []
    seconds = None
    if await eventually(lambda: stage.first.requests[0].left, within=within + 2):
        seconds = (stage.first.requests[0].left_at or left) - left
    if seconds is None or seconds > within:
        wrong.append(f"the provider worked on, {within * 1000:.0f} ms are allowed")
    if not await eventually(lambda: stage.ended(end)):
        wrong.append(f"no request that ended as {end!r}")
    return Sight("provider's side ended", seconds, stage.attempts(), wrong)


async def client_leaves(stage: Stage, way: Way) -> Sight:
    """The client leaves within a stream, or before a whole answer."""
    loop = asyncio.get_running_loop()
    if way == "stream":
        stage.first.script = ENDLESS
        stream = await opened(stage)
        left = loop.time()
        await stream.close()
    else:
        stage.first.script = Silence()
        task = asyncio.create_task(stage.ask(way))
        await eventually(lambda: stage.first.requests)
        left = loop.time()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return await told_of_leaving(stage, left, "gone", UPSTREAM_ENDS)


async def client_takes_nothing(stage: Stage, _: Way) -> Sight:
    """The client reads the first piece of a long answer, and then nothing."""
    stage.first.script = VAST
    stream = await opened(stage)
    began = asyncio.get_running_loop().time()
    sight = await told_of_leaving(stage, began, "slow", CLIENT_WRITE + QUICK)
    with suppress(APIError):
        await stream.close()
    return sight


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def key_again(stage: Stage, way: Way) -> Sight:
    """The same request with the same key, when the first has its answer."""
    key = str(uuid4())
    once = await stage.ask(way, extra_headers=keyed(key))
    again = await stage.ask(way, extra_headers=keyed(key))
    wrong = [] if once.text == again.text == TEXT else [f"the texts {once.text!r}, {again.text!r}"]
    if again.headers.get("idempotent-replayed") != "true":
        wrong.append("no idempotent-replayed")
    return Sight("the same answer", again.seconds, stage.attempts(), wrong)


async def key_in_use(stage: Stage, way: Way) -> Sight:
    """The same request with the same key, while the first runs."""
    key = str(uuid4())
    stage.first.script = GOOD.delayed(0.15)
    once = asyncio.create_task(stage.ask(way, extra_headers=keyed(key)))
    await eventually(lambda: stage.first.requests)
    again = await stage.ask(way, extra_headers=keyed(key))
    wrong = Expected(error="ConflictError", code=("idempotency_key_in_use",)).wrong(again, 0)
    wrong += Expected(by=("first",)).wrong(await once, 0)
    return Sight(str(again), again.seconds, stage.attempts(), wrong)


async def key_of_another(stage: Stage, way: Way) -> Sight:
    """Another request with the same key."""
    key = str(uuid4())
    await stage.ask(way, extra_headers=keyed(key))
    again = await stage.ask(way, extra_headers=keyed(key), max_tokens=7)
    expected = Expected(error="UnprocessableEntityError", code=("idempotency_key_reused",))
    return Sight(str(again), again.seconds, stage.attempts(), expected.wrong(again, 0))


async def gone_and_back(stage: Stage, way: Way) -> Sight:
    """Everybody is gone until the router asks nobody; then they are back, and the client comes
    when it was told to.
    """
    await stage.first.down()
    await stage.second.down()
    wrong = []
    seen = Seen()
    for _ in range(12):
        seen = await stage.ask(way)
        if seen.status not in (502, 503):
            wrong.append(f"{seen} while everybody is gone")
        if seen.retry_after is not None:
            break
    await stage.first.up()
    await stage.second.up()
    if seen.retry_after is None:
        return Sight(str(seen), None, stage.attempts(), [*wrong, "no Retry-After"])
    await asyncio.sleep(seen.retry_after)
    back = await stage.ask(way)
    wrong += Expected().wrong(back, 0)
    return Sight(f"{seen.status}; {seen.retry_after:.0f} s later an answer", None, None, wrong)


async def router_leaves(stage: Stage, way: Way) -> Sight:
    """SIGTERM within a stream. It is the last scene: nobody is there afterwards."""
    task = asyncio.create_task(stage.ask(way))
    router = stage.running
    await eventually(lambda: stage.first.requests)
    router.process.send_signal(signal.SIGTERM)
    unready = await eventually(lambda: running.ask(router.listen, "GET", "/readyz").status == 503)
    began = time.perf_counter()
    seen = await task
    wrong = [] if unready else ["/readyz still says yes"]
    wrong += Expected(by=("first",)).wrong(seen, 0)
    if not await eventually(lambda: router.process.poll() is not None, within=5):
        wrong.append("the process stays")
    return Sight("answer, then the process ends", time.perf_counter() - began, None, wrong)
