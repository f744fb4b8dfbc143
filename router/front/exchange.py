"""The seam between the wire and whoever answers: one request in, exactly one answer out.

Handlers and dialects know these types and nothing else of HTTP, so that the listener underneath
can be replaced without touching them. Nothing here may import an HTTP library.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from router.sink import Sink

# A request's have their names in lower case. An answer's go out as they are, without those that
# frame it: `FRAMING` in `responder.py`.
Headers = Mapping[str, str]


class Refused(Exception):
    """A request that gets an error instead of an answer, before its handler or in place of it.

    `status` is HTTP's, `code` a word for programs; `message` says what to do about it, for people.
    It is rendered by whoever knows the client's dialect.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class TooLarge(Refused):
    """A body that is, or says that it is, longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            413,
            "body_too_large",
            f"the request's body is longer than the {limit} bytes that `server.max_body` allows",
        )
        self.limit = limit


class Inbound(NamedTuple):
    """A request whose body has not been asked for yet.

    `path` and `query` are as they came, percent-encoded. `peer` is the address of whoever
    connected, without its port. `await body()` reads the body whole, once; it raises `Refused`
    (`TooLarge`: from the header alone, if that says so; 408 if the client dawdles, 400 if what
    it sends is not HTTP), which a handler may let pass: the listener answers.
    """

    method: str
    path: str
    query: str
    headers: Headers
    peer: str
    body: Callable[[], Awaitable[bytes]]


class Responder(Sink, Protocol):
    """The sink at whose other end is the client of one request.

    After `end` and `send` the client may leave at any time, and that cancels the handler: nothing
    that matters may be awaited after them.
    """

    @property
    def started(self) -> bool:
        """Whether a status has gone out, so that it is too late for another."""


# Cancelled when the client leaves. Raises `Refused` to have an error answered for it; any other
# exception is answered with 500, or cuts the connection when the answer has begun.
Handler = Callable[[Inbound, Responder], Awaitable[None]]

# Renders a refusal in the dialect that the path belongs to ("" when it is not known).
Refuse = Callable[[str, Refused], tuple[int, Headers, bytes]]
