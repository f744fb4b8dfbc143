"""The router that is measured, in a process of its own, with a fresh account for every few faults:
who has failed often is not asked any more, and then there is nothing to measure.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.wire.account import cores, started_on

LIMIT = 0.3
"""Seconds to the first content, and between two pieces."""
FRESH = {"cut": 280, "cut_after": 250, "refused": 280, "stall": 40, "silent": 40}
"""Faults that their target is blamed for, and how many accounts there are of each: each of them
fails twice, and so none is ejected.
"""
HEAD = """\
version: 1
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: {announce: 0s, wait: 1s}}
defaults:
  deadline: 20s
  timeouts: {connect: 1s, first_token: 300ms, between_tokens: 300ms}
"""
PROVIDER = '  {name}: {{base_url: "http://127.0.0.1:{port}/{path}/v1", models: [{name}]}}\n'
PAIR = """\
  {model}:
    policy: weighted_round_robin
    targets: {{{first}/{first}: 1000000, {second}/{second}: 1}}
"""
ALONE = "  {model}: {{targets: [{first}/{first}]}}\n"


class Served(NamedTuple):
    """A router that runs: its process and the address of its listener."""

    pid: int
    address: str


@contextmanager
def served(port: int) -> Iterator[Served]:
    """A router before the faulty provider at `port`, on a core of its own."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "providers.yaml"
        file.write_text(written(port, unused_port()))
        arguments = ["serve", "--config", str(file), "--log", "off"]
        with started_on(cores()[0]):
            process = subprocess.Popen(
                [sys.executable, "-m", "router", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it names its thousand routes
            )
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield Served(process.pid, told["listen"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
            process.stdout.close()


def written(port: int, closed: int) -> str:
    """Its file: routes `whole` and `stream` that answer, `rejects`, `unfit` and `misfit` (which the
    second takes), `down`, where nobody listens, and `cut-0`, `cut-1`…
    """
    providers = [
        PROVIDER.format(name=name, port=port, path=name)
        for name in ("whole", "stream", "rejects", "unfit")
    ]
    providers += [
        PROVIDER.format(name=name, port=port, path=path)
        for name, path in (("unfit2", "unfit"), ("fits", "whole"))
    ]
    models = [ALONE.format(model=name, first=name) for name in ("whole", "stream", "rejects")]
    models.append(PAIR.format(model="unfit", first="unfit", second="unfit2"))
    models.append(PAIR.format(model="misfit", first="unfit", second="fits"))
    for name in ("down1", "down2"):
        providers.append(PROVIDER.format(name=name, port=closed, path="whole"))
    models.append(PAIR.format(model="down", first="down1", second="down2"))
    for fault, accounts in FRESH.items():
        for number in range(accounts):
            name = f"{fault}-{number}"
            at = closed if fault == "refused" else port
            providers.append(PROVIDER.format(name=name, port=at, path=fault))
            models.append(PAIR.format(model=f"{name}-route", first=name, second="stream"))
    return HEAD + "providers:\n" + "".join(providers) + "models:\n" + "".join(models)


def unused_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port: int = nobody.getsockname()[1]
        return port
