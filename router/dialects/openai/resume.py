"""Going on with a chat's answer that broke off: what is kept of it, what is asked of another
provider, and how that one's events become the rest of the same answer.

A text is all that can be gone on with. Where anything else is in play (tools, reasoning, a form
that the answer must have, several answers, sound) nothing is kept, and nobody is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Raw

from policies import Outcome, Phase, Report
from router.dialects.contract import Call
from router.dialects.errors.table import Table
from router.dialects.openai.stream import ChatStream, Choice
from router.dialects.seam import Begun, Rest, Seam, sendable
from router.dialects.sse import data_of

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Continues(NamedTuple):
    """How a provider is asked to go on with a last message of the assistant's: with these fields
    in the message and beside it. Models whose names begin with one of `but` do not.
    """

    message: Mapping[str, Any] = NOTHING
    fields: Mapping[str, Any] = NOTHING
    but: tuple[str, ...] = ()


CONTINUES: Mapping[str, Continues] = {
    "mistral": Continues(message={"prefix": True}),
    # What goes to the companies that do not continue, or to whom the service likes.
    "openrouter": Continues(but=("openai/", "google/", "openrouter/")),
    "vllm": Continues(
        fields={"continue_final_message": True, "add_generation_prompt": False, "echo": False}
    ),
}
"""By preset. Who is not here begins a new message after one of the assistant's (OpenAI, Groq,
Gemini), refuses it (Anthropic from Claude 4.6 on), wants another address for it (DeepSeek), or
leaves it to each model (Ollama).
"""
MORE_THAN_TEXT = (
    "tools", "functions", "reasoning", "thinking", "web_search_options", "logprobs",
    "top_logprobs", "audio",
)  # fmt: skip
"""Fields that, if they say anything, bring more than a text into play."""
BOUNDS = ("max_completion_tokens", "max_tokens")
MARKS = ("id", "object", "created", "model", "system_fingerprint")
"""What says that events are of one answer."""
ANOTHER = "its text is not the one that was begun"

_anything = msgspec.json.Decoder()
_items = msgspec.json.Decoder(list[Raw])


def only_text(call: Call) -> bool:
    """Whether an answer to `call` is one text, as far as its request says."""
    if call.operation != "chat" or not call.stream or call.choices != 1:
        return False
    fields = call.fields
    form = _said(fields, "response_format")
    return (
        not any(_said(fields, name) for name in MORE_THAN_TEXT)
        and _said(fields, "reasoning_effort") in (None, "none")
        and _said(fields, "modalities") in (None, ["text"])
        and (form is None or (isinstance(form, dict) and form.get("type") == "text"))
    )


def at_zero(call: Call) -> bool:
    """Whether the request says that the same question has the same answer."""
    temperature = _said(call.fields, "temperature")
    return isinstance(temperature, int | float) and temperature == 0 and temperature is not False


def continued(call: Call, begun: Begun, model: str, how: Continues | None) -> Call | None:
    """`call`, asking for the rest of what has `begun`; None: it cannot be asked for so."""
    text = sendable(begun.text)
    if how is None or not text or model.startswith(how.but):
        return None
    try:
        text.encode()
        messages = _items.decode(call.fields["messages"])
        last = _anything.decode(messages[-1])
    except (UnicodeEncodeError, msgspec.DecodeError, RecursionError, IndexError):
        return None
    if not isinstance(last, dict) or last.get("role") == "assistant":
        return None
    fields = dict(call.fields)
    for name in BOUNDS:
        most = _said(fields, name)
        if isinstance(most, int):
            if most <= begun.tokens:
                return None
            fields[name] = _raw(most - begun.tokens)
    message = {"role": "assistant", "content": text, **how.message}
    fields["messages"] = _raw([*messages, message])
    fields |= {name: _raw(value) for name, value in how.fields.items()}
    return msgspec.structs.replace(call, fields=fields, body=msgspec.json.encode(fields))


class KeptStream(ChatStream):
    """A streamed answer of which is kept what its client gets."""

    __slots__ = ("_fresh", "_marked", "begun")

    def __init__(self, begun: Begun, errors: Table, *, withhold_usage: bool) -> None:
        super().__init__(1, errors, withhold_usage=withhold_usage)
        self.begun = begun
        self._fresh: str | None = ""
        self._marked = False

    def _passes(self, data: bytes, *, error: bool = False) -> bool:
        self._fresh = ""
        passes = super()._passes(data, error=error)
        if passes:
            if not self._marked:
                self._mark(data)
            if self._fresh is None:
                self.begun.spoil()
            elif self._fresh:
                self.begun.add(self._fresh)
        return passes

    def _read(self, choice: Choice) -> None:
        text = self._new(choice)
        self._fresh = None if self._fresh is None or text is None else self._fresh + text
        if self.failure is None:
            super()._read(choice)

    def _new(self, choice: Choice) -> str | None:
        """What the client gets of it; None: there is more in it than text."""
        return text_of(choice)

    def _mark(self, data: bytes) -> None:
        """Its first content, or what came before, says what its events are marked with."""
        chunk = json.loads(data)
        self.begun.marks = {name: chunk[name] for name in MARKS if name in chunk}
        self._marked = self.content > 0


class ResumedStream(KeptStream):
    """A streamed answer that becomes the rest of the one that has `begun`: its text is joined, and
    its events are marked as those before.
    """

    __slots__ = ("_joint",)

    _silent: ClassVar[frozenset[str]] = frozenset({"role", "content"})

    def __init__(
        self, begun: Begun, joint: Seam | Rest, errors: Table, *, withhold_usage: bool
    ) -> None:
        super().__init__(begun, errors, withhold_usage=withhold_usage)
        self._joint = joint
        self._marked = True

    def feed(self, data: bytes) -> bytes:
        """See `StreamReader.feed`; the events are not the original ones."""
        return b"".join([self._rewritten(event) for event in self._events(data)])

    def finish(self) -> bytes:
        rest = self._splitter.rest()
        return self._rewritten(rest) if rest.strip() else b""

    def _new(self, choice: Choice) -> str | None:
        text = text_of(choice)
        joint = self._joint
        fresh = joint.feed(text) if text else ""
        if choice.finish_reason:
            fresh += joint.end()
        if text is None or joint.failed:
            self.content += 1
            self.failure = Report(Outcome.ABANDONED, Phase.BODY, detail=ANOTHER)
        return fresh

    def _rewritten(self, event: bytes) -> bytes:
        """The event as one of the answer that has begun; empty if there is nothing new in it."""
        if not self._takes(event):
            return b""
        chunk = json.loads(data_of(event) or b"")
        told = {**self.begun.marks, **{k: v for k, v in chunk.items() if k not in MARKS}}
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            told["usage"] = self._with_spent(usage)
        finished = False
        if chunk.get("choices"):
            choice = chunk["choices"][0]
            delta = {k: v for k, v in (choice.get("delta") or {}).items() if k not in self._silent}
            if self._fresh:
                delta["content"] = self._fresh
            told["choices"] = [{**choice, "delta": delta}]
            finished = bool(choice.get("finish_reason"))
        if not (self._fresh or finished or usage):
            return b""
        # Escaped: it may begin with the second half of a character.
        return b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n"

    def _with_spent(self, usage: dict[str, Any]) -> dict[str, Any]:
        """Usage with what the attempts before had used: the whole answer cost that."""
        begun = self.begun
        spent = {"prompt_tokens": begun.input_spent, "completion_tokens": begun.output_spent}
        spent["total_tokens"] = sum(spent.values())
        more = {
            name: usage[name] + tokens
            for name, tokens in spent.items()
            if isinstance(usage.get(name), int)
        }
        return {**usage, **more}


def text_of(choice: Choice) -> str | None:
    """The text of a delta; None: there is something else in it."""
    delta = choice.delta
    if delta is None:
        return ""
    other = (
        delta.tool_calls
        or delta.function_call
        or delta.reasoning
        or delta.reasoning_content
        or delta.refusal
        or delta.audio
    )
    text = delta.content or ""
    return text if isinstance(text, str) and not other and choice.index == 0 else None


def _said(fields: Mapping[str, Raw], name: str) -> Any:
    """A field's value; None where there is none. What is not understood is something."""
    raw = fields.get(name)
    try:
        return None if raw is None else _anything.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return name


def _raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))
