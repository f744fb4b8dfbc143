"""A router in the test's own process, on free ports, with a client that talks to both listeners."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from textwrap import indent
from typing import Any

import aiohttp
from yarl import URL

from router.app import App
from router.config import load
from router.telemetry.log import Format, Log

PROVIDERS = """\
providers:
  sim:
    dialect: simulated
    models:
      fast: {first_token: 1ms, tokens_per_second: 10000, output_tokens: 4}
      other: {first_token: 1ms, tokens_per_second: 10000, output_tokens: 4}
      broken: {first_token: 1ms, error_rate: 1.0}
      silent: {first_token: 60s}
      endless: {first_token: 1ms, tokens_per_second: 20, output_tokens: 10000}
  dear: {preset: openai, api_key: "${DEAR_KEY:-}", models: [gpt]}
"""
CHAT = "chat: {targets: [sim/fast]}"
JSON = {"content-type": "application/json"}


def written(folder: Path, models: str = CHAT, server: str = "", rest: str = "") -> Path:
    """A file with these models, and these keys beside the server's addresses."""
    path = folder / "providers.yaml"
    addresses = "listen: 127.0.0.1:0, admin: 127.0.0.1:0"
    head = f"version: 1\nserver: {{{addresses}, {server}}}\n"
    path.write_text(f"{head}{PROVIDERS}models:\n{indent(models.strip(), '  ')}\n{rest}")
    return path


@dataclass
class Answer:
    """One answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body, which is JSON as RFC 8259 has it: without infinities."""
        return json.loads(self.body, parse_constant=_no_json)

    @property
    def error(self) -> dict[str, str | None]:
        """The error, which has the four fields of an OpenAI error and no others."""
        assert self.headers["content-type"] == "application/json"
        assert list(self.told) == ["error"]
        error: dict[str, str | None] = self.told["error"]
        assert sorted(error) == ["code", "message", "param", "type"]
        assert error["message"]
        return error


@dataclass
class Running:
    """A router that runs. `stream` is its log."""

    app: App
    path: Path
    client: aiohttp.ClientSession
    listen: str
    admin: str
    stream: StringIO

    async def says(self, words: str) -> bool:
        """Whether its log has these words, or has them soon: a thread writes it."""
        for _ in range(200):
            if words in self.stream.getvalue():
                return True
            await asyncio.sleep(0.005)
        return False

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the clients' listener; `path` goes out as it is."""
        return await self._ask(self.listen, method, path, body, headers)

    async def ask_admin(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the operators' listener."""
        return await self._ask(self.admin, method, path, body, headers)

    async def chat(self, model: str = "chat", headers: Mapping[str, str] = JSON, **fields: Any):
        """Ask for a completion; `headers` go beside the content type."""
        return await self.ask(
            "POST", "/v1/chat/completions", completion(model, **fields), {**JSON, **headers}
        )

    def streamed(self, model: str = "chat"):
        """A stream that begins, to be entered and read."""
        return self.client.post(
            f"http://{self.listen}/v1/chat/completions",
            data=completion(model, stream=True),
            headers=JSON,
        )

    async def refused(self) -> list[str]:
        """What the status says of the last file, if it was refused."""
        told: list[str] = (await self.ask_admin("GET", "/status")).told["config"]["errors"]
        return told

    async def _ask(
        self,
        address: str,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        url = URL(f"http://{address}{path}", encoded=True)
        async with self.client.request(method, url, data=body, headers=headers) as response:
            return Answer(response.status, response.headers, await response.read())


@asynccontextmanager
async def running(
    path: Path,
    environ: Mapping[str, str] | None = None,
    form: Format = "text",
    *,
    stream: StringIO | None = None,
    fails: int = 0,
) -> AsyncIterator[Running]:
    """Run a router; nothing of it may be left afterwards, and it fails inside `fails` times."""
    before = asyncio.all_tasks()
    environ = environ or {}
    stream = stream or StringIO()
    log = Log(stream, form)
    app = App(load(path, environ), environ, log, Random(7))
    try:
        addresses = await app.start()
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            yield Running(app, path, client, addresses["listen"], addresses["admin"], stream)
    finally:
        await app.close()
        log.close()
    assert app.pipeline.running == 0
    assert app.state.runtime.engine.in_flight == 0
    for _ in range(10):  # a provider of the test's learns that the router is gone
        if asyncio.all_tasks() <= before:
            break
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() <= before
    assert stream.getvalue().count("a request failed inside the router") == fails


def completion(model: str = "chat", prompt: str = "hello", **fields: Any) -> bytes:
    """The body of a request for a completion."""
    messages = [{"role": "user", "content": prompt}]
    return json.dumps({"model": model, "messages": messages, **fields}).encode()


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
