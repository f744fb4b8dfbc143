"""A sink and a transport that do nothing, so that what is measured between them is the
pipeline's.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from policies import Engine, LeastLatency, Route, Target
from router.bell import Bell
from router.caller import Caller
from router.dialects.contract import Call
from router.dialects.openai.dialect import OPENAI, SPOKEN
from router.runtime import Runtime
from router.tenants.identity import DEFAULT, Tenants
from router.upstream.transport import Head, Timeouts, Upstream

REQUEST = b'{"model":"m","messages":[{"role":"user","content":"%s"}],"stream":%s}'
WHOLE = (
    b'{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"%s"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150}}' % (b"word " * 60)
)
CHUNK = (
    b'data: {"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n'
)
END = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50}}\n\n'
    b"data: [DONE]\n\n"
)
ONE_CHUNK = [CHUNK + END]
MANY_CHUNKS = [CHUNK] * 99 + [CHUNK + END]


class NullSink:
    """Takes everything at once; counts whole answers."""

    def __init__(self) -> None:
        self.answers = 0
        self.waited = 0.0

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        assert status == 200

    async def write(self, data: bytes) -> None:
        assert data

    def put(self, data: bytes) -> bool:
        return True

    async def end(self) -> None:
        self.answers += 1

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        assert status == 200
        self.answers += 1


class NullExchange:
    """Every piece is there before it is asked for; those of a long stream come one a look."""

    def __init__(self, pieces: list[bytes], bell: Bell) -> None:
        self.head = Head(200, {"content-type": "application/json"})
        self._pieces = iter(pieces)
        self._bell = bell
        self._one_by_one = len(pieces) > 1
        self._given = False
        self.sent = True

    def take(self) -> bytes | None:
        if self._given and self._one_by_one:
            self._given = False
            self._bell.ring()
            return None
        self._given = True
        return next(self._pieces, b"")

    def abort(self) -> None:
        self._pieces = iter(())

    def finish(self) -> None:
        self._pieces = iter(())


class NullTransport:
    """Answers with the same pieces every time."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def open(
        self, upstream: Upstream, path: str, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> NullExchange:
        bell.ring()
        return NullExchange(self._pieces, bell)


def runtime(targets: int, chunks: list[bytes] | None, now: float) -> Runtime:
    """A running configuration over the null transport."""
    transport = NullTransport([WHOLE] if chunks is None else chunks)
    names = [f"p{number}/m" for number in range(targets)]
    route = Route([Target(name) for name in names], LeastLatency())
    return Runtime(
        revision="",
        engine=Engine({"m": route}, rng=Random(1), now=now),
        upstreams={name: Upstream(name, "m", SPOKEN, transport, Timeouts()) for name in names},
        tenants=Tenants([], DEFAULT),
        deadlines={"m": 60.0},
        targets={"m": frozenset(names)},
        off={},
        policies={},
        listed={"m": 0},
        needs={},
        alike={},
        resume={},
    )


def call(*, stream: bool) -> Call:
    """A request of half a kilobyte."""
    return OPENAI.parse(REQUEST % (b"word " * 80, b"true" if stream else b"false"))


def caller() -> Caller:
    """Who asks."""
    return Caller("req_0", DEFAULT, OPENAI, {"content-type": "application/json"})
