"""A provider inside the process: speaks the OpenAI dialect, takes its time, and sometimes fails.

It exists so that the router runs, with all of its code, on a machine without keys or network, and
so that load and faults can be had by number. Everything it does follows from its seed and the
number of the request. It is no model: its text says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, NamedTuple

import msgspec

from router.bell import Bell
from router.dialects.estimate import estimated_tokens
from router.upstream.transport import Head, Upstream

TEXT = (
    "This answer is simulated: no model wrote it. The router chose a target, waited for a first "
    "token, relayed every event as it came and counted what it cost. Point a provider at a key and "
    "the same request reaches a real one."
)
WORDS = TEXT.split()
CREATED = 1_700_000_000
"""A fixed time: the same seed gives the same bytes."""
MOST_CHOICES = 16
FAILURE = {
    "error": {
        "message": "simulated failure",
        "type": "server_error",
        "param": None,
        "code": "server_error",
    }
}

_encode = msgspec.json.encode


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


class Request(msgspec.Struct):
    """As much of a request as decides the answer."""

    stream: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    stream_options: dict[str, Any] | None = None
    n: int | None = None


class Line(NamedTuple):
    """Seconds to wait, the status, and the bytes that come then."""

    wait: float
    status: int
    data: bytes


_request = msgspec.json.Decoder(Request)


class Simulated:
    """The transport of simulated targets; `behaviours` by upstream model name."""

    def __init__(self, behaviours: Mapping[str, Behaviour]) -> None:
        self._behaviours = dict(behaviours)
        self._numbers = count(1)

    def open(
        self,
        upstream: Upstream,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        bell: Bell,
    ) -> SimulatedExchange:
        """See `Transport.open`."""
        behaviour = self._behaviours[upstream.model]
        script = Script(behaviour, upstream.model, next(self._numbers), body)
        return SimulatedExchange(script.lines(), bell)


class SimulatedExchange:
    """One simulated answer. See `Exchange`."""

    __slots__ = ("_bell", "_ended", "_lines", "_taken", "_timer", "head")

    def __init__(self, lines: Iterator[Line], bell: Bell) -> None:
        self.head: Head | None = None
        self._lines = lines
        self._bell = bell
        self._taken: list[bytes] = []
        self._ended = False
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
        self._lines = iter(())

    def finish(self) -> None:
        """See `Exchange.finish`."""
        self.abort()

    def _wait_for_next(self) -> None:
        """Arm the timer for the next line; those without a wait come with the one before."""
        for line in self._lines:
            if line.wait > 0:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(line.wait, self._arrive, line)
                return
            self._receive(line)
        self._ended = True

    def _arrive(self, line: Line) -> None:
        self._timer = None
        self._receive(line)
        self._wait_for_next()
        self._bell.ring()

    def _receive(self, line: Line) -> None:
        if self.head is None:
            kind = "text/event-stream" if line.data.startswith(b"data:") else "application/json"
            self.head = Head(line.status, {"content-type": kind})
        self._taken.append(line.data)


class Script:
    """What a simulated provider sends for its request number `number`, and when."""

    def __init__(self, behaviour: Behaviour, model: str, number: int, body: bytes) -> None:
        self._behaviour = behaviour
        self._request = _request.decode(body)
        self._rng = Random(f"{behaviour.seed}/{number}") if _chance(behaviour) else None
        most = self._request.max_completion_tokens or self._request.max_tokens
        self._length = max(1, min(most or behaviour.output_tokens, behaviour.output_tokens))
        self._finish = "length" if self._length < behaviour.output_tokens else "stop"
        self._choices = range(max(1, min(self._request.n or 1, MOST_CHOICES)))
        prompt, completion = estimated_tokens(body), self._length * len(self._choices)
        self._usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        self._common = {"id": f"chatcmpl-{number:016x}", "created": CREATED, "model": model}

    def lines(self) -> Iterator[Line]:
        """The whole of it."""
        if self._rng is not None and self._rng.random() < self._behaviour.error_rate:
            yield Line(self._spread(self._behaviour.first_token), 500, _encode(FAILURE))
        elif self._request.stream:
            yield from self._stream()
        else:
            yield self._whole()

    def _words(self) -> Iterator[str]:
        for position in range(self._length):
            word = WORDS[position % len(WORDS)]
            yield word if position == 0 else " " + word

    def _whole(self) -> Line:
        message = {"role": "assistant", "content": "".join(self._words())}
        choice = {"message": message, "finish_reason": self._finish, "logprobs": None}
        answer = {
            **self._common,
            "object": "chat.completion",
            "choices": [{"index": index, **choice} for index in self._choices],
            "usage": self._usage,
        }
        behaviour = self._behaviour
        seconds = behaviour.first_token + self._length / behaviour.tokens_per_second
        return Line(self._spread(seconds), 200, _encode(answer))

    def _stream(self) -> Iterator[Line]:
        behaviour = self._behaviour
        first = self._spread(behaviour.first_token)
        yield Line(first, 200, self._event({"role": "assistant", "content": ""}))
        for position, word in enumerate(self._words()):
            wait = self._spread(1 / behaviour.tokens_per_second) if position else 0.0
            yield Line(wait, 200, self._event({"content": word}))
        yield Line(0.0, 200, self._event({}, self._finish))
        if (self._request.stream_options or {}).get("include_usage"):
            yield Line(0.0, 200, self._chunk(choices=[], usage=self._usage))
        yield Line(0.0, 200, b"data: [DONE]\n\n")

    def _event(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"delta": delta, "finish_reason": finish}
        return self._chunk(choices=[{"index": index, **choice} for index in self._choices])

    def _chunk(self, **more: object) -> bytes:
        chunk = {**self._common, "object": "chat.completion.chunk", **more}
        return b"data: " + _encode(chunk) + b"\n\n"

    def _spread(self, seconds: float) -> float:
        if self._rng is None:
            return seconds
        return seconds * (1 + self._behaviour.jitter * self._rng.uniform(-1, 1))


def _chance(behaviour: Behaviour) -> bool:
    """Whether anything is left to chance; seeding a generator costs more than an answer."""
    return behaviour.jitter > 0 or behaviour.error_rate > 0
