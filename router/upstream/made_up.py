"""What a simulated provider says: text at a pace, vectors, and now and then an error.

All of it follows from a behaviour, the number of a request, its body, and how much of that was read
before. It is no model: its text says so, and its vectors mean nothing but that equal texts have
equal ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import msgspec

from router.dialects.estimate import estimated_tokens
from router.upstream.vectors import floats, vector

TEXT = (
    "This answer is simulated: no model wrote it. The router chose a target, waited for a first "
    "token, relayed every event as it came and counted what it cost. Point a provider at a key and "
    "the same request reaches a real one."
)
WORDS = TEXT.split()
CREATED = 1_700_000_000
"""A fixed time: the same seed gives the same bytes."""
MOST_CHOICES = 16
MOST_INPUTS = 2048
DIMENSIONS = 256
"""Of a vector, where the request does not name them."""
MOST_NUMBERS = 2**18
"""Of all vectors of an answer together: they are made while others wait."""
FAILURE = {
    "error": {
        "message": "simulated failure",
        "type": "server_error",
        "param": None,
        "code": "server_error",
    }
}

_encode = msgspec.json.encode
WrongRequest = msgspec.ValidationError
"""What a provider answers with 400."""
Read = Callable[[bytes], float]
"""What part of a body was read before."""


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


class Line(NamedTuple):
    """Seconds to wait, the status, and the bytes that come then."""

    wait: float
    status: int
    data: bytes


class Request(msgspec.Struct):
    """As much of a request as decides the answer."""

    stream: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    stream_options: dict[str, Any] | None = None
    n: int | None = None
    prompt: Any = None


class WantedVectors(msgspec.Struct):
    """As much of a request for embeddings."""

    input: Any = ""
    dimensions: int | None = None
    encoding_format: str | None = None


_request = msgspec.json.Decoder(Request)
_wanted_vectors = msgspec.json.Decoder(WantedVectors)


class Script(ABC):
    """One answer, and when it comes: what all kinds have in common."""

    def __init__(self, behaviour: Behaviour, number: int) -> None:
        self._behaviour = behaviour
        self._rng = Random(f"{behaviour.seed}/{number}") if _chance(behaviour) else None

    def lines(self) -> Iterator[Line]:
        """The whole of it."""
        if self._rng is not None and self._rng.random() < self._behaviour.error_rate:
            yield Line(self._spread(self._behaviour.first_token), 500, _encode(FAILURE))
        else:
            yield from self._answer()

    @abstractmethod
    def _answer(self) -> Iterator[Line]:
        """What it says."""

    def _spread(self, seconds: float) -> float:
        if self._rng is None:
            return seconds
        return seconds * (1 + self._behaviour.jitter * self._rng.uniform(-1, 1))


class Chat(Script):
    """An answer to messages, streamed or not."""

    NAME, WHOLE, CHUNK = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def __init__(
        self, behaviour: Behaviour, model: str, number: int, body: bytes, read: Read
    ) -> None:
        super().__init__(behaviour, number)
        self._request = _request.decode(body)
        most = self._request.max_completion_tokens or self._request.max_tokens
        self._length = max(1, min(most or behaviour.output_tokens, behaviour.output_tokens))
        self._finish = "length" if self._length < behaviour.output_tokens else "stop"
        each = max(1, min(self._request.n or 1, MOST_CHOICES))
        self._choices = range(each * self._prompts())
        prompt, completion = estimated_tokens(body), self._length * len(self._choices)
        self._usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": int(prompt * read(body))},
        }
        self._common = {"id": f"{self.NAME}-{number:016x}", "created": CREATED, "model": model}

    def _answer(self) -> Iterator[Line]:
        if self._request.stream:
            yield from self._stream()
        else:
            yield self._whole()

    def _prompts(self) -> int:
        return 1

    def _said(self, words: str) -> Mapping[str, Any]:
        """The text of a whole answer, as a choice has it."""
        return {"message": {"role": "assistant", "content": words}}

    def _piece(self, words: str) -> Mapping[str, Any]:
        """One piece of a streamed answer."""
        return {"delta": {"content": words} if words else {}}

    def _opening(self) -> Mapping[str, Any] | None:
        """What comes before the first piece, if anything does."""
        return {"delta": {"role": "assistant", "content": ""}}

    def _words(self) -> Iterator[str]:
        for position in range(self._length):
            word = WORDS[position % len(WORDS)]
            yield word if position == 0 else " " + word

    def _whole(self) -> Line:
        said = self._said("".join(self._words()))
        choice = {**said, "finish_reason": self._finish, "logprobs": None}
        answer = {
            **self._common,
            "object": self.WHOLE,
            "choices": [{"index": index, **choice} for index in self._choices],
            "usage": self._usage,
        }
        behaviour = self._behaviour
        seconds = behaviour.first_token + self._length / behaviour.tokens_per_second
        return Line(self._spread(seconds), 200, _encode(answer))

    def _stream(self) -> Iterator[Line]:
        behaviour = self._behaviour
        wait = self._spread(behaviour.first_token)
        if (opening := self._opening()) is not None:
            yield Line(wait, 200, self._event(opening))
            wait = 0.0
        for position, word in enumerate(self._words()):
            if position:
                wait = self._spread(1 / behaviour.tokens_per_second)
            yield Line(wait, 200, self._event(self._piece(word)))
        yield Line(0.0, 200, self._event(self._piece(""), self._finish))
        if (self._request.stream_options or {}).get("include_usage"):
            yield Line(0.0, 200, self._chunk(choices=[], usage=self._usage))
        yield Line(0.0, 200, b"data: [DONE]\n\n")

    def _event(self, piece: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {**piece, "finish_reason": finish}
        return self._chunk(choices=[{"index": index, **choice} for index in self._choices])

    def _chunk(self, **more: object) -> bytes:
        chunk = {**self._common, "object": self.CHUNK, **more}
        return b"data: " + _encode(chunk) + b"\n\n"


class Completion(Chat):
    """The rest of a text, or of each of several."""

    NAME, WHOLE, CHUNK = "cmpl", "text_completion", "text_completion"

    def _prompts(self) -> int:
        return len(_inputs(self._request.prompt))

    def _said(self, words: str) -> Mapping[str, Any]:
        return {"text": words}

    def _piece(self, words: str) -> Mapping[str, Any]:
        return {"text": words}

    def _opening(self) -> Mapping[str, Any] | None:
        return None


class Embedding(Script):
    """A vector for each input, of length 1."""

    def __init__(self, behaviour: Behaviour, model: str, number: int, body: bytes, _: Read) -> None:
        super().__init__(behaviour, number)
        wanted = _wanted_vectors.decode(body)
        self._inputs = _inputs(wanted.input)
        self._size = DIMENSIONS if wanted.dimensions is None else wanted.dimensions
        if self._size < 1 or self._size * len(self._inputs) > MOST_NUMBERS:
            raise WrongRequest(f"`dimensions`: from 1 to {MOST_NUMBERS // len(self._inputs)} here")
        self._as_bytes = wanted.encoding_format == "base64"
        self._model = model
        self._tokens = estimated_tokens(body)

    def _answer(self) -> Iterator[Line]:
        vectors = map(self._vector, self._inputs)
        told = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": b64encode(one).decode() if self._as_bytes else floats(one),
                }
                for index, one in enumerate(vectors)
            ],
            "model": self._model,
            "usage": {"prompt_tokens": self._tokens, "total_tokens": self._tokens},
        }
        yield Line(self._spread(self._behaviour.first_token), 200, _encode(told))

    def _vector(self, text: Any) -> bytes:
        return vector(_encode([self._behaviour.seed, self._model, text]), self._size)


KINDS: Mapping[str, Callable[[Behaviour, str, int, bytes, Read], Script]] = {
    "/chat/completions": Chat,
    "/completions": Completion,
    "/embeddings": Embedding,
}
"""By the path below the base URL."""


def script(
    path: str, behaviour: Behaviour, model: str, number: int, body: bytes, read: Read
) -> Iterator[Line]:
    """What the simulated `model` sends for its request number `number`, and when."""
    try:
        return KINDS[path](behaviour, model, number, body, read).lines()
    except WrongRequest as error:
        told = {"type": "invalid_request_error", "param": None, "code": "invalid_value"}
        body = _encode({"error": {"message": str(error), **told}})
        return iter([Line(behaviour.first_token, 400, body)])


def _inputs(given: Any) -> list[Any]:
    """A text or its tokens, or a list of either, as a list. Raises `WrongRequest`."""
    if not isinstance(given, list) or (given and isinstance(given[0], int)):
        return [given]
    if not 1 <= len(given) <= MOST_INPUTS:
        raise WrongRequest(f"from 1 to {MOST_INPUTS} inputs at once")
    return given


def _chance(behaviour: Behaviour) -> bool:
    """Whether anything is left to chance; seeding a generator costs more than an answer."""
    return behaviour.jitter > 0 or behaviour.error_rate > 0
