"""What a dialect is: the two halves of a wire format, as the front and the pipeline know them.

A client half turns a body into a `Call` and errors into the client's shape; an upstream half
turns a call into what is sent and what comes back into meaning: content, the end, usage, an
outcome. Halves are values without state; the one thing with state is the reader of one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Raw, Struct

from policies import Report
from policies.policy import NO_COUNTS
from router.dialects.common.events import Event, Usage
from router.dialects.common.prompt import Prompt
from router.dialects.seam import Begun

Headers = Mapping[str, str]
"""Names in lower case."""
Fields = Mapping[str, bytes]
NO_FIELDS: Fields = MappingProxyType({})
"""Of a body's top level: each name with its value as JSON."""
RelayedOperation = Literal[
    "moderations", "rerank", "images/generations", "images/edits", "images/variations",
    "audio/speech", "audio/transcriptions", "audio/translations",
]  # fmt: skip
"""Those whose calls pass as they are."""
Operation = Literal[
    "chat", "responses", "messages", "count_tokens", "completions", "embeddings", RelayedOperation
]
"""What a client asks for, by its path's end. The first three are answers to messages."""
IN_WORDS: frozenset[Operation] = frozenset({"chat", "responses", "messages", "completions"})
"""Those whose answer is a text, which anybody else could have written."""


class Call(Struct):
    """A client's request, as far as routing needs it. `body` is all of it, as it came; `fields` are
    its top level, still encoded, but for calls that are only relayed.

    `id` is the router's own of it, and `at` the Unix time of its coming, for answers that have
    neither. `input_tokens` is an estimate, `counted` has what tokenizers counted, by their names.
    `choices` are the answers expected, or the vectors. `usage_asked`: the client wants the usage
    chunk of a stream itself. `common` is the call in the common form, once somebody had to put it
    so.

    `bound` are the ids of what only the account knows that made it, `traces` those of reasoning
    that only its maker can read, but others can do without. `stays`: the answer is to be had later
    as well. `keep` is told, by account and id, what of the answer can be referred to later. `most`:
    tokens of an answer at most, where the router asks for itself, as each server takes that.
    """

    operation: Operation
    model: str
    stream: bool
    fields: Mapping[str, Raw]
    input_tokens: int
    output_tokens: int | None
    choices: int
    usage_asked: bool
    body: bytes = b""
    common: Prompt | None = None
    bound: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    stays: bool = False
    keep: Callable[[str, str], None] | None = None
    id: str = ""
    at: int = 0
    counted: Mapping[str, int] = NO_COUNTS
    most: int | None = None


Asked = tuple[str, bytes, tuple[str, ...]]
"""What is sent for a call: the path below the provider's base URL, the body, and what of the call
it leaves out, by the names of `SETTINGS` or what else the client wrote."""


class Unfit(Exception):
    """The call cannot be put in these words; the message says what of it cannot."""


class Wanting(Exception):
    """The provider wants what is at these `urls` as bytes: they are to be fetched first."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        super().__init__(", ".join(urls))
        self.urls = urls


@dataclass(eq=False)
class ClientError(Exception):
    """What a client is told when it gets no answer.

    `status`, `kind` (the family that SDKs switch on) and `code` are for programs, `message`
    says what to do about it. `retry_after` is in seconds and true: when coming back can help.
    `hopeless`: coming back cannot help. `beside` are more headers that go with it.
    """

    status: int
    kind: str
    code: str
    message: str
    param: str | None = None
    retry_after: float | None = None
    hopeless: bool = False
    beside: Headers = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """The headers that say when to come back, and those beside."""
        if self.retry_after is not None:
            return {"retry-after": str(max(1, -int(-self.retry_after // 1))), **self.beside}
        return {"x-should-retry": "false", **self.beside} if self.hopeless else {**self.beside}


class ClientDialect(Protocol):
    """How clients speak."""

    FEATURES: frozenset[str]
    """What `features` can look for without looking into what was said."""

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, Any]:
        """What `call` has of each of `needs`: whether it brings one of `FEATURES` (`tools`,
        `schema`, which is an answer in a given form, `images`); and what `router.dialects.reading`
        finds in the last message. Nothing else is decoded, and never raises.
        """

    def acts(self, call: Call) -> bool:
        """Whether answering `call` may do something in the world, by tools that its provider runs:
        such a request must not be served twice.
        """

    def user(self, call: Call) -> str:
        """Whom the caller names as the user for whom it asks; empty if it names none."""

    def parse(self, body: bytes, operation: Operation = "chat") -> Call:
        """The call. Raises `ClientError` naming what is wrong and where."""

    def writer(self, call: Call) -> Writer:
        """Writes one answer in words to `call` that did not come in the client's dialect."""

    def error(self, error: ClientError) -> bytes:
        """The body of an error answer."""

    def error_event(self, error: ClientError) -> bytes:
        """The same inside a stream whose head has gone out."""


class Interpretable(Protocol):
    """A client's half whose calls providers who speak otherwise can be asked as well."""

    def prompt(self, call: Call) -> Prompt:
        """The call in the common form. Raises `ClientError` for what is malformed, as far as it is
        read only here.
        """

    def writer(self, call: Call) -> Writer:
        """See `ClientDialect.writer`."""

    def error(self, error: ClientError) -> bytes:
        """See `ClientDialect.error`."""


class Writer(Protocol):
    """Puts one answer in a client's words: streamed, or whole."""

    def write(self, events: Iterable[Event]) -> bytes:
        """What to send a streaming client for these; what its dialect cannot carry is left out."""

    def end(self, note: bytes) -> bytes:
        """What closes a stream that is whole: the events that had to wait for its usage, `note`, a
        comment, and the formal end, if the dialect has one. Nothing is written after it.
        """

    def whole(self, events: Iterable[Event]) -> bytes:
        """The body of the answer in one piece."""


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

    def end(self, note: bytes) -> bytes:
        """What is still to be said to the client of an answer that is whole: `note`, a comment, and
        around it what closes a stream in the client's dialect.
        """


class EventReader(Protocol):
    """Reads one streamed answer into the common form."""

    ended: bool
    """See `StreamReader.ended`."""
    done: bool
    """See `StreamReader.done`."""
    failure: Report | None
    """See `StreamReader.failure`; its phase is set by whoever knows whether there was content."""
    said: bytes
    """See `StreamReader.said`."""
    malformed: int
    """See `StreamReader.malformed`."""

    def feed(self, data: bytes) -> list[Event]:
        """Read on."""

    def finish(self) -> list[Event]:
        """The bytes are at their end."""


class ForeignDialect(Protocol):
    """How a provider is spoken to for a client who speaks otherwise: from the common form, and back
    to it.
    """

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        """See `UpstreamDialect.ask`."""

    def reader(self) -> EventReader:
        """A reader for one streamed answer."""

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        """The outcome of an answer that came in one piece with a status of success, and what it
        says.
        """

    def refusal(
        self, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """See `UpstreamDialect.refusal`."""

    def told(self, body: bytes) -> str:
        """The message of an error as people are to read it; empty if there is none."""


class UpstreamDialect(Protocol):
    """How a provider is spoken to for one kind of call: the client's bytes in, and bytes that the
    client understands out.
    """

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        """What to send for `call`, with the upstream's own name of the model, and with `more`,
        whatever the call says of it: of answers to messages alone. Raises `Unfit`, or `Wanting` if
        something has to be fetched first.
        """

    def reader(self, call: Call) -> StreamReader:
        """A reader for one streamed answer."""

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        """The outcome of an answer that came in one piece with a status of success, and the body
        for the client.
        """

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """The outcome that a status of failure and what came with it mean. `wall` is Unix time:
        without it, an instant at which to come back says nothing.
        """

    def own_words(self, call: Call, body: bytes) -> bytes | None:
        """A refusal's body as the client knows such; None: it is not in the provider's dialect."""


@runtime_checkable
class Resumable(UpstreamDialect, Protocol):
    """One in which an answer that broke off can be gone on with."""

    def keeping(
        self, call: Call, model: str, begun: Begun, *, same: bool
    ) -> UpstreamDialect | None:
        """The dialect for one attempt of which a text is kept in `begun`, so that it can be gone on
        with; where some is there already, for one that goes on with it: its reader gives nothing
        but what is new, as events of the same answer. `same`: this `model` has begun it. None: more
        than a text is in play, or it cannot be gone on with here.
        """
