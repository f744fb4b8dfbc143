"""A server that speaks Redis's protocol, as shared limits ask it: in milliseconds, or not at all.

The client's own retries and long timeouts are off: what a request may wait for is decided here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from secrets import token_hex
from typing import Any

import redis.asyncio as client
from redis.exceptions import NoScriptError, RedisError

from router.quota.shared import PATIENCE, Down, Pong

SCRIPT = Path(__file__).with_name("quota.lua").read_text()
CONNECT = 0.2
"""Seconds to connect, which no request waits for: it is done by pings."""


class Redis:
    """See `Server`."""

    def __init__(self, url: str, fleet: str) -> None:
        self._epoch = f"{{pm:{fleet}}}:epoch"
        self._client: Any = client.Redis.from_url(
            url,
            socket_timeout=None,
            socket_connect_timeout=CONNECT,
            retry=None,
            retry_on_error=[],
            single_connection_client=False,
            max_connections=4,
        )
        self._sha = ""

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        """See `Server.run`."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._evaluate(keys, argument)
        except (RedisError, OSError, TimeoutError) as error:
            raise Down(str(error)) from None

    async def ping(self) -> Pong:
        """See `Server.ping`."""
        try:
            async with asyncio.timeout(CONNECT):
                self._sha = await self._client.script_load(SCRIPT)
                await self._client.set(self._epoch, token_hex(8), nx=True)
                told: bytes = await self._client.get(self._epoch)
            async with asyncio.timeout(PATIENCE):
                await self._client.ping()  # connected by now, it must be as quick as a batch
            return Pong(told.decode())
        except (RedisError, OSError, TimeoutError) as error:
            raise Down(str(error)) from None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _evaluate(self, keys: list[str], argument: bytes) -> bytes:
        try:
            told: bytes = await self._client.evalsha(self._sha, len(keys), *keys, argument)
        except NoScriptError:
            # It has been restarted, or another one took over.
            self._sha = await self._client.script_load(SCRIPT)
            told = await self._client.evalsha(self._sha, len(keys), *keys, argument)
        return told
