"""What a fleet stands on: real servers of several kinds, and what can be done to them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from router.testing import Chaos
from tests.router.quota.servers import Process, Watched, cluster, process, watched

Kind = Literal["one", "far", "with a user", "slow to load", "evicting", "cluster", "sentinel"]
USER, PASSWORD = "pointsman", "one"
RIGHTS = ("~{pm:default}:*", "+@read", "+@write", "+@scripting", "+info", "+time")
"""As the reference says that they are enough."""
KEY = "{pm:default}:epoch"
LOADS_SLOWLY = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
"""Microseconds for a key: a way of the server's own tests to see it load."""
EVICTS = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
OPTIONS: Mapping[Kind, tuple[str, ...]] = {"slow to load": LOADS_SLOWLY, "evicting": EVICTS}


@dataclass
class Ground:
    """A server, or several. `server` is the one that has the fleet's keys, at first; `network` lies
    before it where the fleet is far from it.
    """

    url: str
    server: Process
    nodes: list[Process] = field(default_factory=list)
    watched: Watched | None = None
    network: Chaos | None = None

    def say(self, *words: str | int) -> Any:
        """What the server answers to a command."""
        return self.server.say(*words)


@contextmanager
def grounded(kind: Kind, folder: Path) -> Iterator[Ground]:
    """Start what there is to stand on, and end it. The folder is made for it."""
    folder.mkdir()
    if kind == "cluster":
        with cluster(folder) as nodes:
            where = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
            yield Ground(f"redis+cluster://{where}/", _owner(nodes), nodes)
    elif kind == "sentinel":
        with watched(folder) as two:
            yield Ground(two.url, two.primary, watched=two)
    else:
        with process(folder, *OPTIONS.get(kind, ())) as one:
            url = one.url
            if kind == "with a user":
                one.say("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *RIGHTS)
                url = url.replace("//", f"//{USER}:{PASSWORD}@")
            yield Ground(url, one)


def killed(ground: Ground) -> None:
    ground.server.kill()


def saved_and_killed(ground: Ground) -> None:
    ground.say("SAVE")
    ground.server.kill()


def saved_much_and_killed(ground: Ground) -> None:
    """So that it takes some seconds to load."""
    many = [word for number in range(1500) for word in (f"other:{number}", "x" * 100)]
    ground.say("MSET", *many)
    saved_and_killed(ground)
    ground.server.start()


def started(ground: Ground) -> None:
    ground.server.start()


def stopped(ground: Ground) -> None:
    ground.server.stop()


def goes_on(ground: Ground) -> None:
    ground.server.go_on()


def said(*words: str | int) -> Callable[[Ground], None]:
    """The server is told a command."""

    def tell(ground: Ground) -> None:
        ground.say(*words)

    return tell


def busy(ground: Ground) -> None:
    """Somebody runs a script that does not end."""
    ground.say("CONFIG", "SET", "busy-reply-threshold", 100)
    with socket.create_connection(("127.0.0.1", ground.server.port)) as one:
        one.sendall(b'EVAL "while true do end" 0\r\n')


def far(seconds: float) -> Callable[[Ground], None]:
    """The network takes so long, there and back."""

    def become(ground: Ground) -> None:
        assert ground.network is not None
        ground.network.latency = seconds / 2

    return become


def lost(*, packets: bool) -> Callable[[Ground], None]:
    """Whether packets vanish on the way."""

    def become(ground: Ground) -> None:
        assert ground.network is not None
        ground.network.black_hole = packets

    return become


def password_changed(ground: Ground) -> None:
    ground.say("ACL", "SETUSER", USER, "resetpass", ">two")
    ground.say("CLIENT", "KILL", "USER", USER)


def moved(ground: Ground) -> None:
    """The slot of the fleet's keys goes to another node, with all that is in it."""
    owner = ground.server
    other = next(node for node in ground.nodes if node is not owner)
    slot, old, new = (
        owner.say("CLUSTER", "KEYSLOT", KEY),
        owner.say("CLUSTER", "MYID"),
        other.say("CLUSTER", "MYID"),
    )
    other.say("CLUSTER", "SETSLOT", slot, "IMPORTING", old)
    owner.say("CLUSTER", "SETSLOT", slot, "MIGRATING", new)
    while keys := owner.say("CLUSTER", "GETKEYSINSLOT", slot, 100):
        owner.say("MIGRATE", "127.0.0.1", other.port, "", 0, 5000, "KEYS", *keys)
    for node in (other, owner, *ground.nodes):
        node.say("CLUSTER", "SETSLOT", slot, "NODE", new)


def failed_over(ground: Ground) -> None:
    assert ground.watched is not None
    ground.watched.fail_over()


def _owner(nodes: list[Process]) -> Process:
    slot = nodes[0].say("CLUSTER", "KEYSLOT", KEY)
    for node in nodes:
        me = node.say("CLUSTER", "MYID")
        for begin, end, primary, *_ in node.say("CLUSTER", "SLOTS"):
            if begin <= slot <= end and primary[2] == me:
                return node
    raise AssertionError("nobody has the fleet's slot")
