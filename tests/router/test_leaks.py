"""Clients that leave at random, providers that fail at random: nothing of it stays behind."""

import asyncio
from pathlib import Path
from random import Random

import aiohttp
import pytest

from router.testing import (
    Answer,
    Body,
    HangUp,
    Provider,
    Reply,
    Request,
    Reset,
    Silence,
    Status,
)
from tests.router.running import JSON, Running, completion, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults:
  deadline: 2s
  timeouts: {{connect: 1s, first_token: 100ms, between_tokens: 100ms}}
providers:
  one: {{base_url: "{0}", models: [m], limits: {{concurrent: 40, requests: 100k/min}}}}
  two: {{base_url: "{1}", models: [m], connections: 10}}
  three: {{base_url: "{2}", models: [m]}}
models:
  chat: {{targets: [one/m, two/m, three/m]}}
"""
GOOD = Answer("one two three four five six seven")
REPLIES: list[Reply] = [
    *[GOOD] * 12,
    GOOD.paced(0.002),
    GOOD.delayed(0.02),
    GOOD.closing(),
    GOOD.hung_up(),
    GOOD.hung_up(0.01),
    GOOD.cut(after=2),
    GOOD.reset(after=3),
    GOOD.stalled(after=3),
    GOOD.malformed(after=2),
    Status(500),
    Status(429, retry_after=0.05),
    Body("<html>no</html>", 502),
    Reset(),
    HangUp(),
    Silence(),
]


async def ask(router: Running, rng: Random) -> str:
    """One client: it reads to the end, or leaves at some moment."""
    body = completion("chat", stream=rng.random() < 0.6)
    patience = rng.choice([5.0, 5.0, 5.0, rng.uniform(0, 0.05)])
    url = f"http://{router.listen}/v1/chat/completions"
    try:
        async with asyncio.timeout(patience):
            async with router.client.post(url, data=body, headers=JSON) as answer:
                await answer.read()
    except TimeoutError:
        assert patience < 1, "a request hung"
        return "left"
    except aiohttp.ClientError:
        return "broken"
    return str(answer.status)


async def crowd(folder: Path, requests: int, seed: int) -> dict[str, int]:
    """So many requests, a hundred at a time; how they ended."""
    rng = Random(seed)
    ends: dict[str, int] = {}

    def reply(_: Request) -> Reply:
        return rng.choice(REPLIES)

    async def client(router: Running, count: int) -> None:
        for _ in range(count):
            end = await ask(router, rng)
            ends[end] = ends.get(end, 0) + 1

    # In threads of their own: every task of this loop is then the router's, or a client's.
    with Provider(reply) as one, Provider(reply) as two, Provider(reply) as three:
        path = folder / "providers.yaml"
        path.write_text(FILE.format(one.url, two.url, three.url))
        async with running(path) as router:
            async with asyncio.TaskGroup() as group:
                for _ in range(100):
                    group.create_task(client(router, requests // 100))
            async with asyncio.timeout(3):
                while router.app.pipeline.running:  # noqa: ASYNC110 - it is the router's to know
                    await asyncio.sleep(0.01)
            snapshot = router.app.state.runtime.engine.snapshot(asyncio.get_running_loop().time())
            assert all(target.in_flight == 0 for target in snapshot.values())
    return ends


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def nothing_stays(folder: Path, requests: int, seed: int) -> None:
    await crowd(folder, 100, seed)  # what is imported and made once
    before = descriptors()
    ends = await crowd(folder, requests, seed + 1)
    await asyncio.sleep(0.05)
    assert descriptors() == before
    assert ends["200"] > requests / 4
    assert ends["left"] > requests / 20


async def test_nothing_of_a_hundred_clients_stays_behind(tmp_path: Path) -> None:
    await nothing_stays(tmp_path, 600, seed=1)


@pytest.mark.proof
async def test_nothing_of_ten_thousand_requests_stays_behind(tmp_path: Path) -> None:
    await nothing_stays(tmp_path, 10_000, seed=7)
