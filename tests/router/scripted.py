"""Providers and clients by script.

A provider's script is a list of steps. A number waits so many seconds; a `Head` is the head of its
answer; bytes are its body; `b""` ends it, as `Exchange.take` says it; an `UpstreamError` breaks it.
What stands between two waits comes at once. A script that does not end falls silent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from policies import Phase
from router.bell import Bell
from router.upstream.transport import Head, Upstream, UpstreamError

Step = float | Head | bytes | UpstreamError
Script = Sequence[Step]

EVENTS = Head(200, {"content-type": "text/event-stream"})
END = b""
DONE = b"data: [DONE]\n\n"
CUT = UpstreamError(Phase.BODY, "the connection broke off")
REFUSED = UpstreamError(Phase.CONNECT, "cannot connect")
RESET = UpstreamError(Phase.HEAD, "the connection broke before an answer")


def event(**fields: Any) -> bytes:
    """One event with a chunk."""
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> bytes:
    """One event with a delta."""
    return event(choices=[{"index": index, "delta": fields, "finish_reason": finish}])


def text(words: str, index: int = 0) -> bytes:
    """A delta of an answer's text."""
    return delta(index, content=words)


ROLE = delta(role="assistant", content="")
FINISH = delta(finish="stop")
USAGE = event(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
ERROR = event(error={"message": "it broke", "type": "server_error", "code": "server_error"})
GOOD: Script = [0.1, EVENTS, ROLE, 0.1, text("Hel"), 0.1, text("lo"), 0.1, FINISH, USAGE, DONE, END]


def answer(words: str = "Hello", **fields: Any) -> Script:
    """An answer in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": words}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    body = {"choices": [{**choice, "finish_reason": "stop"}], "usage": usage, **fields}
    return piece(200, body)


def refusal(status: int, code: str | None = None, **headers: str) -> Script:
    """An error with a status; `retry_after="7"` becomes a header."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"message": f"refused with {status}", "type": "some_error", "code": code}
    return piece(status, {"error": error}, **told)


def piece(status: int, body: Any, **headers: str) -> Script:
    """A status, and a body in one piece: JSON, or bytes as they are."""
    kind = "text/html" if isinstance(body, bytes) else "application/json"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [0.1, Head(status, {"content-type": kind, **headers}), data, END]


def body_of(script: Script) -> bytes:
    """All bytes of a script."""
    return b"".join(step for step in script if isinstance(step, bytes))


class ScriptedExchange:
    """One exchange that follows its script. `over`: nothing will come of it any more."""

    def __init__(self, script: Script, bell: Bell) -> None:
        self.head: Head | None = None
        self.aborted = False
        self._bell = bell
        self._steps = iter(script)
        self._taken: list[bytes] = []
        self._ended = False
        self._error: UpstreamError | None = None
        self._handle: asyncio.Handle = asyncio.get_running_loop().call_soon(self._go_on)

    @property
    def over(self) -> bool:
        return self.aborted or self._ended or self._error is not None

    @property
    def sent(self) -> bool:
        return True

    def take(self) -> bytes | None:
        assert not self.aborted, "an exchange was asked for bytes after it was given up"
        if self._taken:
            taken = b"".join(self._taken)
            self._taken.clear()
            return taken
        if self._error is not None:
            raise self._error
        return b"" if self._ended else None

    def abort(self) -> None:
        self.aborted = True
        self._handle.cancel()

    def finish(self) -> None:
        self.abort()

    def _go_on(self) -> None:
        for step in self._steps:
            match step:
                case Head():
                    self.head = step
                case UpstreamError():
                    self._error = step
                case b"":
                    self._ended = True
                case bytes():
                    self._taken.append(step)
                case _:
                    self._handle = asyncio.get_running_loop().call_later(step, self._go_on)
                    break
        self._bell.ring()


class Sent(NamedTuple):
    """What a provider was sent, and when."""

    target: str
    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes
    exchange: ScriptedExchange

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Scripted:
    """The transport of scripted providers: for each target a script for each exchange, the last
    of them for all that follow.
    """

    def __init__(self, scripts: Mapping[str, Iterable[Script]]) -> None:
        self.sent: list[Sent] = []
        self._scripts = {target: list(scripts) for target, scripts in scripts.items()}

    def open(
        self, upstream: Upstream, path: str, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> ScriptedExchange:
        scripts = self._scripts[upstream.target]
        exchange = ScriptedExchange(scripts.pop(0) if len(scripts) > 1 else scripts[0], bell)
        at = asyncio.get_running_loop().time()
        self.sent.append(Sent(upstream.target, at, path, headers, body, exchange))
        return exchange


class Client:
    """A sink that keeps what it is given; `before` is awaited with the name of every verb."""

    def __init__(self, before: Callable[[str], Awaitable[None]] | None = None) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[tuple[float, bytes]] = []
        self.ended = False
        self.waited = 0.0
        self._before = before

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The code of an error that came as the whole answer."""
        return str(self.json["error"]["code"])

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        await self._ready("start")
        assert not self.status, "a second head"
        self.status, self.headers = status, dict(headers)

    async def write(self, data: bytes) -> None:
        await self._ready("write")
        assert self.status, "a body without a head"
        self.pieces.append((asyncio.get_running_loop().time(), data))

    def put(self, data: bytes) -> bool:
        if self._before is not None:
            return False
        assert self.status, "a body without a head"
        assert not self.ended, "a body after the end"
        self.pieces.append((asyncio.get_running_loop().time(), data))
        return True

    async def end(self) -> None:
        await self._ready("end")
        self.ended = True

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self._ready("send")
        assert not self.status, "a second head"
        self.status, self.headers, self.ended = status, dict(headers), True
        self.pieces.append((asyncio.get_running_loop().time(), body))

    async def _ready(self, verb: str) -> None:
        if self._before is not None:
            await self._before(verb)
        assert not self.ended, f"{verb} after the end"
