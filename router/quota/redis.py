"""The script of shared limits, on a server that speaks Redis's protocol: answered in milliseconds,
or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path
from secrets import token_hex
from typing import cast

from router.quota.bounds import answered, asked
from router.quota.contract import Pong
from router.redis.address import address_of
from router.redis.checks import about
from router.redis.down import Down, Refused
from router.redis.faults import NO_SCRIPTS, ScriptMissing
from router.redis.link import PATIENCE, Link
from router.redis.places import CONNECT
from router.redis.wire import Answer, Word

SCRIPT = Path(__file__).with_name("quota.lua").read_bytes()
DIGEST = sha1(SCRIPT, usedforsecurity=False).hexdigest()
_, NOTHING = asked("", [], [], {})
"""A batch in which nobody wants anything."""


class Redis:
    """See `Server`. `url` is that of `shared.redis`. Raises `Malformed` for one that is none."""

    def __init__(self, url: str, fleet: str) -> None:
        self._link = Link(address_of(url), fleet)

    def on_lost(self, told: Callable[[Down], None]) -> None:
        self._link.lost = told

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        words: tuple[Word, ...] = ("EVALSHA", DIGEST, len(keys), *keys, argument)
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        try:
            return cast("bytes", await self._link.ask(*words, patience=PATIENCE))
        except ScriptMissing:
            # It has been restarted, or another one took over.
            self._link.tell("SCRIPT", "LOAD", SCRIPT)
            return cast("bytes", await self._again(words, until - loop.time()))

    async def ping(self) -> Pong:
        """Whether it serves, what it is, and what of it is not as it should be. Raises `Down`."""
        link = self._link
        await link.ready()
        try:
            told = cast("bytes", await link.ask("INFO", patience=CONNECT)).decode(errors="replace")
        except Refused:
            told = None
        said = about(told, link.address)
        await self._try_script()
        link.tell("SET", link.epoch_key, token_hex(8), "NX", patience=CONNECT)
        # By now it must be as quick as with a batch.
        epoch = cast("bytes | None", await link.ask("GET", link.epoch_key))
        return Pong((epoch or b"").decode(), said.warnings, said.name)

    async def close(self) -> None:
        await self._link.close()

    async def _try_script(self) -> None:
        link = self._link
        try:
            await link.ask("SCRIPT", "LOAD", SCRIPT, patience=CONNECT)
            words = ("EVALSHA", DIGEST, 1, link.epoch_key, NOTHING)
            answered(cast("bytes", await link.ask(*words, patience=CONNECT)))
        except Refused as why:
            raise Refused(f"{NO_SCRIPTS} ({why})") from None
        except ScriptMissing:
            raise Refused(f"{NO_SCRIPTS} (what is loaded is not there)") from None

    async def _again(self, words: tuple[Word, ...], patience: float) -> Answer:
        try:
            return await self._link.ask(*words, patience=patience)
        except ScriptMissing:
            raise Down("it does not keep the script that it was given") from None
