"""Every failure of the shared server, by what a client sees of it."""

from __future__ import annotations

from tests.drill.shared import scenes
from tests.drill.shared.failure import Failure, Theme
from tests.drill.shared.ground import (
    PASSWORD,
    USER,
    busy,
    failed_over,
    far,
    goes_on,
    killed,
    lost,
    moved,
    password_changed,
    said,
    saved_and_killed,
    saved_much_and_killed,
    started,
    stopped,
)
from tests.drill.shared.stage import Setting

GONE = ("it closed the connection", "nothing listens there", "it cannot be reached")
SILENT = ("it did not answer within 20 ms", "it does not answer", "it takes connections")

AWAY = [
    Failure("is killed, and comes back empty", killed, started, GONE, forgot=True),
    Failure("is killed, and comes back with what it saved", saved_and_killed, started, GONE),
    Failure(
        "is restarted, and loads for a while",
        saved_much_and_killed,
        None,
        (*GONE, "it is starting, and still loading"),
        setting=Setting("slow to load"),
    ),
    Failure("hangs (SIGSTOP)", stopped, goes_on, SILENT),
    Failure("is 25 ms away", far(0.025), far(0.0), SILENT, setting=Setting("far")),
    Failure(
        "is cut off: packets vanish",
        lost(packets=True),
        lost(packets=False),
        SILENT,
        setting=Setting("far"),
    ),
    Failure(
        "becomes a replica",
        said("REPLICAOF", "127.0.0.1", 1),
        said("REPLICAOF", "NO", "ONE"),
        ("it takes no writes: it is a replica",),
    ),
    Failure(
        "is out of memory",
        said("CONFIG", "SET", "maxmemory", 1),
        said("CONFIG", "SET", "maxmemory", 0),
        ("it is out of memory",),
    ),
    Failure(
        "is busy with a script of somebody's",
        busy,
        said("SCRIPT", "KILL"),
        (*SILENT, "it is busy with a script"),
    ),
    Failure(
        "a node of a cluster is killed, and started again",
        killed,
        started,
        (*GONE, "the cluster is down"),
        forgot=True,
        setting=Setting("cluster"),
    ),
    Failure(
        "a sentinel's primary is killed",
        killed,
        None,
        (*GONE, "it takes no writes"),
        setting=Setting("sentinel"),
    ),
]
REFUSES = [
    Failure(
        "asks for another password",
        password_changed,
        said("ACL", "SETUSER", USER, f">{PASSWORD}"),
        (*GONE, "it refuses the user or the password of shared.redis"),
        lasting="it refuses the user or the password of shared.redis",
        setting=Setting("with a user"),
    ),
    Failure(
        "does not allow scripts any more",
        said("ACL", "SETUSER", USER, "-@scripting"),
        said("ACL", "SETUSER", USER, "+@scripting"),
        ("the user of shared.redis may not use EVALSHA",),
        lasting="refuses scripts: limits are not shared",
        setting=Setting("with a user"),
    ),
]
KEEPS_ON = [
    Failure("its slot moves within a cluster", moved, heals=True, setting=Setting("cluster")),
    Failure("its sentinel fails over", failed_over, heals=True, setting=Setting("sentinel")),
    Failure("may drop what it counts (maxmemory-policy)", setting=Setting("evicting"), heals=True,
            scene=scenes.warns),
]  # fmt: skip
CLOSED = [
    Failure(
        "`fail_closed`: is killed, and comes back",
        killed,
        started,
        GONE,
        forgot=True,
        setting=Setting(closed=True),
    ),
    Failure(
        "`fail_closed`, for a tenant: is killed, and comes back",
        killed,
        started,
        GONE,
        forgot=True,
        setting=Setting(limits="", tenant="{requests: 100/hour}", closed=True),
    ),
]
TENANTS = [
    Failure(
        "a tenant's limit: is killed, and comes back",
        killed,
        started,
        GONE,
        forgot=True,
        setting=Setting(limits="", tenant="{requests: 100/hour}"),
    ),
]
INSTANCES = [
    Failure("starts while the server is away", scene=scenes.starts_meanwhile),
    Failure(
        "is killed while it holds places",
        scene=scenes.dies_with_places,
        setting=Setting(limits="{concurrent: 2}"),
        long=True,
    ),
    Failure(
        "is told to rest by a provider (429)",
        scene=scenes.rests,
        setting=Setting(limits="", both=True),
    ),
    Failure(
        "sees that a provider is back",
        scene=scenes.probes,
        setting=Setting(limits="", both=True),
        long=True,
    ),
]
THEMES = [
    Theme(
        "the server of shared limits is gone, slow, or takes nothing",
        "the answer: each instance keeps to its part of the limits; nobody waits for the server",
        [*AWAY, *TENANTS],
    ),
    Theme(
        "the server of shared limits refuses us",
        "the same, until somebody changes something",
        REFUSES,
    ),
    Theme(
        "the server of shared limits moves, or is not set up as it should be",
        "the answer; limits hold, the log says what is wrong",
        KEEPS_ON,
    ),
    Theme(
        "the server of shared limits is gone, and the file says `fail_closed`",
        "429 with `Retry-After`: nothing is sent that those limits bind",
        CLOSED,
    ),
    Theme(
        "an instance of the fleet comes, dies, or learns something",
        "the answer; the others know what it held and what it was told",
        INSTANCES,
    ),
]
