"""The body of a chat-completions request as it stands on the wire: what of it has a common form.

Only shapes, which say what is malformed by themselves. A part, a role or a kind of tool that is not
here cannot be put in other words.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class Picture(Struct):
    """An address, or a data URL."""

    url: str
    detail: str | None = None


class Sound(Struct):
    """Base64, and `wav` or `mp3`."""

    data: str
    format: str = ""


class Stored(Struct):
    """`file_data` is a data URL."""

    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class Part(Struct, tag_field="type"):
    """`cache_control` is Anthropic's, which several servers of this dialect know as well."""

    cache_control: dict[str, Any] | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None


class TextPart(Part, tag="text"):
    """Text."""

    text: str = ""


class ImagePart(Part, tag="image_url"):
    """An image; some write its address without an object round it."""

    image_url: Picture | str = ""


class AudioPart(Part, tag="input_audio"):
    """A sound."""

    input_audio: Sound = msgspec.field(default_factory=lambda: Sound(""))


class FilePart(Part, tag="file"):
    """A document."""

    file: Stored = msgspec.field(default_factory=Stored)


class RefusalPart(Part, tag="refusal"):
    """An earlier refusal."""

    refusal: str = ""


Parts = list[TextPart | ImagePart | AudioPart | FilePart | RefusalPart]


class Function(Struct):
    """What a call of a function says; its arguments are JSON text."""

    name: str
    arguments: str = ""


class Custom(Struct):
    """What a call of a custom tool says."""

    name: str
    input: str = ""


class Call(Struct):
    """One of an assistant's `tool_calls`."""

    id: str
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None


class Message(Struct, tag_field="role"):
    """`name` tells participants of one role apart."""

    content: str | Parts | None = None
    name: str | None = None


class System(Message, tag="system"):
    """Orders."""


class Developer(Message, tag="developer"):
    """The same by its newer name."""


class User(Message, tag="user"):
    """A question."""


class Assistant(Message, tag="assistant"):
    """An earlier answer. `reasoning_content`, `reasoning` and `reasoning_details` are not OpenAI's:
    compatible servers give a model's reasoning there, and some want it back.
    """

    refusal: str | None = None
    tool_calls: list[Call] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: Any = None
    audio: Any = None
    function_call: Any = None


class Tool(Message, tag="tool"):
    """What a call came to."""

    tool_call_id: str = ""


class Described(Struct):
    """A function, or a custom tool, that may be called."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: Any = None


class Offered(Struct):
    """One of `tools`."""

    type: str = "function"
    function: Described | None = None
    custom: Described | None = None


class Named(Struct):
    """Only a name."""

    name: str = ""


class Reference(Struct):
    """A tool among those that are allowed."""

    function: Named | None = None
    custom: Named | None = None


class Allowed(Struct):
    """Those of the tools that may be called."""

    mode: str = "auto"
    tools: list[Reference] = msgspec.field(default_factory=list)


class Chosen(Reference):
    """A `tool_choice` that is more than a word."""

    type: str = "function"
    allowed_tools: Allowed | None = None


class Shape(Struct):
    """`response_format.json_schema`."""

    name: str = "answer"
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class Format(Struct):
    """`response_format`."""

    type: str
    json_schema: Shape | None = None


class Body(Struct):
    """A request, but for what the call has already: model and stream."""

    messages: list[System | Developer | User | Assistant | Tool]
    tools: list[Raw] | None = None
    tool_choice: str | Chosen | None = None
    response_format: Format | None = None
    modalities: list[str] | None = None
    functions: Any = None
    web_search_options: Any = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    safety_identifier: str | None = None
    user: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None


FIELDS = frozenset(Body.__struct_fields__)
ELSEWHERE = frozenset({"model", "stream", "stream_options"})
"""Fields that the call itself has."""
