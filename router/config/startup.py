"""What the start-up keys mean: those that a running router cannot take over.

Why: who changes one has to restart, and is told so; so they stand together.
Must not: know how the file is written. Times are seconds, sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from router.config.values import Address, Rate, Secret

Fallback = Literal["local_share", "fail_closed"]
"""What becomes of a kind of limits while the server that instances share is away: each keeps a part
of them that is its own, or nothing that they bind is sent.
"""


@dataclass(frozen=True, slots=True)
class Drain:
    """On SIGTERM: seconds to go on accepting while not ready, then seconds to finish what runs."""

    announce: float = 5.0
    wait: float = 120.0


@dataclass(frozen=True, slots=True)
class DecisionFile:
    """Where decisions are written: a file that is rotated before it has more than `rotate` bytes,
    and how many rotated ones are kept.
    """

    path: Path
    rotate: int = 100 * 1024**2
    keep: int = 5


@dataclass(frozen=True, slots=True)
class Decisions:
    """Records of decisions: how many are kept for operators (0: none is), and at most how many are
    made for them (a rate of None: of every request). Into a `file` the routes say what goes.
    """

    keep: int = 1000
    rate: Rate | None = Rate(10, 1.0)
    file: DecisionFile | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """The start-up keys: changing one needs a restart. `reload` says on what the file is loaded
    again: when it changes, and on a signal, or on a signal alone. `workers` are the processes that
    serve `listen` together (1: this one alone). `fetch` are the hosts (with a port where it
    is not the usual one) that files may be fetched from although they are not public. They, `hosts`
    and `origins` are in lower case. `state` is the file, relative to the configuration's, that
    keeps what operators say over a restart (empty: nothing does).
    """

    listen: Address = Address("127.0.0.1", 8080)
    admin: Address = Address("127.0.0.1", 8081)
    admin_token: Secret | None = None
    auth: Literal["open", "keys"] = "open"
    max_body: int = 32 * 1024**2
    drain: Drain = Drain()
    decisions: Decisions = Decisions()
    fetch: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    workers: int = 1
    reload: Literal["watch", "signal"] = "watch"
    state: str = "pointsman.state.json"


@dataclass(frozen=True, slots=True)
class WhenDown:
    """What becomes of limits while the shared server is away, by their kind."""

    provider_limits: Fallback = "local_share"
    tenant_limits: Fallback = "local_share"


@dataclass(frozen=True, slots=True)
class Shared:
    """What instances keep together: where (None: each stands alone), in whose fleet's name, and
    what they do without it.
    """

    redis: Secret | None = None
    fleet: str = "default"
    when_down: WhenDown = WhenDown()
