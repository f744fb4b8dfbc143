"""The sockets at which clients arrive, bound once, by the parent, and handed to its workers.

Why: the parent's own copy of a socket keeps what waits at it when a worker dies; the next worker
finds it there. Where the kernel spreads connections over sockets of one port (Linux), every worker
has its own; elsewhere all wait at one. Must not: accept anything.
"""

from __future__ import annotations

import socket
import sys

from router.config import Address
from router.front.listener import address_of

SPREADS = sys.platform == "linux"
"""Whether the kernel spreads the connections to one port over the sockets bound to it. Other
systems that know SO_REUSEPORT give all of them to one.
"""


class Doors:
    """Where clients arrive. `each`: every worker has sockets of its own. Raises OSError when the
    address cannot be had.
    """

    def __init__(self, address: Address, *, each: bool = SPREADS) -> None:
        self._each = each
        self._held: list[socket.socket] = []
        port = address.port
        found = socket.getaddrinfo(
            address.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        try:
            for family, *_, name in dict.fromkeys(found):
                at = (name[0], port, *name[2:])
                if port:  # a port may be shared by whoever wishes to: see that nobody listens there
                    _bound(family, at, shared=False).close()
                self._held.append(_bound(family, at, shared=each))
                port = self._held[0].getsockname()[1]
        except OSError:
            self.close()
            raise

    @property
    def address(self) -> str:
        """The first of them, as `host:port`."""
        return address_of(self._held[0])

    def open(self) -> list[socket.socket]:
        """The sockets of one worker, not listening yet. Raises OSError."""
        if self._each:
            return [_bound(one.family, one.getsockname(), shared=True) for one in self._held]
        return [one.dup() for one in self._held]

    def close(self) -> None:
        """Let go of the port; the sockets of workers stay open."""
        for one in self._held:
            one.close()


def close(sockets: list[socket.socket]) -> None:
    """Close those of one worker: the worker's copies are its own."""
    for one in sockets:
        one.close()


def private(path: str) -> socket.socket:
    """A socket that only processes of this machine reach, by its path."""
    one = socket.socket(socket.AF_UNIX)
    one.bind(path)
    return one


def _bound(family: int, at: tuple[str | int, ...], *, shared: bool) -> socket.socket:
    one = socket.socket(family)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(at)
    except OSError:
        one.close()
        raise
    return one
