"""Reads a streamed completion, of a chat or of a text: what is content, where it ends, what it
used, whether it failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from policies import Outcome, Phase, Report
from router.dialects.common.events import Usage
from router.dialects.errors.judge import decoded, failed
from router.dialects.errors.quirks import EVERYBODY
from router.dialects.errors.table import Table
from router.dialects.sse import Oversized, Splitter, data_of


class _Delta(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None


class _Choice(msgspec.Struct):
    index: Any = 0
    delta: _Delta | None = None
    finish_reason: Any = None


class _Chunk(msgspec.Struct):
    choices: Sequence[_Choice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None


class _TextChoice(_Choice):
    text: Any = None


class _TextChunk(_Chunk):
    choices: Sequence[_TextChoice] | None = None


BROKEN_OFF = ("error", "insufficient_system_resource")
"""Reasons to finish that name a failure inside the answer (Mistral, OpenRouter; DeepSeek)."""
MOST_MALFORMED = 3
"""Events of one answer that may be no chunks: a proxy's note or two. A stream with more of them is
not what it should be, and what else is wrong with it nobody knows.
"""
TORN = re.compile(
    rb'"(?:delta|text|content|refusal|reasoning|reasoning_content|tool_calls|function_call|'
    rb'arguments|audio|finish_reason)"\s*:(?!\s*(?:null|""|\[\s*\]|\{\s*\}))'
)
"""What shows that an event which is no chunk was one, with a part of the answer in it."""
MOST_TOKENS = 1_000_000_000
"""A count beyond this is no count."""


class ChatStream:
    """One streamed answer. See `StreamReader`."""

    _decoder: ClassVar[msgspec.json.Decoder[_Chunk]] = msgspec.json.Decoder(_Chunk)

    __slots__ = (
        "_begun",
        "_choices",
        "_ends",
        "_errors",
        "_splitter",
        "_withhold",
        "content",
        "done",
        "ended",
        "failure",
        "malformed",
        "said",
        "usage",
    )

    def __init__(self, choices: int, errors: Table = EVERYBODY, *, withhold_usage: bool) -> None:
        """`choices` answers are expected; `errors` is what the provider means by its errors;
        `withhold_usage`: the client did not ask for the usage chunk.
        """
        self._errors = errors
        self._choices = choices
        self._withhold = withhold_usage
        self._splitter = Splitter()
        self._begun: set[int] = set()
        self._ends: set[int] = set()
        self.content = 0
        self.ended = False
        self.done = False
        self.malformed = 0
        self.failure: Report | None = None
        self.said = b""
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """See `StreamReader.feed`. Comments are not passed on: the router sends its own."""
        lone = self._splitter.lone(data)
        if lone is not None:
            return data if self._passes(lone) else b""
        try:
            events = self._splitter.feed(data)
        except Oversized as error:
            self._fail(str(error))
            return b""
        return b"".join([event for event in events if self._takes(event)])

    def finish(self) -> bytes:
        """See `StreamReader.finish`."""
        rest = self._splitter.rest()
        return rest.rstrip(b"\r\n") + b"\n\n" if rest.strip() and self._takes(rest) else b""

    def end(self, note: bytes) -> bytes:
        """See `StreamReader.end`."""
        return note + b"data: [DONE]\n\n"

    def _takes(self, event: bytes) -> bool:
        """Read one event; whether it goes on to the client."""
        data = data_of(event)
        if not data:
            if self.failure is None and not self.done:
                self._look_for_error(event)
            return False
        named = event.startswith(b"event:") and event[6:].lstrip().startswith(b"error")
        return self._passes(data, error=named)

    def _passes(self, data: bytes, *, error: bool = False) -> bool:
        """Read one event's data; whether it goes on. `error`: its name says that it is one."""
        if not data or self.failure is not None or self.done:
            return False
        if data.startswith(b"[DONE]"):
            self.done = True
            # Some providers give fewer answers than were asked for: what was begun must be whole.
            self.ended = self.ended or (bool(self._ends) and self._begun <= self._ends)
            return False
        try:
            chunk = _decoded(data, self._decoder)
        except (ValueError, RecursionError):
            self._skip(data, error=error)
            return False
        if chunk.error or error:
            self._err(decoded(data), data)
            return False
        if chunk.x_groq and isinstance(chunk.x_groq, dict) and chunk.x_groq.get("error"):
            self._err(chunk.x_groq, b"")
            return False
        if chunk.usage is not None:
            self.usage = usage_of(chunk.usage) or self.usage
            if self._withhold and not chunk.choices:
                return False
        for choice in chunk.choices or ():
            self._read(choice)
        return self.failure is None

    def _skip(self, data: bytes, *, error: bool) -> None:
        """Leave out an event that is no chunk, unless a part of the answer is lost with it."""
        self.malformed += 1
        if error or TORN.search(data) is not None:
            self._fail("an event that is not a chunk")
        elif self.malformed > MOST_MALFORMED:
            self._fail(f"{self.malformed} events that are not chunks")

    def _look_for_error(self, event: bytes) -> None:
        """An error that is no event: a body as if nothing had been streamed, or llama.cpp's field
        of that name.
        """
        named = event.startswith(b"error:")
        bare = event[6:].lstrip() if named else event
        if bare[:1] in (b"{", b"["):
            told = decoded(bare)
            told = told[0] if isinstance(told, list) and told else told
            if named or (isinstance(told, dict) and told.get("error")):
                self._err(told, bare)

    def _err(self, told: Any, said: bytes) -> None:
        """The stream says that it failed: `told`, as it was decoded from `said`."""
        if isinstance(told, dict) and not told.get("error"):
            told = {"error": told}
        self.failure = failed(self._errors, told, self._phase())
        self.said = said

    def _read(self, choice: _Choice) -> None:
        delta = choice.delta
        if delta is not None and (
            delta.content
            or delta.tool_calls
            or delta.reasoning
            or delta.reasoning_content
            or delta.refusal
            or delta.function_call
            or delta.audio
        ):
            self.content += 1
        if self._choices > 1:
            self._begun.add(_index(choice))
        if choice.finish_reason:
            self._finish(choice)

    def _finish(self, choice: _Choice) -> None:
        if choice.finish_reason in BROKEN_OFF:
            self._fail(f"finish_reason {choice.finish_reason}")
            return
        if self.malformed and not self.content:
            self._fail("no content, and events that are not chunks")
            return
        self._ends.add(_index(choice))
        self.ended = len(self._ends) >= self._choices

    def _fail(self, detail: str) -> None:
        self.failure = Report(Outcome.FAILED, self._phase(), detail=detail)

    def _phase(self) -> Phase:
        return Phase.BODY if self.content else Phase.FIRST_TOKEN


class TextStream(ChatStream):
    """The same of a text that is completed: its choices have a `text`."""

    _decoder = msgspec.json.Decoder(_TextChunk)

    __slots__ = ()

    def _read(self, choice: _Choice) -> None:
        if isinstance(choice, _TextChoice) and choice.text:
            self.content += 1
        super()._read(choice)


def _index(choice: _Choice) -> int:
    return choice.index if isinstance(choice.index, int) else 0


def _decoded(data: bytes, decoder: msgspec.json.Decoder[_Chunk]) -> _Chunk:
    """A chunk. Raises ValueError (which msgspec's and the standard library's errors are)."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        if b"\\ud" not in data.lower():
            raise
    # Half of a character beyond the first 65,536: some providers escape them one by one, and cut
    # between. It passes on in its original bytes; msgspec alone refuses to look at it.
    return msgspec.convert(json.loads(data), decoder.type)


def usage_of(usage: Any) -> Usage | None:
    """Tokens of a usage object, as far as it is one."""
    if not isinstance(usage, dict):
        return None
    given, written = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    return Usage(given, written) if given or written else None


def count(tokens: Any) -> int:
    """Tokens, 0 for what is no count."""
    return tokens if type(tokens) is int and 0 < tokens <= MOST_TOKENS else 0
