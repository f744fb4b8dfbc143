"""CPU of whole requests through a real listener, in a process of its own, on the simulated
transport.

The load comes from this process over a few keep-alive connections, with prebuilt bytes; the
router's CPU time is the scheduler's accounting (utime + stime of /proc/PID/stat), so waiting
costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CONFIG = """
version: 1
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", auth: keys, drain: {announce: 0s, wait: 1s}}
providers:
  sim:
    dialect: simulated
    limits: {concurrent: 1000}
    models:
      m0: &fast {first_token: 0s, tokens_per_second: 1000000, limits: {requests: 100M/min}}
      m1: *fast
      m2: *fast
      m3: *fast
      m4: *fast
      m5: *fast
      m6: *fast
      m7: *fast
models:
  m:
    targets: [sim/m0, sim/m1, sim/m2, sim/m3, sim/m4, sim/m5, sim/m6, sim/m7]
tenants:
  bench: {keys: ["${BENCH_KEY}"]}
"""
KEY = "benchmark"
CONNECTIONS = 8
ROUNDS = 7
TICKS = os.sysconf("SC_CLK_TCK")


class Case(NamedTuple):
    """A request, and how many of the measured thing it holds."""

    name: str
    body: dict[str, object]
    requests: int


def message(size: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": "word " * (size // 5)}]


CASES = [
    Case("0.5 kB in and out", {"model": "m", "messages": message(400)}, 3000),
    Case("20 kB in", {"model": "m", "messages": message(20_000)}, 2000),
    Case("stream of 64 chunks", {"model": "m", "messages": message(400), "stream": True}, 500),
]


@contextmanager
def served() -> Iterator[tuple[int, str, int]]:
    """A router; its pid, host and port."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "providers.yaml"
        file.write_text(CONFIG)
        process = subprocess.Popen(
            [sys.executable, "-m", "router", "serve", "--config", str(file), "--log", "off"],
            stdout=subprocess.PIPE,
            env={**os.environ, "BENCH_KEY": KEY},
        )
        assert process.stdout is not None
        try:
            host, port = json.loads(process.stdout.readline())["listen"].rsplit(":", 1)
            yield process.pid, host, int(port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)
            process.stdout.close()


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def through_the_listener(case: Case) -> list[float]:
    """CPU µs of one request, for each round after a first that warms up."""
    body = json.dumps(case.body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    rounds = []
    with served() as (pid, host, port):
        for _ in range(ROUNDS + 1):
            before = cpu(pid)
            asyncio.run(load(host, port, head.encode() + body, case.requests))
            rounds.append((cpu(pid) - before) / case.requests * 1e6)
    return rounds[1:]


async def load(host: str, port: int, request: bytes, count: int) -> None:
    """Send `count` requests over a few connections."""
    each = count // CONNECTIONS
    await asyncio.gather(*(converse(host, port, request, each) for _ in range(CONNECTIONS)))


async def converse(host: str, port: int, request: bytes, count: int) -> None:
    """Requests one after the other on one connection."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if b"Content-Length: " in head:
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        else:
            while not (await reader.readuntil(b"\r\n")).startswith(b"0\r\n"):
                pass
            await reader.readexactly(2)
    writer.close()
    await writer.wait_closed()
