"""Reads a streamed completion, of a chat or of a text: what is content, where it ends, what it
used, whether it failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from router.dialects.common.events import Usage
from router.dialects.common.outside import UNREADABLE, count, decoded, tier_of
from router.dialects.errors.judge import failed
from router.dialects.errors.quirks import EVERYBODY
from router.dialects.errors.table import Table
from router.dialects.passing import PassingStream, bare_error, loss
from router.dialects.sse import data_of


class Delta(msgspec.Struct):
    """What of a piece costs tokens."""

    content: Any = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None


class Choice(msgspec.Struct):
    """As much of one of the answers as says whether it has content, and ends."""

    index: Any = 0
    delta: Delta | None = None
    finish_reason: Any = None


class Chunk(msgspec.Struct):
    """As much of a chunk as decides what it means."""

    choices: Sequence[Choice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None


class _Served(msgspec.Struct):
    service_tier: Any = None


_served = msgspec.json.Decoder(_Served)


class _TextChoice(Choice):
    text: Any = None


class _TextChunk(Chunk):
    choices: Sequence[_TextChoice] | None = None


BROKEN_OFF = ("error", "insufficient_system_resource")
"""Reasons to finish that name a failure inside the answer (Mistral, OpenRouter; DeepSeek)."""


TORN = re.compile(
    rb'"(?:delta|text|content|refusal|reasoning|reasoning_content|tool_calls|function_call|'
    rb'arguments|audio|finish_reason)"\s*:(?!\s*(?:null|""|\[\s*\]|\{\s*\}))'
)
"""What shows that something was a chunk, with a part of the answer in it."""


class ChatStream(PassingStream):
    """One streamed answer. See `StreamReader`."""

    _decoder: ClassVar[msgspec.json.Decoder[Chunk]] = msgspec.json.Decoder(Chunk)

    __slots__ = ("_begun", "_blank", "_choices", "_ends", "_errors", "_withhold")

    def __init__(self, choices: int, errors: Table = EVERYBODY, *, withhold_usage: bool) -> None:
        """`choices` answers are expected; `errors` is what the provider means by its errors;
        `withhold_usage`: the client did not ask for the usage chunk.
        """
        super().__init__()
        self._errors = errors
        self._choices = choices
        self._withhold = withhold_usage
        self._begun: set[int] = set()
        self._ends: set[int] = set()
        self._blank: set[int] = set()

    def feed(self, data: bytes) -> bytes:
        """See `StreamReader.feed`. Comments are not passed on: the router sends its own."""
        lone = self._splitter.lone(data)
        if lone is not None:
            return data if self._passes(lone) else b""
        return super().feed(data)

    def end(self, note: bytes) -> bytes:
        return note + b"data: [DONE]\n\n"

    def _takes(self, event: bytes) -> bool:
        """Read one event; whether it goes on to the client."""
        data = data_of(event)
        if not data:
            bare = bare_error(event)
            if bare is not None and self.failure is None and not self.done:
                self._err(*bare)
            return False
        named = event.startswith(b"event:") and event[6:].lstrip().startswith(b"error")
        return self._passes(data, error=named)

    def _passes(self, data: bytes, *, error: bool = False) -> bool:
        """Read one event's data; whether it goes on. `error`: its name says that it is one."""
        if not data or self.failure is not None or self.done:
            return False
        if data.startswith(b"[DONE]"):
            self.done = True
            # xAI may end calls of tools without a reason. Some providers give fewer answers than
            # were asked for: what was begun must be whole.
            self._ends |= self._blank
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
        return self._reads(chunk, data) and self.failure is None

    def _reads(self, chunk: Chunk, data: bytes) -> bool:
        """Read a chunk that is no error; whether it goes on, unless something of it failed."""
        if chunk.usage is not None:
            self.usage = usage_of(chunk.usage, served_in(data)) or self.usage
            if self._withhold and not chunk.choices:
                return False
        elif chunk.x_groq and isinstance(chunk.x_groq, dict):
            self.usage = usage_of(chunk.x_groq.get("usage")) or self.usage
        for choice in chunk.choices or ():
            self._read(choice)
        return True

    def _skip(self, data: bytes, *, error: bool) -> None:
        """Leave out an event that is no chunk, unless a part of the answer is lost with it."""
        self.malformed += 1
        if why := "an error that is not JSON" if error else loss(data, TORN, self.malformed):
            self._fail(why)

    def _err(self, told: Any, said: bytes) -> None:
        """The stream says that it failed: `told`, as it was decoded from `said`."""
        if isinstance(told, dict) and not told.get("error"):
            told = {"error": told}
        self.failure = failed(self._errors, told, self._phase())
        self.said = said

    def _read(self, choice: Choice) -> None:
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
        elif choice.finish_reason == "" and delta is not None and delta.tool_calls:
            self._blank.add(_index(choice))

    def _finish(self, choice: Choice) -> None:
        if choice.finish_reason in BROKEN_OFF:
            self._fail(f"finish_reason {choice.finish_reason}")
            return
        if self.malformed and not self.content:
            self._fail("no content, and events that are none of the dialect")
            return
        self._ends.add(_index(choice))
        self.ended = len(self._ends) >= self._choices


class TextStream(ChatStream):
    """The same of a text that is completed: its choices have a `text`."""

    _decoder = msgspec.json.Decoder(_TextChunk)

    __slots__ = ()

    def _read(self, choice: Choice) -> None:
        if isinstance(choice, _TextChoice) and choice.text:
            self.content += 1
        super()._read(choice)


def _index(choice: Choice) -> int:
    return choice.index if isinstance(choice.index, int) else 0


def _decoded(data: bytes, decoder: msgspec.json.Decoder[Chunk]) -> Chunk:
    """A chunk. Raises ValueError (which msgspec's and the standard library's errors are)."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        if b"\\ud" not in data.lower():
            raise
    # Half of a character beyond the first 65,536: some providers escape them one by one, and cut
    # between. It passes on in its original bytes; msgspec alone refuses to look at it.
    return msgspec.convert(json.loads(data), decoder.type)


def served_in(data: bytes) -> str:
    """The service tier that the chunk names which has the usage."""
    if b'"service_tier"' not in data:
        return ""
    try:
        return tier_of(_served.decode(data).service_tier)
    except UNREADABLE:
        return ""


def usage_of(usage: Any, tier: str = "") -> Usage | None:
    """Tokens of a usage object, as far as it is one, by all the names that servers have for them;
    they were served in that service `tier`.

    A total beyond its two parts holds reasoning that is in neither (xAI, Google).
    """
    if not isinstance(usage, dict):
        return None
    given, written = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if not given and not written:
        return None
    of_prompt, of_answer = (
        usage.get(f"{part}_tokens_details") for part in ("prompt", "completion")
    )
    of_prompt = of_prompt if isinstance(of_prompt, dict) else {}
    of_answer = of_answer if isinstance(of_answer, dict) else usage
    cached = of_prompt.get("cached_tokens") or usage.get("prompt_cache_hit_tokens")
    cached, stored = count(cached), count(of_prompt.get("cache_write_tokens"))
    apart = apart_of(given, written, usage.get("total_tokens"))
    reasoning = count(of_answer.get("reasoning_tokens")) or apart
    return Usage(
        given,
        written + apart,
        min(cached, given),
        min(stored, given),
        min(reasoning, written + apart),
        service_tier=tier,
    )


def apart_of(given: int, written: int, total: Any) -> int:
    """Tokens of an answer that only the total holds."""
    return max(0, count(total) - given - written)
