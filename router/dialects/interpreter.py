"""Stands between a client and a provider who speak different dialects.

It puts a call in the common form and has the provider's half write it; what comes back it reads
into events and has the client's half write them. What either cannot carry is left out there, and
named. It knows no dialect itself.
"""

from __future__ import annotations

from msgspec.structs import replace

from policies import Phase, Report
from router.dialects.common.events import CONTENT, Began, Counted, Event, Said, Stopped, Usage
from router.dialects.common.prompt import Prompt, bounded
from router.dialects.contract import (
    NO_FIELDS,
    Asked,
    Call,
    ClientDialect,
    ClientError,
    EventReader,
    Fields,
    ForeignDialect,
    Headers,
    Interpretable,
    Unfit,
    Writer,
)
from router.dialects.errors.judge import code_of
from router.dialects.openai.splice import with_fields
from router.dialects.passing import Progress

MOST_CHOICES = 128
"""Of one request, as OpenAI has it: beyond that a client is given fewer than it asked for."""


class Interpreter:
    """See `UpstreamDialect`: for calls of `client`, to providers who speak `foreign`, about a model
    that writes `most` tokens (None: nobody said).
    """

    def __init__(
        self, client: Interpretable, foreign: ForeignDialect, most: int | None = None
    ) -> None:
        self._client = client
        self._foreign = foreign
        self._most = most

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        """See `UpstreamDialect.ask`. Usage is always asked for: the writer gives it or not."""
        if call.common is None:
            call.common = self._prompt(call)
        prompt = call.common if self._most is None else bounded(call.common, self._most)
        path, body, dropped = self._foreign.ask(prompt, model, stream=call.stream)
        if more:
            body = with_fields(body, more)
        return path, body, (*dropped, *prompt.unknown)

    def reader(self, call: Call) -> InterpretedStream:
        return InterpretedStream(self._foreign.reader(), self._client.writer(call))

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        report, events = self._foreign.whole(body)
        if not report.outcome.good:
            return report, body
        return report, self._client.writer(call).whole(events)

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        return self._foreign.refusal(status, headers, body, wall)

    def own_words(self, call: Call, body: bytes) -> bytes | None:
        """See `UpstreamDialect.own_words`: the provider's message in the client's shape."""
        message = self._foreign.told(body)
        if not message:
            return None
        code = code_of(self._foreign.whole(body)[0].outcome, body)
        return self._client.error(ClientError(400, "invalid_request_error", code, message))

    def _prompt(self, call: Call) -> Prompt:
        try:
            prompt = self._client.prompt(call)
        except ClientError as error:
            # Who speaks the client's dialect may still know what is meant.
            raise Unfit(error.message) from None
        if call.most is None:
            return prompt
        return replace(prompt, settings={**prompt.settings, "max_tokens": call.most})


class InterpretedStream(Progress):
    """One streamed answer in the client's words. See `StreamReader`."""

    __slots__ = ("_reader", "_writer", "content", "usage")

    def __init__(self, reader: EventReader, writer: Writer) -> None:
        super().__init__()
        self._reader = reader
        self._writer = writer
        self.content = 0
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        return self._written(self._reader.feed(data))

    def finish(self) -> bytes:
        return self._written(self._reader.finish())

    def end(self, note: bytes) -> bytes:
        return self._writer.end(note)

    def _written(self, events: list[Event]) -> bytes:
        written = self._writer.write(events) if events else b""
        for event in events:
            if isinstance(event, Counted):
                self.usage = event.usage
            elif written and isinstance(event, CONTENT):
                self.content += 1
        reader = self._reader
        self.ended, self.done, self.said = reader.ended, reader.done, reader.said
        self.malformed = reader.malformed
        if reader.failure is not None:
            phase = Phase.BODY if self.content else Phase.FIRST_TOKEN
            self.failure = reader.failure._replace(phase=phase)
        return written


class Unspoken:
    """An `UpstreamDialect` for kinds of calls that a provider has no endpoint for."""

    def __init__(self, what: str) -> None:
        self._what = what

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        """See `UpstreamDialect.ask`. Raises `Unfit`."""
        raise Unfit(f"{self._what} has no endpoint for {call.operation}")

    def reader(self, call: Call) -> InterpretedStream:
        """Never asked for: nothing is sent."""
        raise NotImplementedError

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        """Never asked for: nothing is sent."""
        raise NotImplementedError

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """Never asked for: nothing is sent."""
        raise NotImplementedError

    def own_words(self, call: Call, body: bytes) -> bytes | None:
        return None


def fixed(client: ClientDialect, call: Call, text: str, note: bytes) -> bytes:
    """An answer in words to `call` that says `text`, which no model has written, and cost nothing:
    a body, or all of a stream, with `note`, a comment, before its end.
    """
    choices = range(min(call.choices, MOST_CHOICES))
    events: list[Event] = [
        Began(call.id, call.model, call.at),
        *(Said(text, choice) for choice in choices),
        *(Stopped("stop", choice=choice) for choice in choices),
        Counted(Usage(0, 0)),
    ]
    writer = client.writer(call)
    return writer.write(events) + writer.end(note) if call.stream else writer.whole(events)
