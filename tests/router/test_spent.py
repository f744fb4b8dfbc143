"""What an attempt is settled at when its client leaves, at every moment of it, over real sockets:
its input and the tokens that were seen, estimated; nothing at all only if nothing was sent.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from router.testing import Answer, Authority, Provider, Script, Silence
from tests.router.running import Running, running

LIMIT = 10_000
FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  far:
    base_url: "{url}"
    tls: {{ca: ca.pem}}
    limits: {{tokens: {limit}/min, concurrent: 1}}
    models: [m]
models:
  chat: {{targets: [far/m]}}
"""
QUESTION: Any = [{"role": "user", "content": "Which way? " * 40}]
MOST_OUTPUT = 500
GOOD = Answer("one two three four five six")


@dataclass
class Place:
    """A router before one provider, and a client that leaves."""

    router: Running
    client: AsyncOpenAI

    def begin(self, *, stream: bool) -> "asyncio.Task[Any]":
        asking: Any = self.client.chat.completions.create
        return asyncio.create_task(
            asking(model="chat", messages=QUESTION, stream=stream, max_tokens=MOST_OUTPUT)
        )

    def left(self) -> int:
        """Tokens that the provider's limit has left."""
        state = self.router.app.state
        snapshot = state.runtime.engine.snapshot(state.clock())["far/m"]
        return round(snapshot.tokens_left)

    def spent(self) -> int:
        return LIMIT - self.left()

    def counted(self, kind: str) -> int:
        return self.router.app.state.counters.tokens["far/m", kind]

    @property
    def ends(self) -> list[str]:
        counts = self.router.app.state.counters.requests
        return [end for (_, _, _, end), count in counts.items() for _ in range(count)]


@asynccontextmanager
async def place(folder: Path, url: str) -> AsyncIterator[Place]:
    (folder / "ca.pem").write_bytes(Authority().pem)
    path = folder / "providers.yaml"
    path.write_text(FILE.format(url=url, limit=LIMIT))
    async with running(path) as router:
        base = f"http://{router.listen}/v1"
        async with AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as client:
            yield Place(router, client)


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(2.0):
        while not happened():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.002)


async def leave(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_while_waiting_for_a_place_has_taken_nothing(
    stream: bool, tmp_path: Path
) -> None:
    async with Provider(Silence()) as far, place(tmp_path, far.url) as here:
        first = here.begin(stream=stream)
        await until(lambda: far.requests)
        taken = here.spent()
        second = here.begin(stream=stream)
        await until(lambda: here.router.app.pipeline.running == 2)
        await leave(second)
        await until(lambda: here.router.app.pipeline.running == 1)
        assert here.spent() == taken
        assert len(far.requests) == 1
        await leave(first)
        await until(lambda: not here.router.app.pipeline.running)


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_before_there_is_a_connection_is_given_all_back(
    stream: bool, tmp_path: Path
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # it shakes nobody's hand
    port = silent.getsockname()[1]
    async with place(tmp_path, f"https://127.0.0.1:{port}/v1") as here:
        task = here.begin(stream=stream)
        await until(lambda: here.spent() > MOST_OUTPUT)
        await leave(task)
        await until(lambda: here.ends)
        assert (here.spent(), here.ends) == (0, ["gone"])
        assert here.counted("input") == here.counted("output") == 0
    silent.close()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "script", [Silence(), GOOD.stalled(after=0), GOOD.stalled(after_bytes=150)]
)
async def test_who_leaves_before_any_content_has_spent_its_input(
    stream: bool, script: Script, tmp_path: Path
) -> None:
    async with Provider(script) as far, place(tmp_path, far.url) as here:
        task = here.begin(stream=stream)
        await until(lambda: far.requests)
        await asyncio.sleep(0.03)
        await leave(task)
        await until(lambda: here.ends)
        assert here.ends == ["gone"]
        assert 100 < here.spent() < MOST_OUTPUT
        assert here.spent() == here.counted("input")
        assert here.counted("output") == 0


async def test_who_leaves_within_a_stream_has_spent_its_input_and_what_was_seen(
    tmp_path: Path,
) -> None:
    async with Provider(GOOD.stalled(after=4)) as far, place(tmp_path, far.url) as here:
        stream = await here.begin(stream=True)
        seen = 0
        with suppress(openai.APIError):
            async for chunk in stream:
                seen += bool(chunk.choices[0].delta.content)
                if seen == 3:
                    break
        await stream.close()
        await until(lambda: here.ends)
        assert here.ends == ["gone"]
        assert here.counted("output") == 3
        assert here.spent() == here.counted("input") + 3


async def test_who_leaves_when_usage_has_come_has_spent_what_was_counted(tmp_path: Path) -> None:
    async with Provider(GOOD) as far, place(tmp_path, far.url) as here:
        stream = await here.begin(stream=True)
        async for _ in stream:
            pass
        await until(lambda: here.ends)
        usage = here.counted("input") + here.counted("output")
        assert (here.ends, here.spent()) == (["ok"], usage)
