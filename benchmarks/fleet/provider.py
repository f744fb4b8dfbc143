"""A provider that writes down when each request came and what it used, and does as it is told."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from time import monotonic
from typing import NamedTuple

from aiohttp import web

LATENCY = 0.05
"""Seconds from a request to its answer."""


class Came(NamedTuple):
    """A request that came: when, from which instance, what it wanted at most and what it used."""

    at: float
    instance: str
    most: int
    used: int


class Provider:
    """Answers every model; `rests` are the models that refuse now, with their pause in seconds."""

    def __init__(self) -> None:
        self.came: dict[str, list[Came]] = {}
        self.rests: dict[str, int] = {}
        self.refused_at: dict[str, float] = {}
        self._rng = Random(7)
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        """One chat completion: answers are about 120 tokens long, seldom much longer."""
        asked = json.loads(await request.read())
        model, most = asked["model"], asked.get("max_tokens", 4096)
        prompt = len(asked["messages"][0]["content"]) // 4
        written = min(most, 1 + int(self._rng.lognormvariate(4.6, 0.6)))
        who = asked.get("user", "")
        self.came.setdefault(model, []).append(Came(monotonic(), who, most, prompt + written))
        if (rest := self.rests.get(model)) is not None:
            self.refused_at.setdefault(model, monotonic())
            error = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit"}}
            return web.json_response(error, status=429, headers={"retry-after": str(rest)})
        await asyncio.sleep(LATENCY)
        usage = {"prompt_tokens": prompt, "completion_tokens": written}
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "word"},
            "finish_reason": "stop",
        }
        return web.json_response({"id": "c", "model": model, "choices": [choice], "usage": usage})

    def since(self, model: str, begin: float) -> list[Came]:
        """What came to `model` from an instant on."""
        came = self.came.get(model, [])
        return came[bisect_left(came, begin, key=lambda one: one.at) :]


@asynccontextmanager
async def provided() -> AsyncIterator[Provider]:
    """One that listens on a free port of this machine."""
    provider = Provider()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", provider.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.port = runner.addresses[0][1]
    try:
        yield provider
    finally:
        await runner.cleanup()


def fullest(came: list[Came], span: float, units: str) -> list[int]:
    """For each request, the units of all that came in the `span` seconds that end with it."""
    sums, begin, total = [], 0, 0
    for one in came:
        total += 1 if units == "requests" else one.used
        while came[begin].at <= one.at - span:
            total -= 1 if units == "requests" else came[begin].used
            begin += 1
        sums.append(total)
    return sums
