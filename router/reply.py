"""What a client is told: one answer, whole, streamed, or an error in its own dialect.

A stream's head goes out at the first content, or after 15 s without any; from then on an error can
only be an event inside the stream, never a silent end that looks like a whole answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from router.caller import Caller
from router.dialects.contract import Call, ClientError
from router.dialects.interpreter import fixed
from router.dialects.sse import comment
from router.sink import Sink
from router.tenants.allowance import Allowance

QUIET: Final = 15.0
"""Seconds without a byte after which a stream's client is sent a comment: proxies between cut what
is silent for 30 or 60."""
STREAM: Final = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
DEGRADED: Final = "x-router-degraded"
JSON: Final = {"content-type": "application/json"}


class Reply:
    """The one answer to one request, that of `caller`. `status` is 0 until something is sent;
    `degraded` is how far down its route's ladder the request has come, in a word, and `instead` a
    text that is to be said for want of an answer. `allowance` is what it holds of its tenant's
    limits, of which the client is told how they stand. `climbed` are the targets whose answers were
    not good enough, each with the check that its answer failed.
    """

    __slots__ = (
        "_allowance", "_sink", "caller", "climbed", "clock", "degraded", "instead", "quiet_until",
        "status", "streaming",
    )  # fmt: skip

    def __init__(
        self,
        caller: Caller,
        sink: Sink,
        clock: Callable[[], float],
        now: float,
        allowance: Allowance | None = None,
    ) -> None:
        self.caller = caller
        self._sink = sink
        self._allowance = allowance
        self.clock = clock
        self.status = 0
        self.degraded = ""
        self.climbed: tuple[tuple[str, str], ...] = ()
        self.instead: str | None = None
        self.streaming = False
        self.quiet_until = now + QUIET

    @property
    def refusal(self) -> ClientError | None:
        """Why the fleet did not let the request through, if it did not."""
        return self._allowance.error if self._allowance is not None else None

    @property
    def waited(self) -> float:
        """Seconds for which the client took too little."""
        return self._sink.waited

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> Awaitable[None]:
        """Give a whole answer, or a provider's refusal in its own words."""
        self.status = status
        if self.degraded:
            headers = {**headers, DEGRADED: self.degraded}
        if self._allowance is not None:
            # An error may say more exactly how they stood when it was refused.
            headers = {**self._allowance.headers(self.clock()), **headers}
        return self._sink.send(status, headers, body)

    async def stream(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Pass events on; `headers` are used if the head has not gone out yet."""
        if not self.streaming:
            self.streaming = True
            self.status = 200
            told = {DEGRADED: self.degraded} if self.degraded else {}
            if self._allowance is not None:
                told |= self._allowance.headers(self.clock())
            await self._sink.start(200, {**headers, **told, **STREAM})
        await self._sink.write(data)
        self.quiet_until = self.clock() + QUIET

    def put(self, data: bytes) -> bool:
        """Pass events on at once, if the head has gone out and the client has room; whether it was
        so.
        """
        if not self.streaming or not self._sink.put(data):
            return False
        self.quiet_until = self.clock() + QUIET
        return True

    async def keep_alive(self, headers: Mapping[str, str]) -> None:
        """Send a comment, so that nobody between takes the silence for death."""
        await self.stream(comment("keep-alive"), headers)

    async def text(self, call: Call, text: str, headers: Mapping[str, str], note: bytes) -> None:
        """Give a text of the operator's as the answer; `note` is a comment for a stream's end."""
        said = fixed(self.caller.dialect, call, text, note)
        if call.stream:
            await self.stream(said, headers)
            await self.end()
        else:
            await self.whole(200, {**JSON, **headers}, said)

    def end(self) -> Awaitable[None]:
        """The stream is whole."""
        return self._sink.end()

    async def error(self, error: ClientError, headers: Mapping[str, str]) -> None:
        """Say honestly that there is no answer, or that it broke off."""
        dialect = self.caller.dialect
        if self.streaming:
            await self._sink.write(dialect.error_event(error))
            await self._sink.end()
            return
        told = {**JSON, **error.headers(), **headers}
        await self.whole(error.status, told, dialect.error(error))
