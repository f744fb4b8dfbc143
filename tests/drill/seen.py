"""What a client sees that uses OpenAI's SDK and nothing else: an answer, an error, or half of one
and then an error.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import openai
from openai import AsyncOpenAI

Way = Literal["whole", "stream"]
WAYS: tuple[Way, ...] = ("whole", "stream")
QUESTION: Any = [{"role": "user", "content": "Which way?"}]
LONGEST = 25.0
"""Seconds after which a request hangs. The longest row takes 17."""


@dataclass
class Seen:
    """How one request ended. `finished`: the answer says of itself that it is over."""

    text: str = ""
    finished: bool = False
    error: str = ""
    status: int | None = None
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def target(self) -> str:
        """Which of the route's two targets answered."""
        return self.headers.get("x-router-target", "").partition("-")[0]

    @property
    def retry_after(self) -> float | None:
        """When the client may come back."""
        told = self.headers.get("retry-after")
        return None if told is None else float(told)

    def __str__(self) -> str:
        if not self.error:
            by = f" from {self.target}" if self.target else ""
            return f"answer{by}" if self.finished else "an answer without an end"
        status = f" {self.status}" if self.status else ""
        after = f", after {self.retry_after:.0f} s" if self.retry_after is not None else ""
        told = f"{self.error}{status} {self.code}{after}"
        return f"{len(self.text.split())} words, then {told}" if self.text else told


async def ask(client: AsyncOpenAI, model: str, way: Way, **more: Any) -> Seen:
    """Ask, and read whatever comes to its end."""
    seen = Seen()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LONGEST):
            await _read(client, model, way, seen, more)
    except openai.APIError as error:
        seen.error, seen.code = type(error).__name__, str(error.code or "")
        if isinstance(error, openai.APIStatusError):
            seen.status, seen.headers = error.status_code, error.response.headers
    except (httpx2.HTTPError, TimeoutError) as error:
        seen.error, seen.code = type(error).__name__, "not of the SDK"
    seen.seconds = time.perf_counter() - began
    return seen


async def _read(
    client: AsyncOpenAI, model: str, way: Way, seen: Seen, more: Mapping[str, Any]
) -> None:
    create = client.chat.completions.with_raw_response.create
    raw = await create(model=model, messages=QUESTION, stream=way == "stream", **more)
    seen.headers = raw.headers
    told: Any = raw.parse()
    if way == "whole":
        seen.text = told.choices[0].message.content or ""
        seen.finished = True
        return
    async for chunk in told:
        for choice in chunk.choices:
            seen.text += choice.delta.content or ""
            seen.finished = seen.finished or bool(choice.finish_reason)
