"""What a dialect is: the two halves of a wire format, as the front and the pipeline know them.

A client half turns a body into a `Call` and errors into the client's shape; an upstream half
turns a call into what is sent and what comes back into meaning: content, the end, usage, an
outcome. Halves are values without state; the one thing with state is the reader of one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from msgspec import Raw, Struct

from policies import Report

Headers = Mapping[str, str]
"""Names in lower case."""
Operation = Literal["chat", "completions", "embeddings"]
"""What a client asks for: an answer to messages, the rest of a text, vectors."""


class Call(Struct, frozen=True):
    """A client's request, as far as routing needs it. `fields` are the body's top level, still
    encoded: everything unknown passes untouched.

    `input_tokens` is an estimate. `choices` are the answers expected, or the vectors.
    `usage_asked`: the client wants the usage chunk of a stream itself.
    """

    operation: Operation
    model: str
    stream: bool
    fields: Mapping[str, Raw]
    input_tokens: int
    output_tokens: int | None
    choices: int
    usage_asked: bool


class Usage(NamedTuple):
    """Tokens as a provider counted them."""

    input_tokens: int
    output_tokens: int


@dataclass(eq=False)
class ClientError(Exception):
    """What a client is told when it gets no answer.

    `status`, `kind` (the family that SDKs switch on) and `code` are for programs, `message`
    says what to do about it. `retry_after` is in seconds and true: when coming back can help.
    `hopeless`: coming back cannot help.
    """

    status: int
    kind: str
    code: str
    message: str
    param: str | None = None
    retry_after: float | None = None
    hopeless: bool = False

    def headers(self) -> dict[str, str]:
        """The headers that say when to come back."""
        if self.retry_after is not None:
            return {"retry-after": str(max(1, -int(-self.retry_after // 1)))}
        return {"x-should-retry": "false"} if self.hopeless else {}


class ClientDialect(Protocol):
    """How clients speak."""

    FEATURES: frozenset[str]
    """What `features` can look for."""

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, bool]:
        """Whether `call` brings each of `needs`, all of them among `FEATURES`: `tools`, `schema`
        (an answer in a given form), `images`. Nothing else is decoded.
        """

    def acts(self, call: Call) -> bool:
        """Whether answering `call` may do something in the world, by tools that its provider runs:
        such a request must not be served twice.
        """

    def parse(self, body: bytes, operation: Operation = "chat") -> Call:
        """The call. Raises `ClientError` naming what is wrong and where."""

    def error(self, error: ClientError) -> bytes:
        """The body of an error answer."""

    def error_event(self, error: ClientError) -> bytes:
        """The same inside a stream whose head has gone out."""

    def end(self) -> bytes:
        """What ends a stream after its last event; empty if nothing does."""

    def text(self, call: Call, text: str, name: str, wall: float) -> bytes:
        """An answer to `call` that says `text`, and cost nothing, under the id `name`: a body, or
        for a stream its events, without what ends it. `wall` is Unix time.
        """


class StreamReader(Protocol):
    """Reads one streamed answer."""

    content: int
    """Events so far that carried content: any delta that costs tokens."""
    ended: bool
    """The semantic terminator has come: what follows can only be usage and the formal end."""
    done: bool
    """The formal end has come."""
    failure: Report | None
    """The stream said that it failed, or was not what it should be."""
    said: bytes
    """The body of the error with which it said so; empty if it did not."""
    usage: Usage | None
    malformed: int
    """Events so far that were not of the dialect, and were left out: nothing of the answer was in
    them.
    """

    def feed(self, data: bytes) -> bytes:
        """Read on; returns what passes on to the client, in its original bytes."""

    def finish(self) -> bytes:
        """The bytes are at their end: read an event that lacked its blank line."""


class UpstreamDialect(Protocol):
    """How a provider is spoken to."""

    def path(self, call: Call) -> str:
        """Where `call` goes, below the base URL."""

    def body(self, call: Call, model: str, *, ask_usage: bool) -> bytes:
        """The body to send for `call`, with the upstream's own name of the model."""

    def reader(self, call: Call) -> StreamReader:
        """A reader for one streamed answer."""

    def whole(self, call: Call, body: bytes) -> Report:
        """The outcome of an answer that came in one piece with a status of success."""

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """The outcome that a status of failure and what came with it mean. `wall` is Unix time:
        without it, an instant at which to come back says nothing.
        """

    def own_words(self, body: bytes) -> bytes | None:
        """The body of a refusal as clients know it; None if it is not in the dialect (a page of
        a proxy in between).
        """
