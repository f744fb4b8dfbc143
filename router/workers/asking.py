"""One request over a Unix socket, to a process that this one has started.

Why: an operator's page must not wait for a worker that hangs. Must not: be used for anything that
comes from outside: the answer is read as our own listener writes it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

PATIENCE = 1.0
"""Seconds. Half of what `pointsman status` waits for us."""


class Told(NamedTuple):
    """An answer."""

    status: int
    kind: str
    body: bytes


async def ask(
    path: Path, method: str, target: str, body: bytes = b"", within: float = PATIENCE
) -> Told | None:
    """The answer of whoever listens at `path`; None: there was none in time."""
    head = (
        f"{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                writer.write(head.encode() + body)
                return _read(await reader.read(-1))
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return None


def _read(answer: bytes) -> Told:
    """Raises ValueError for one that is not whole."""
    head, end, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = first.partition(" ")[2][:3]
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if not end or int(fields.get("content-length", "0")) != len(body):
        raise ValueError("the answer was cut")
    return Told(int(status), fields.get("content-type", ""), body)
