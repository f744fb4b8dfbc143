"""The events of a streamed answer, decoded: what both of its readers go by.

Everything in them comes from outside: what is not of the expected kind is not there, and what is no
event at all is a failure.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from policies import Outcome, Phase, Report
from router.dialects.common.events import Usage
from router.dialects.common.outside import count, decoded, tier_of
from router.dialects.errors.judge import failed
from router.dialects.errors.table import Table
from router.dialects.passing import Progress, bare_error, loss
from router.dialects.sse import Oversized, Splitter, data_of

T = TypeVar("T")

_TORN = re.compile(
    rb"content_block|message_(start|delta|stop)|\"(delta|text|thinking|partial_json|stop_reason)\""
)
"""What shows that something was an event, with a part of the answer in it."""
_HALF = re.compile(
    rb"\\u[dD][89aAbB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class Delta(msgspec.Struct):
    """`delta` of a block, or of the message at its end."""

    type: Any = None
    text: Any = None
    partial_json: Any = None
    thinking: Any = None
    signature: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None
    stop_details: Any = None


class Block(msgspec.Struct):
    """A block of content, as it begins, or whole."""

    type: Any = None
    id: Any = None
    name: Any = None
    text: Any = None
    thinking: Any = None
    signature: Any = None
    data: Any = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class Started(msgspec.Struct):
    """The message as it begins."""

    id: Any = None
    model: Any = None
    usage: Any = None


class Frame(msgspec.Struct):
    """One event."""

    type: Any = None
    index: Any = None
    delta: Delta | None = None
    content_block: Block | None = None
    message: Started | None = None
    usage: Any = None
    error: Any = None


_frame = msgspec.json.Decoder(Frame)


def read(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """What the bytes say. Raises ValueError (which all of msgspec's errors are), RecursionError."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        if b"\\ud" not in data.lower():
            raise
    # Half of a character beyond the first 65,536, which is nothing that could be said again.
    return decoder.decode(_HALF.sub(rb"\\ufffd", data))


class Tally:
    """What a message has cost, as far as its events say: later counts take the place of earlier
    ones, and what an event does not count is as it was.
    """

    __slots__ = ("_counts", "_tier")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._tier = ""

    def add(self, usage: Any) -> Usage | None:
        """With what an event counts; None if it counts nothing."""
        if not isinstance(usage, dict):
            return None
        counts = self._counts
        for name in ("input_tokens", "output_tokens"):
            # Nothing is no count: some servers tell only what they had not told before.
            counts[name] = count(usage.get(name)) or counts.get(name, 0)
        for name in ("cache_read_input_tokens", "cache_creation_input_tokens"):
            if name in usage:
                counts[name] = count(usage[name], counts.get(name, 0))
        if isinstance(stored := usage.get("cache_creation"), dict):
            counts["hour"] = count(stored.get("ephemeral_1h_input_tokens"))
        self._tier = tier_of(usage.get("service_tier")) or self._tier
        details = usage.get("output_tokens_details")
        if isinstance(details, dict):
            counts["thinking"] = count(details.get("thinking_tokens"))
        read = counts.get("cache_read_input_tokens", 0)
        written = counts.get("cache_creation_input_tokens", 0)
        given = counts["input_tokens"] + read + written
        answered = counts["output_tokens"]
        if not given and not answered:
            return None
        thought, hour = min(counts.get("thinking", 0), answered), counts.get("hour", 0)
        return Usage(given, answered, read, written, thought, min(hour, written), self._tier)


class Framed(Progress):
    """Reads the bytes of a stream into frames; what they mean is its heirs', in `take`.

    The semantic and the formal end are one here, `message_stop`.
    """

    __slots__ = ("_errors", "_splitter", "_tally")

    def __init__(self, errors: Table) -> None:
        """`errors` is what the provider means by its errors."""
        super().__init__()
        self._errors = errors
        self._splitter = Splitter()
        self._tally = Tally()

    def events(self, data: bytes) -> list[bytes]:
        """The events that `data` completes."""
        if self.failure is not None or self.done:
            return []
        try:
            return self._splitter.feed(data)
        except Oversized as error:
            self.fail(str(error))
            return []

    def rest(self) -> bytes:
        """The last event, if it lacked its blank line; empty: there is none."""
        rest = self._splitter.rest()
        return rest.rstrip(b"\r\n") + b"\n\n" if rest.strip() else b""

    def frame(self, event: bytes) -> Frame | None:
        """An event that says something, and no error; None for all others."""
        if self.failure is not None or self.done:
            return None
        data = _data_of(event)
        if not data:
            if (bare := bare_error(event)) is not None:
                self._err(*bare)
            return None
        if data.startswith(b"[DONE]"):
            self.done = True  # some end as in OpenAI's dialect
            return None
        named = event.startswith(b"event:") and event[6:].lstrip().startswith(b"error")
        try:
            frame = read(_frame, data)
        except (ValueError, RecursionError):
            self._skip(event, error=named)
            return None
        if frame.error or frame.type == "error" or named:
            self._err(decoded(data), data)
            return None
        if frame.type == "message_stop":
            self.ended = self.done = True
        return frame

    def fail(self, detail: str) -> None:
        """The stream is not what it should be."""
        self.failure = Report(Outcome.FAILED, Phase.FIRST_TOKEN, detail=detail)

    def _skip(self, event: bytes, *, error: bool) -> None:
        """Leave out an event that is none, unless a part of the answer is lost with it."""
        self.malformed += 1
        why = "an error that is not JSON" if error else loss(event, _TORN, self.malformed)
        if why:
            self.fail(why)

    def _err(self, told: Any, said: bytes) -> None:
        if isinstance(told, dict) and not told.get("error"):
            told = {"error": told}
        self.failure = failed(self._errors, told, Phase.FIRST_TOKEN)
        self.said = said


def _data_of(event: bytes) -> bytes | None:
    """See `data_of`: a name and one line of data, as these events mostly are, are found at once."""
    at = event.find(b"\ndata: ") + 7
    if at > 6 and event.find(b"\n", at) == len(event) - 2 and b"\r" not in event:
        return event[at:-2]
    return data_of(event)


def index_of(frame: Frame) -> int:
    """Which block an event is about."""
    return frame.index if type(frame.index) is int else 0
