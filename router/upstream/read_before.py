"""What a simulated model has read before, so that it tells of cached tokens as others do.

By the bytes of a prompt alone: no clock is read, nothing is kept of a text but hashes, and the
same requests in the same order are told the same.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec import Raw

BLOCK, LEAST = 512, 4096
"""Bytes: about 128 tokens, in which OpenAI counts what was cached, from 1,024 tokens on."""
MOST = 65_536
"""Bytes of a prompt that are looked at."""
MOST_BLOCKS = 16_384
"""That are remembered, the last ones: some megabytes."""


class Prompt(msgspec.Struct):
    """What of a body a model reads, in this order."""

    tools: Raw = Raw()
    messages: Raw = Raw()
    prompt: Raw = Raw()


_prompt = msgspec.json.Decoder(Prompt)


class ReadBefore:
    """The beginnings of prompts that one model has read."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: dict[bytes, None] = {}

    def read(self, body: bytes) -> float:
        """What part of `body` its model has read before, from its prompt's beginning on. From now
        on it has read all of it. Raises `msgspec.ValidationError` where there is no such prompt.
        """
        if len(body) < LEAST:
            return 0.0
        parts = _prompt.decode(body)
        told = b"".join((bytes(parts.tools), bytes(parts.messages), bytes(parts.prompt)))[:MOST]
        sofar, keys = blake2b(digest_size=8), []
        for at in range(0, len(told) - BLOCK + 1, BLOCK):
            sofar.update(told[at : at + BLOCK])
            keys.append(sofar.digest())
        blocks = self._blocks
        known = next((at for at, key in enumerate(keys) if key not in blocks), len(keys)) * BLOCK
        for key in reversed(keys):  # a beginning is forgotten last: without it the rest is nothing
            blocks.pop(key, None)
            blocks[key] = None
        while len(blocks) > MOST_BLOCKS:
            del blocks[next(iter(blocks))]
        return known / len(body) if known >= LEAST else 0.0
