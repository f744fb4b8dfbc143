"""The start-up keys, and who could reach a listener.

Why: what is open to everyone must be so on this machine only, whether the file or a command-line
option says where to listen.
Must not: bind anything, or look a name up.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import NamedTuple

from router.config.problems import Report, quoted
from router.config.schema import Defaults, Retry, Timeouts
from router.config.sections_written import WrittenDefaults
from router.config.startup import DecisionFile, Decisions, Drain, Server, Shared, WhenDown
from router.config.startup_written import WrittenDecisions, WrittenServer, WrittenShared
from router.config.tree import Table, find
from router.config.values import Address


class Fault(NamedTuple):
    """What is wrong with a server key, and what to do."""

    key: str
    what: str
    remedy: str


def faults(server: Server) -> tuple[Fault, ...]:
    """What makes `server` unsafe to start: listeners that others can reach and nothing guards."""
    found = []
    if server.auth == "open" and not is_loopback(server.listen):
        what = "auth is open, but the listener can be reached from outside"
        found.append(Fault("listen", what, "write `auth: keys`, or listen on 127.0.0.1"))
    if not server.admin_token and not is_loopback(server.admin):
        what = "the admin listener can be reached from outside, and has no admin_token"
        found.append(Fault("admin", what, "set admin_token, or use 127.0.0.1"))
    if server.listen == server.admin and server.listen.port:
        what = "listen and admin are the same address"
        found.append(Fault("admin", what, "give one of them another port"))
    return tuple(found)


def alone(asked: str) -> tuple[str, str]:
    """What is wrong with several workers that share nothing, as they were `asked` for; and what to
    do.
    """
    what = f"{asked} needs shared.redis: without it each of them would grant the whole of a limit"
    return what, "set `shared: {redis: …}`, or serve with one worker"


def is_loopback(address: Address) -> bool:
    """Whether only this machine can connect to `address`."""
    if address.host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def resolve_server(written: WrittenServer, tree: Table, report: Report) -> Server:
    """The server block with its defaults."""
    given = written.given()
    if "drain" in given:
        given["drain"] = Drain(**written.drain.given())
    if "decisions" in given:
        given["decisions"] = _decisions(written.decisions, tree, report)
    if "fetch" in given:
        given["fetch"] = written.fetch.hosts
    if written.admin_token is not None and not written.admin_token:
        mark = find(tree, ("server", "admin_token")).node.mark
        what = "admin_token is empty: the admin listener asks for none"
        report.note(mark, what, "give it a value, or remove the key")
        given["admin_token"] = None
    server = Server(**given)
    for fault in faults(server):
        report.problem(find(tree, ("server", fault.key)).node.mark, fault.what, fault.remedy)
    return server


def _decisions(written: WrittenDecisions, tree: Table, report: Report) -> Decisions:
    """Which records of decisions are made, and where they go."""
    given = written.given()
    if "file" in given:
        found = find(tree, ("server", "decisions", "file"))
        if written.file.path is None:
            if found.whole:
                report.problem(found.node.mark, "file has no path", "write `path: …` in it")
            return Decisions()
        path = Path(found.node.mark.file).parent / written.file.path
        if not path.parent.is_dir():
            what = f"{quoted(str(path.parent))} is no folder: decisions are written once it is one"
            report.note(found.node.mark, what, "make it; paths are relative to this file")
        given["file"] = DecisionFile(**{**written.file.given(), "path": path})
    return Decisions(**given)


def resolve_shared(written: WrittenShared, server: Server, tree: Table, report: Report) -> Shared:
    """What instances keep together: they must, where `server` asks for several."""
    if written.redis is not None and not written.redis:
        mark = find(tree, ("shared", "redis")).node.mark
        what = "shared.redis is empty: this instance stands alone, with limits of its own"
        report.note(mark, what, "set it to share limits with others")
    if written.redis is None and (given := written.given()):
        mark = find(tree, ("shared", next(iter(given)))).node.mark
        what = "shared names no server: this instance stands alone, with limits of its own"
        report.note(mark, what, "write `redis: redis://host:6379` beside it")
    if server.workers > 1 and not written.redis:
        mark = find(tree, ("server", "workers")).node.mark
        report.problem(mark, *alone(f"workers: {server.workers}"))
    return Shared(
        written.redis or None,
        written.fleet or Shared().fleet,
        WhenDown(**written.when_down.given()),
    )


def resolve_defaults(written: WrittenDefaults) -> Defaults:
    """The defaults block with its own defaults."""
    builtin = Defaults()
    return Defaults(
        deadline=written.deadline or builtin.deadline,
        timeouts=Timeouts(**written.timeouts.given()),
        retry=Retry(**written.retry.given()),
    )
