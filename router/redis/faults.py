"""What a server's error means to whoever shares limits through it, in one sentence.

Its own words are quoted only where nothing better is known, and never further than its first
clause: a command that it does not know it repeats, with what was in it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping

from router.redis.down import Down, Refused

AWAY: Mapping[str, str] = {
    "READONLY": "it takes no writes: it is a replica, perhaps since a moment ago",
    "LOADING": "it is starting, and still loading what it had saved",
    "MASTERDOWN": "it is a replica whose primary is gone",
    "OOM": "it is out of memory: what it holds has reached its maxmemory",
    "CLUSTERDOWN": "the cluster is down: not all of its slots are served",
    "TRYAGAIN": "the slot of this fleet's keys is being moved to another node",
    "ASK": "the slot of this fleet's keys is being moved to another node",
    "MISCONF": "it takes no writes, since it cannot save to its disk",
    "NOREPLICAS": "it takes no writes, since too few replicas follow it",
    "BUSY": "it is busy with a script that somebody runs",
    "upstream": "the proxy before it does not reach it",
    "no": "the proxy before it does not reach it",
}
"""Errors that pass, by the word that they begin with; the last two are Envoy's."""
REFUSED: Mapping[str, str] = {
    "NOAUTH": "it asks for a password, and shared.redis has none",
    "WRONGPASS": "it refuses the user or the password of shared.redis",
    "MOVED": "it is a node of a cluster: write redis+cluster:// in shared.redis",
    "DENIED": "it is in protected mode, and takes connections from its own machine alone",
    "NOPROTO": "it does not speak the protocol of Redis 7.0",
}
"""Errors that somebody has to do something about."""
NO_SCRIPTS = "this server, or a proxy before it, refuses scripts: limits are not shared"
_COMMAND = re.compile(r"'([\w|]+)' command")
_MOST_QUOTED = 120


class ScriptMissing(Exception):
    """The server does not know a script: it was restarted, or another one took over."""


class Moved(Down):
    """The keys are at another node of the cluster."""


def fault_of(text: str, *, cluster: bool = False) -> Down | ScriptMissing:
    """What an error's text means."""
    code = text.partition(" ")[0].rstrip(":")
    if code == "NOSCRIPT":
        return ScriptMissing()
    if code == "MOVED" and cluster:
        return Moved("the slot of this fleet's keys has moved to another node")
    if (sentence := AWAY.get(code)) is not None:
        return Down(sentence)
    if (sentence := REFUSED.get(code)) is not None:
        return Refused(sentence)
    if code == "NOPERM":
        command = _COMMAND.search(text)
        which = "a command or a key" if command is None else command[1].upper()
        return Refused(f"the user of shared.redis may not use {which}")
    if "max number of clients" in text:
        return Down("it has as many clients as it takes: its maxclients is reached")
    return Refused(f"it answers with an error: {quoted(text)}")


def quoted(text: str) -> str:
    """The beginning of a server's error, without what it repeats of a command."""
    return re.split(r"[,;:] |['`]", text, maxsplit=1)[0].strip()[:_MOST_QUOTED]


def unreachable(error: OSError) -> Down:
    """What a connection that was not made, or broke, means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(f"its certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Refused(f"it cannot be spoken to by TLS: {error.args[-1]}")
    if isinstance(error, ConnectionRefusedError):
        return Down("nothing listens there: the connection is refused")
    if isinstance(error, TimeoutError):
        return Down("it does not answer in time")
    return Down(f"it cannot be reached: {error.strerror or type(error).__name__}")
