"""Instances of one fleet, each a router in a process of its own, and the demand that they meet."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import aiohttp

INSTANCES = 8
WORDS = "word " * 80
FILE = """\
version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: {{announce: 0s, wait: 1s}}}}
shared: {{redis: "redis://127.0.0.1:{redis}"}}
providers:
{providers}
models:
{models}
"""


@contextmanager
def fleet(folder: Path, limits: dict[str, str], provider: int, redis: int) -> Iterator[list[str]]:
    """The base URLs of its instances; each model of `limits` has one target with those limits."""
    base_url = f"http://127.0.0.1:{provider}/v1"
    providers = [
        f'  {name}: {{base_url: "{base_url}", limits: {{{limit}}}, models: [{name}]}}'
        for name, limit in limits.items()
    ]
    models = [f"  {name}: {{targets: [{name}/{name}]}}" for name in limits]
    file = folder / "providers.yaml"
    file.write_text(
        FILE.format(redis=redis, providers="\n".join(providers), models="\n".join(models))
    )
    command = [sys.executable, "-m", "router", "serve", "--config", str(file)]
    with ExitStack() as stack:
        processes = []
        for number in range(INSTANCES):
            log = stack.enter_context((folder / f"log-{number}").open("w"))
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log))
        try:
            heads = [json.loads(process.stdout.readline()) for process in processes]  # type: ignore[union-attr]
            yield [f"http://{head['listen']}/v1" for head in heads]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)


class Demand:
    """Requests for models at a rate each, which fall to the instances by Zipf's law, in bursts:
    every few seconds another instance gets many at once. `took` are seconds, by when they were
    asked and how they ended.
    """

    def __init__(self, instances: list[str], rates: dict[str, float], most: dict[str, int]) -> None:
        self._instances = instances
        self._rates = rates
        self._most = most
        self._rng = Random(11)
        self.ended: Counter[str] = Counter()
        self.took: list[tuple[float, float, str]] = []

    async def run(self, seconds: float) -> None:
        """Ask for so long."""
        many = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=many) as session,
            asyncio.TaskGroup() as tasks,
        ):
            for model, rate in self._rates.items():
                tasks.create_task(self._ask_for(model, rate, seconds, session, tasks))

    async def _ask_for(
        self,
        model: str,
        rate: float,
        seconds: float,
        session: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
    ) -> None:
        end = monotonic() + seconds
        weights = [1 / rank for rank in range(1, len(self._instances) + 1)]
        while monotonic() < end:
            many = 10 if self._rng.random() < 0.02 else 1
            (number,) = self._rng.choices(range(len(self._instances)), weights)
            for _ in range(many):
                tasks.create_task(self._ask(model, number, session))
            await asyncio.sleep(self._rng.expovariate(rate / 1.18) if rate else 1.0)

    async def _ask(self, model: str, number: int, session: aiohttp.ClientSession) -> None:
        body: dict[str, Any] = {
            "model": model,
            "user": str(number),
            "messages": [{"role": "user", "content": WORDS[: self._rng.randrange(40, 400)]}],
        }
        if model in self._most:
            body["max_tokens"] = self._most[model]
        begin = monotonic()
        async with session.post(f"{self._instances[number]}/chat/completions", json=body) as answer:
            await answer.read()
            self.ended[f"{model} {answer.status}"] += 1
            self.took.append((begin, monotonic() - begin, f"{model} {answer.status}"))
