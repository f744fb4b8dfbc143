"""The seam between the wire and whoever answers: one request in, exactly one answer out.

Handlers and dialects know these types and nothing else of HTTP, so that the listener underneath
can be replaced without touching them. Nothing here may import an HTTP library.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from router.sink import Sink

# Names in lower case. An answer's go out as they are, without those that frame it: `FRAMING` in
# `responder.py`.
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


class Inbound(Protocol):
    """A request whose body has not been asked for yet. `path` and `query` are as they came,
    percent-encoded.
    """

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def query(self) -> str: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def peer(self) -> str:
        """The address of whoever connected, without its port."""

    def at_hand(self) -> bytes | None:
        """The body, if it has come already; None: `await body()`. Only one of the two gives it."""

    async def body(self) -> bytes:
        """Read the body whole, once. Raises `Refused` (`TooLarge`: from the header alone, if that
        says so; 408 if the client dawdles, 400 if what it sends is not HTTP), which a handler may
        let pass: the listener answers.
        """


class Responder(Sink, Protocol):
    """The sink at whose other end is the client of one request.

    After `end` and `send` the client may leave at any time, and that cancels the handler: nothing
    that matters may be awaited after them.
    """

    @property
    def started(self) -> bool:
        """Whether a status has gone out, so that it is too late for another."""


# Cancelled when the client leaves. Raises what `Refuse` renders to have an error answered for it;
# any other exception is answered with 500, or cuts the connection when the answer has begun.
Handler = Callable[[Inbound, Responder], Awaitable[object]]

# Renders what a handler raised, as its client is told; None: that is no refusal, but a fault.
Refuse = Callable[[Exception, Inbound], tuple[int, Headers, bytes] | None]
