"""How many tokens a request has by a tokenizer.

Counted is what OpenAI documents: the texts, and some tokens round each message. How tools and forms
are shown to a model it does not say; they count as they are written, and what that is wrong by is
learned where usage comes back, as with estimates. Files have no text, and weigh what they do there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from router.building.speaks import CLIENTS
from router.dialects.common.prompt import (
    File,
    Hosted,
    Message,
    Part,
    Prompt,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from router.dialects.contract import Call, ClientError
from router.dialects.estimate import file_tokens
from router.dialects.fields import value_of

AT_ONCE = 2048
"""Bytes of a body that is counted where requests are served, in less than a tenth of a millisecond.
What is longer is counted by a thread; to have it do so costs about as much.
"""
PIECE = 1 << 16
"""Characters that are counted together: over a million blanks, tiktoken 0.14 gives up with a panic.
Where two pieces meet, a token may count twice.
"""
FRAME, NAMED, PRIMED = 4, 1, 3
"""OpenAI's cookbook, "How to count tokens with tiktoken": round each message stand three tokens and
its role, which is one; a name has one more; and the answer begins with three.
"""
TEXTS = {"completions": "prompt", "embeddings": "input"}
"""Where those kinds of calls have theirs that have no messages."""

Flat = Text | File | ToolCall | Thinking | Refusal
Tally = tuple[list[str], int]
"""Texts, and tokens beside them."""


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """`encode` makes tokens of a text."""

    name: str
    encode: Callable[[str], list[int]]

    def tokens(self, text: str) -> int:
        """How many a text has."""
        if len(text) <= PIECE:
            return len(self.encode(text))
        pieces = (text[at : at + PIECE] for at in range(0, len(text), PIECE))
        return sum(len(self.encode(piece)) for piece in pieces)


Tokenizers = tuple[Tokenizer, ...]


class Counting:
    """Counts while requests are served. `running` are the calls that are being counted."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.running = 0

    async def count(self, call: Call, tokenizers: Tokenizers) -> Mapping[str, int]:
        """See `counts`."""
        if len(call.body) <= AT_ONCE:
            return counts(call, tokenizers)
        loop = asyncio.get_running_loop()
        self.running += 1
        try:
            # Side by side they are hardly faster, and keep everybody else waiting.
            async with self._turn:
                return await loop.run_in_executor(None, counts, call, tokenizers)
        finally:
            self.running -= 1


def counts(call: Call, tokenizers: Tokenizers) -> Mapping[str, int]:
    """Tokens of a call's input by each of `tokenizers`, by their names; nothing where it has no
    text, or cannot be read.
    """
    if (tally := _tally(call)) is None:
        return {}
    texts, beside = tally
    return {one.name: sum(map(one.tokens, texts)) + beside for one in tokenizers}


def _tally(call: Call) -> Tally | None:
    operation = call.operation
    if (field := TEXTS.get(operation)) is not None:
        value = value_of(call.fields.get(field))
        texts = value if isinstance(value, list) else [value]
        return (texts, 0) if all(isinstance(text, str) for text in texts) else None
    client = CLIENTS.get("messages" if operation == "count_tokens" else operation)
    if client is None:
        return None
    if call.common is None:
        try:
            call.common = client.prompt(call)
        except ClientError:
            return None
    return _of_prompt(call.common)


def _of_prompt(prompt: Prompt) -> Tally:
    texts = [text for offered in prompt.tools for text in _offered(offered)]
    if (form := prompt.form) is not None and form.schema is not None:
        texts += form.name, form.description or "", _written(form.schema)
    beside = PRIMED
    for message in prompt.messages:
        beside += _frames(message)
        if message.name:
            texts.append(message.name)
            beside += NAMED
        for part in _flat(message.parts):
            if isinstance(part, File):
                beside += file_tokens(part.kind, len(part.data or ""))
            elif isinstance(part, ToolCall):
                texts += part.name, part.arguments
            else:
                texts.append(part.text)
    return texts, beside


def _frames(message: Message) -> int:
    """Tokens round a message; results of tools are messages of their own there."""
    results = sum(isinstance(part, ToolResult) for part in message.parts)
    return FRAME * (results + (results < len(message.parts) or not results))


def _flat(parts: Iterable[Part]) -> Iterator[Flat]:
    for part in parts:
        if isinstance(part, ToolResult):
            yield from part.parts
        else:
            yield part


def _offered(tool: Tool | Hosted) -> tuple[str, ...]:
    if isinstance(tool, Hosted):
        return (_written(tool.written),)
    shape = tool.grammar if tool.custom else tool.schema
    return tool.name, tool.description or "", "" if shape is None else _written(shape)


def _written(value: object) -> str:
    return msgspec.json.encode(value).decode()
