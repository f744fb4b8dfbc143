"""Clients that leave at random while their streams are held, providers that fail at random: nothing
of it stays behind, and every client that stays has one answer.
"""

import asyncio
from pathlib import Path
from random import Random

import aiohttp

from router.testing import Answer, HangUp, Provider, Reply, Request, Reset, Silence, Status
from tests.router.running import JSON, Running, completion, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults:
  deadline: 2s
  timeouts: {{connect: 1s, first_token: 100ms, between_tokens: 100ms}}
providers:
  one: {{base_url: "{0}", models: [m]}}
  two: {{base_url: "{1}", models: [m]}}
  three: {{base_url: "{2}", models: [m]}}
  judge: {{base_url: "{3}", models: [m]}}
models:
  judges: {{targets: [judge/m]}}
  chat:
    policy: cost_tiers
    tiers: [[one/m], [two/m], [three/m]]
    interrupted: resume
    cascade: {{checks: [empty, refusal, {{judge: judges, budget: none}}], head: 1KiB}}
"""
SHORT = Answer("one two three")
LONG = Answer(" ".join(f"word{number}" for number in range(60)))
SORRY = Answer(f"I cannot help you with that, {LONG.text}")
CHEAP: list[Reply] = [
    *[SHORT, LONG, SORRY] * 4,
    LONG.paced(0.002),
    LONG.cut(after=3),
    LONG.cut(after=20),
    LONG.reset(after=4),
    LONG.stalled(after=3),
    LONG.stalled(after=20),
    SORRY.stalled(after=30),
    Answer("I cannot help you."),
    Status(500),
    Reset(),
    HangUp(),
    Silence(),
]
VERDICTS: list[Reply] = [*[Answer("YES"), Answer("NO")] * 4, Status(500), Silence()]


async def ask(router: Running, rng: Random) -> str:
    """One client: it reads to the end, or leaves at some moment."""
    patience = rng.choice([5.0, 5.0, rng.uniform(0, 0.05)])
    url = f"http://{router.listen}/v1/chat/completions"
    body, told = completion("chat", stream=True), b""
    try:
        async with asyncio.timeout(patience):
            async with router.client.post(url, data=body, headers=JSON) as answer:
                told = await answer.read()
    except TimeoutError:
        assert patience < 1, "a request hung"
        return "left"
    except aiohttp.ClientError:
        return "broken"
    whole = told.count(b"data: [DONE]")
    assert whole == (answer.status == 200 and b'"error"' not in told)
    assert told.count(b'"role"') <= 1  # one stream has one beginning
    return "whole" if whole else "error"


async def test_nothing_of_two_hundred_clients_stays_behind(tmp_path: Path) -> None:
    rng, ends = Random(3), dict.fromkeys(("whole", "error", "left", "broken"), 0)

    def cheap(_: Request) -> Reply:
        return rng.choice(CHEAP)

    def judge(_: Request) -> Reply:
        return rng.choice(VERDICTS)

    async def client(router: Running, count: int) -> None:
        for _ in range(count):
            ends[await ask(router, rng)] += 1

    with (
        Provider(cheap) as one, Provider(cheap) as two, Provider(cheap) as three,
        Provider(judge) as four,
    ):  # fmt: skip
        path = tmp_path / "providers.yaml"
        path.write_text(FILE.format(one.url, two.url, three.url, four.url))
        async with running(path) as router:
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(client(router, 10))
            async with asyncio.timeout(3):
                while router.app.pipeline.running:  # noqa: ASYNC110 - it is the router's to know
                    await asyncio.sleep(0.01)
            snapshot = router.app.state.runtime.engine.snapshot(asyncio.get_running_loop().time())
            assert all(target.in_flight == 0 for target in snapshot.values())
    assert ends["whole"] > 60
    assert ends["left"] > 20
