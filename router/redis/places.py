"""Finding the server that takes writes for a fleet, and saying who we are.

One address is asked itself; sentinels are asked for their primary; in a cluster any node says where
a fleet's keys are, all of which are in one slot, so one connection is all that is needed. A server
counts as found when it has taken a write: a replica, one without memory and one that is still
loading have not.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import replace
from secrets import token_hex
from typing import cast

import hiredis

from router.redis.address import Address, Node, Trust
from router.redis.down import Down, Refused
from router.redis.faults import Moved, ScriptMissing, fault_of, unreachable
from router.redis.wire import Answer, Wire, Word

CONNECT = 0.5
"""Seconds to connect to one node, which no request waits for."""
_MOVED = re.compile(r"MOVED \d+ (?P<host>[^ ]*):(?P<port>\d{1,5})$")
MOST_HOPS = 3
"""Nodes of a cluster that are followed from one to the next."""


async def reach(address: Address, key: str, tls: ssl.SSLContext | None) -> Wire:
    """A connection to the server that takes writes, where `key` has a value from now on: its own if
    it had one. Raises `Down`. `tls` is that of `context_of`, which is not made each time: it reads
    files.
    """
    nodes: tuple[Node | None, ...] = address.nodes or (None,)
    if address.kind == "sentinel":
        nodes = (await _primary(address, tls),)
    why = Down()
    for node in nodes:
        try:
            return await _follow(address, node, key, tls)
        except Down as down:
            why = down
    raise why


async def told(wire: Wire, *words: Word, cluster: bool = False) -> Answer:
    """Ask on a connection that is being made. Raises `Down`, and `ScriptMissing`."""
    answer = await wire.ask(*words)
    if isinstance(answer, hiredis.ReplyError):
        raise fault_of(str(answer), cluster=cluster)
    if isinstance(answer, Down):
        raise answer.anew()
    return answer


async def _follow(
    address: Address, node: Node | None, key: str, tls: ssl.SSLContext | None
) -> Wire:
    cluster = address.kind == "cluster"
    for _ in range(MOST_HOPS):
        wire = await _connected(address, node, tls)
        try:
            async with asyncio.timeout(CONNECT):
                answer = await wire.ask("SET", key, token_hex(8), "NX")
        except TimeoutError:
            wire.cut(Down())
            raise Down("it takes connections, and does not answer") from None
        except asyncio.CancelledError:
            wire.cut(Down())
            raise
        if not isinstance(answer, Exception):
            return wire
        wire.cut(Down())
        fault = answer if isinstance(answer, Down) else fault_of(str(answer), cluster=cluster)
        if not isinstance(fault, Moved):
            raise fault
        node = _moved_to(str(answer), node)
    raise Down("the nodes of the cluster do not agree where this fleet's keys are")


def _moved_to(text: str, asked: Node | None) -> Node:
    """Where `MOVED slot host:port` points; without a host: where it was asked."""
    told = _MOVED.match(text)
    if told is None:
        raise Down("a node of the cluster says no address where this fleet's keys are")
    return told["host"] or (asked or ("", 0))[0], int(told["port"])


async def _primary(address: Address, tls: ssl.SSLContext | None) -> Node:
    """Where the sentinels say that the primary is; the first that knows is believed."""
    why = Down()
    asked = replace(address, who=address.sentinel, db=0)
    for node in address.nodes:
        try:
            wire = await _connected(asked, node, tls)
        except Down as down:
            why = down
            continue
        try:
            async with asyncio.timeout(CONNECT):
                found = await told(wire, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service)
        except (Down, ScriptMissing, TimeoutError) as error:
            why = error if isinstance(error, Down) else Down("a sentinel does not answer in time")
            continue
        finally:
            wire.cut(Down())
        if found is not None:
            host, port = cast("list[bytes]", found)
            return host.decode(), int(port)
        why = Refused(f"its sentinels know no service {address.service}")
    raise why


async def _connected(address: Address, node: Node | None, tls: ssl.SSLContext | None) -> Wire:
    """A connection on which we have said who we are."""
    loop = asyncio.get_running_loop()
    wire = Wire(loop)
    try:
        async with asyncio.timeout(CONNECT):
            if node is None:
                await loop.create_unix_connection(lambda: wire, address.path)
            else:
                await loop.create_connection(lambda: wire, *node, ssl=tls)
            await _introduce(wire, address)
    except UnicodeError:
        raise Refused("its host's name can be none") from None
    except OSError as error:
        wire.cut(Down())
        if isinstance(error, TimeoutError) and tls is not None:
            raise Down("it does not answer to TLS in time") from None
        raise unreachable(error) from None
    except (Down, asyncio.CancelledError):
        wire.cut(Down())
        raise
    return wire


async def _introduce(wire: Wire, address: Address) -> None:
    who = address.who
    if who.password:
        answer = await wire.ask(*["AUTH", *([who.user] if who.user else []), who.password])
        if isinstance(answer, hiredis.ReplyError):
            # Not in its own words, which may repeat what it was told.
            raise Refused("it refuses the user or the password of shared.redis")
        if isinstance(answer, Down):
            raise answer.anew()
    if address.name:
        await told(wire, "CLIENT", "SETNAME", address.name)
    if address.db:
        await told(wire, "SELECT", address.db)


def context_of(trust: Trust) -> ssl.SSLContext:
    """What TLS verifies, and with which certificate of our own. Raises `Refused` for files that are
    not there, or not such.
    """
    try:
        context = ssl.create_default_context(cafile=trust.ca_certs, capath=trust.ca_path)
        if trust.certfile is not None:
            context.load_cert_chain(trust.certfile, trust.keyfile, trust.password)
    except OSError as error:
        what = error.strerror or "it is not what it should be"
        raise Refused(f"a file of the ssl_ options cannot be used: {what}") from None
    if not trust.check_hostname or trust.cert_reqs == "none":
        context.check_hostname = False
    context.verify_mode = {
        "none": ssl.CERT_NONE,
        "optional": ssl.CERT_OPTIONAL,
        "required": ssl.CERT_REQUIRED,
    }[trust.cert_reqs]
    return context
