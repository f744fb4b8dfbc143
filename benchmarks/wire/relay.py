"""The least that can stand between: two connections of this interpreter's event loop, and bytes
passed from one to the other. What a router costs beside it is the router's.

    python -m benchmarks.wire.relay PORT SECURE_PORT CERTIFICATE

prints the ports at which it relays to each.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from typing import cast

import uvloop


class End(asyncio.Protocol):
    """One of two connections; what comes goes to the `other`."""

    __slots__ = ("early", "other", "transport")

    def __init__(self, other: End | None) -> None:
        self.other = other
        self.transport: asyncio.Transport
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self.other is not None:
            self.other.other = self
            transport = self.transport
            transport.write(self.other.early)
            self.other.early = b""

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.abort()
            self.other = None


async def main() -> None:
    """Relay until killed."""
    plain, secure, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cafile=ca)
    dialling: set[asyncio.Task[object]] = set()

    def accepted(port: int, tls: ssl.SSLContext | None) -> End:
        client = End(None)
        name = "localhost" if tls else None
        dial = loop.create_connection(
            lambda: End(client), "127.0.0.1", port, ssl=tls, server_hostname=name
        )
        task: asyncio.Task[object] = loop.create_task(dial)
        dialling.add(task)
        task.add_done_callback(dialling.discard)
        return client

    first = await loop.create_server(lambda: accepted(plain, None), "127.0.0.1", 0, backlog=4096)
    second = await loop.create_server(
        lambda: accepted(secure, context), "127.0.0.1", 0, backlog=4096
    )
    ports = [server.sockets[0].getsockname()[1] for server in (first, second)]
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
