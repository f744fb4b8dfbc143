"""What a request says, in no dialect's words.

A client's half reads a body into a `Prompt`, a provider's half writes one in its own words. What
only some dialects know is here as well, so that it is kept between those; what a dialect cannot
say it names as dropped. Names are those of OpenAI's chat completions where they have one. Nothing
here decides what may be dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

Role = Literal["system", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Text(Struct, frozen=True):
    """`cache`: what comes before this part and with it may be cached, for `5m` or `1h`."""

    text: str
    cache: str | None = None


class File(Struct, frozen=True):
    """An image, a document, a sound: inline (`data`, base64), at a `url`, or by the `id` that the
    account's provider gave it. `media_type` is empty where nobody said; `detail` is OpenAI's.
    """

    kind: Literal["image", "document", "audio", "video"]
    media_type: str = ""
    data: str | None = None
    url: str | None = None
    id: str | None = None
    name: str | None = None
    detail: str | None = None
    cache: str | None = None


class ToolCall(Struct, frozen=True):
    """`arguments` is the JSON text as the model wrote it, which need not be valid; for a `custom`
    tool it is free text. `signature` is what its `maker` wants to see again with the call.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False
    signature: str | None = None
    maker: str = ""
    cache: str | None = None


class ToolResult(Struct, frozen=True):
    """What the call `id` came to. `name` is the tool's, where the client said it."""

    id: str
    parts: list[Text | File]
    name: str | None = None
    failed: bool = False
    cache: str | None = None


class Thinking(Struct, frozen=True):
    """A model's reasoning. `signature` and `redacted` (what only its maker can read) mean something
    to the dialect of its `maker` alone.
    """

    text: str
    maker: str = ""
    signature: str | None = None
    redacted: str | None = None


class Refusal(Struct, frozen=True):
    """The model's words for that it will not."""

    text: str


Part = Text | File | ToolCall | ToolResult | Thinking | Refusal


class Message(Struct, frozen=True):
    """Results of tools are parts of a user's message; a system message may stand anywhere. An
    assistant's message at the end is the beginning of the answer (prefill).
    """

    role: Role
    parts: list[Part]
    name: str | None = None


class Tool(Struct, frozen=True):
    """What the model may call. `schema` is a JSON Schema, None for a `custom` tool (free text,
    whose `grammar` is as the client wrote it). `strict` as OpenAI and Anthropic mean it.
    """

    name: str
    description: str | None = None
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    grammar: Any = None
    cache: str | None = None


class Hosted(Struct, frozen=True):
    """A tool that runs at the provider (search, code): `written` as the client did, in the dialect
    of its `maker`. It has no common form.
    """

    kind: str
    written: Any
    maker: str


class ToolChoice(Struct, frozen=True):
    """`named`: the one called `name`. `allowed`: only these may be called."""

    mode: Literal["auto", "none", "required", "named"]
    name: str = ""
    allowed: tuple[str, ...] = ()


class Form(Struct, frozen=True):
    """The form that the answer must have: some JSON, or JSON by a `schema`."""

    schema: Mapping[str, Any] | None = None
    name: str = "answer"
    description: str | None = None
    strict: bool | None = None


class Prompt(Struct):
    """A request. `settings` has what was asked for, by the names of `SETTINGS`; `unknown` are the
    names of fields that the client's dialect does not know, which only pass where it is spoken.

    `most` are the tokens of an answer that the target can give, where its configuration says.
    `fetched` are files that a provider wants as bytes, by their URLs, once they have been fetched:
    the media type and the content in base64.
    """

    messages: list[Message]
    tools: list[Tool | Hosted] = field(default_factory=list)
    choice: ToolChoice | None = None
    form: Form | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    most: int | None = None
    fetched: dict[str, tuple[str, str]] = field(default_factory=dict)


SETTINGS: Mapping[str, str] = {
    "max_tokens": "int: tokens of the answer at most, with its reasoning",
    "temperature": "float, 0 to 2",
    "top_p": "float, 0 to 1",
    "top_k": "int",
    "stop": "list of strings",
    "seed": "int",
    "n": "int: answers, where more than one is asked for",
    "presence_penalty": "float, -2 to 2",
    "frequency_penalty": "float, -2 to 2",
    "logit_bias": "mapping of token to float",
    "logprobs": "bool",
    "top_logprobs": "int",
    "parallel_tool_calls": "bool",
    "reasoning_effort": "one of `Effort`",
    "thinking_budget": "int: tokens of reasoning; -1: as the model likes",
    "show_thinking": "bool: whether the reasoning, or a summary of it, is to be seen",
    "verbosity": "low, medium, high",
    "user": "a name of the end user, for abuse reports",
    "metadata": "mapping of strings",
    "service_tier": "as the client wrote it",
    "store": "bool",
    "prompt_cache_key": "string",
    "max_tool_calls": "int",
}
"""What may be set, and of what kind its value is. One that is null counts as not set."""
EFFORTS: Mapping[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Tokens of reasoning for an effort, where a model takes a budget instead; a convention."""
USUAL: Mapping[str, Any] = {
    "parallel_tool_calls": True,
    "store": False,
    "logprobs": False,
    "service_tier": "auto",
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
}
"""What is so without being said: nothing is lost with it."""


def bounded(prompt: Prompt, most: int) -> Prompt:
    """The same for a target that can give at most so many tokens."""
    settings = prompt.settings
    if (asked := settings.get("max_tokens")) is not None and asked > most:
        settings = {**settings, "max_tokens": most}
    return replace(prompt, settings=settings, most=most)


def is_usual(name: str, value: Any) -> bool:
    """Whether a setting asks for no more than is so without it."""
    return value is None or value == USUAL.get(name) or value in ({}, [])
