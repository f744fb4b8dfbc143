"""A provider inside the process: speaks the OpenAI dialect, takes its time, and sometimes
fails.

It exists so that the router runs, with all of its code, on a machine without keys or network,
and so that load and faults can be had by number. Everything it does follows from its seed. It
is no model: its text says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from router.bell import Bell
from router.dialects.estimate import estimated_tokens
from router.upstream.transport import Head, Upstream

WORDS = [
    "This",
    "answer",
    "is",
    "simulated",
    ":",
    "no",
    "model",
    "wrote",
    "it",
    ".",
    "The",
    "router",
    "chose",
    "a",
    "target",
    ",",
    "waited",
    "for",
    "a",
    "first",
    "token",
    ",",
    "relayed",
    "every",
    "event",
    "as",
    "it",
    "came",
    "and",
    "counted",
    "what",
    "it",
    "cost",
    ".",
    "Point",
    "a",
    "provider",
    "at",
    "a",
    "key",
    "and",
    "the",
    "same",
    "request",
    "reaches",
    "a",
    "real",
    "one",
    ".",
]
CREATED = 1_700_000_000
"""A fixed time: the same seed gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a simulated model behaves: seconds to the first token, tokens a second, the relative
    spread of every wait, the share of requests that fail, the length of an answer, and the seed
    of it all.
    """

    first_token: float = 0.1
    tokens_per_second: float = 50.0
    jitter: float = 0.0
    error_rate: float = 0.0
    output_tokens: int = 64
    seed: int = 0


class Simulated:
    """The transport of simulated targets; `behaviours` by upstream model name."""

    def __init__(self, behaviours: Mapping[str, Behaviour]) -> None:
        self._behaviours = dict(behaviours)
        self._numbers = count(1)

    def open(
        self, upstream: Upstream, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> SimulatedExchange:
        """See `Transport.open`."""
        behaviour = self._behaviours[upstream.model]
        number = next(self._numbers)
        return SimulatedExchange(
            behaviour, upstream.model, body, Random(f"{behaviour.seed}/{number}"), bell
        )

    async def close(self) -> None:
        """Nothing to let go of."""


class SimulatedExchange:
    """One simulated answer. See `Exchange`."""

    __slots__ = ("_bell", "_ended", "_rng", "_script", "_spread", "_taken", "_timer", "head")

    def __init__(
        self, behaviour: Behaviour, model: str, body: bytes, rng: Random, bell: Bell
    ) -> None:
        self.head: Head | None = None
        self._bell = bell
        self._rng = rng
        self._spread = behaviour.jitter
        self._taken: list[bytes] = []
        self._ended = False
        self._script = script(behaviour, model, json.loads(body), rng, estimated_tokens(body))
        self._timer: asyncio.TimerHandle | None = None
        self._wait_for_next()

    def take(self) -> bytes | None:
        """See `Exchange.take`."""
        if self._taken:
            taken = b"".join(self._taken)
            self._taken.clear()
            return taken
        return b"" if self._ended else None

    def abort(self) -> None:
        """See `Exchange.abort`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._ended:
            self._script = iter(())

    def _wait_for_next(self) -> None:
        """Arm the timer for the script's next line; lines without a wait come with the one
        before.
        """
        for wait, status, data in self._script:
            if wait > 0:
                spread = 1 + self._spread * self._rng.uniform(-1, 1)
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(wait * spread, self._arrive, status, data)
                return
            self._receive(status, data)
        self._ended = True

    def _arrive(self, status: int, data: bytes) -> None:
        self._timer = None
        self._receive(status, data)
        self._wait_for_next()
        self._bell.ring()

    def _receive(self, status: int, data: bytes) -> None:
        if self.head is None:
            kind = "text/event-stream" if data.startswith(b"data:") else "application/json"
            self.head = Head(status, {"content-type": kind})
        self._taken.append(data)


Line = tuple[float, int, bytes]
"""Seconds to wait, the status (of the first), bytes."""


def script(
    behaviour: Behaviour, model: str, request: dict[str, Any], rng: Random, prompt: int
) -> Iterator[Line]:
    """What the provider will send."""
    if rng.random() < behaviour.error_rate:
        error = {
            "message": "simulated failure",
            "type": "server_error",
            "param": None,
            "code": "server_error",
        }
        yield behaviour.first_token, 500, _encode({"error": error})
        return
    most = (
        request.get("max_completion_tokens") or request.get("max_tokens") or behaviour.output_tokens
    )
    length = max(1, min(most, behaviour.output_tokens))
    words = [WORDS[index % len(WORDS)] for index in range(length)]
    finish = "length" if length < behaviour.output_tokens else "stop"
    usage = {"prompt_tokens": prompt, "completion_tokens": length, "total_tokens": prompt + length}
    common = {"id": f"chatcmpl-{rng.getrandbits(64):016x}", "created": CREATED, "model": model}
    lines = _stream if request.get("stream") else _whole
    yield from lines(behaviour, common, words, finish, usage, request)


def _whole(
    behaviour: Behaviour,
    common: dict[str, Any],
    words: list[str],
    finish: str,
    usage: dict[str, int],
    request: dict[str, Any],  # noqa: ARG001 - the same arguments as `_stream`
) -> Iterator[Line]:
    message = {"role": "assistant", "content": " ".join(words)}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    answer = {**common, "object": "chat.completion", "choices": [choice], "usage": usage}
    yield behaviour.first_token + len(words) / behaviour.tokens_per_second, 200, _encode(answer)


def _stream(
    behaviour: Behaviour,
    common: dict[str, Any],
    words: list[str],
    finish: str,
    usage: dict[str, int],
    request: dict[str, Any],
) -> Iterator[Line]:
    common = {**common, "object": "chat.completion.chunk"}

    def event(delta: dict[str, str], end: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        return b"data: " + _encode({**common, "choices": [choice]}) + b"\n\n"

    yield behaviour.first_token, 200, event({"role": "assistant", "content": ""})
    for position, word in enumerate(words):
        wait = 1 / behaviour.tokens_per_second if position else 0.0
        yield wait, 200, event({"content": word if position == 0 else " " + word})
    yield 0.0, 200, event({}, finish)
    if (request.get("stream_options") or {}).get("include_usage"):
        yield 0.0, 200, b"data: " + _encode({**common, "choices": [], "usage": usage}) + b"\n\n"
    yield 0.0, 200, b"data: [DONE]\n\n"


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
