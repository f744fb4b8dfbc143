"""An address on loopback that stays ours while nobody listens there.

So a server can be gone and come back, and a test may count on being refused meanwhile.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress

LOOPBACK = "127.0.0.1"
BACKLOG = 1024


class Door:
    """A free port of 127.0.0.1, from `open` to `close`; in between it takes connections, or
    refuses them, or lets whoever comes wait.

    It accepts by itself, since a listening server would not let it end a handshake.
    """

    def __init__(
        self, protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = 0
        self._protocol = protocol
        self._tls = tls
        self._held: list[socket.socket] = []
        self._listening: list[socket.socket] = []
        self._admitting: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Have a port, and take connections there."""
        held = _bound(0)
        self._held.append(held)
        self.port = held.getsockname()[1]
        await self.take()

    async def take(self) -> None:
        """Take connections."""
        await self.refuse()
        listening = self._listen(BACKLOG)
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    async def refuse(self) -> None:
        """Take none: whoever comes is refused, and who has not finished the handshake is left."""
        for listening in self._listening:
            asyncio.get_running_loop().remove_reader(listening)
        _close_all(self._listening)
        if self._tls is not None:  # without a handshake, who has come is in at once
            await asyncio.sleep(0)  # a task that has not begun would forget what it was given
            for task in self._admitting:
                task.cancel()
        await asyncio.gather(*self._admitting, return_exceptions=True)

    async def ignore(self) -> None:
        """Neither take nor refuse: on Linux, whoever connects gets no answer at all."""
        await self.refuse()
        self._listen(0)
        # The one connection that the kernel keeps for us; it drops the packets of all others.
        first = socket.socket()
        first.connect((LOOPBACK, self.port))
        self._listening.append(first)

    async def close(self) -> None:
        """Give the port back."""
        await self.refuse()
        _close_all(self._held)

    def _listen(self, backlog: int) -> socket.socket:
        listening = _bound(self.port)
        listening.listen(backlog)
        self._listening.append(listening)
        return listening

    def _accept(self, listening: socket.socket) -> None:
        with suppress(BlockingIOError):  # who came has left again
            wire, _ = listening.accept()
            wire.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._admit(wire))
            self._admitting.add(task)
            task.add_done_callback(self._admitting.discard)

    async def _admit(self, wire: socket.socket) -> None:
        # In a handshake a client may refuse the certificate, or leave.
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, wire, ssl=self._tls
            )


def reset(transport: asyncio.Transport) -> None:
    """Close a connection now, with RST instead of FIN; what was not sent yet is dropped."""
    if not transport.is_closing():
        no_linger = struct.pack("ii", 1, 0)
        wire = transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    transport.abort()


def _bound(port: int) -> socket.socket:
    """A socket bound to a port. Several may be bound to ours, since each says that it shares it;
    only one that listens is ever connected to.
    """
    # Asyncio sends small pieces at once (TCP_NODELAY) only where the protocol is spelt out.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((LOOPBACK, port))
    return made


def _close_all(sockets: list[socket.socket]) -> None:
    while sockets:
        sockets.pop().close()
