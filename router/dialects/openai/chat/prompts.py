"""A client's chat completion into the common form.

What is malformed is named by its place; what has no common form, and must not be left out, is
refused. Top-level fields that are nobody's else are named, not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from router.dialects.common.files import DATA, inline
from router.dialects.common.prompt import (
    SETTINGS,
    File,
    Form,
    Hosted,
    Message,
    Part,
    Prompt,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.dialects.fields import invalid
from router.dialects.openai.chat import wire
from router.dialects.openai.chat.traces import signature_of, thinking_of

HERE = "chat"
"""The maker of tools that only servers of this dialect run."""
NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
MEDIA = {"wav": "audio/wav", "mp3": "audio/mpeg"}
"""What formats of sounds are called elsewhere."""

_body = msgspec.json.Decoder(wire.Body)
_tool = msgspec.json.Decoder(wire.Offered)
_anything = msgspec.json.Decoder()
_encode = msgspec.json.encode


def prompt_of(fields: Mapping[str, Raw]) -> Prompt:
    """The call whose body has these `fields`. Raises `ClientError`."""
    known = {name: raw for name, raw in fields.items() if name in wire.FIELDS}
    try:
        body = _body.decode(_encode(known))
        tools = [_offered(raw) for raw in body.tools or ()]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"the request's body is malformed: {error}", None) from None
    except RecursionError:
        raise invalid("the request's body is nested too deeply", None) from None
    if body.functions:
        raise invalid("`functions` is not known here: write `tools`", "functions")
    if set(body.modalities or ()) - {"text"}:
        raise invalid("`modalities`: only text can be had here", "modalities")
    if body.web_search_options is not None:
        tools.append(Hosted("web_search", body.web_search_options, HERE))
    return Prompt(
        messages=list(_merged(_message(message) for message in body.messages)),
        tools=tools,
        choice=_choice(body.tool_choice),
        form=_form(body.response_format),
        settings=_settings(body),
        unknown=tuple(
            name
            for name, raw in fields.items()
            if name not in wire.FIELDS and name not in wire.ELSEWHERE and bytes(raw) != b"null"
        ),
    )


def _settings(body: wire.Body) -> dict[str, Any]:
    told = {name: getattr(body, name) for name in SETTINGS if name in wire.FIELDS}
    told["max_tokens"] = body.max_completion_tokens or body.max_tokens
    told["user"] = body.safety_identifier or body.user
    told["stop"] = [body.stop] if isinstance(body.stop, str) else body.stop
    return {name: value for name, value in told.items() if value is not None}


def _message(message: wire.Message) -> Message:
    if isinstance(message, wire.Assistant):
        return Message("assistant", _answered(message), message.name)
    parts = list(_parts(message.content))
    if isinstance(message, wire.Tool):
        told = [part for part in parts if isinstance(part, Text | File)]
        return Message("user", [ToolResult(message.tool_call_id, told, message.name)])
    if isinstance(message, wire.User):
        return Message("user", parts, message.name)
    return Message("system", parts, message.name)


def _merged(messages: Iterable[Message]) -> Iterable[Message]:
    """Results that follow each other are one message's."""
    results: list[Part] = []
    for message in messages:
        if message.role == "user" and isinstance(next(iter(message.parts), None), ToolResult):
            results += message.parts
            continue
        if results:
            yield Message("user", results)
            results = []
        yield message
    if results:
        yield Message("user", results)


def _answered(message: wire.Assistant) -> list[Part]:
    if message.audio is not None or message.function_call is not None:
        what = "audio" if message.audio is not None else "function_call"
        raise invalid(f"`{what}` of an earlier answer cannot be said here", "messages")
    parts: list[Part] = list(thinking_of(message.reasoning_details))
    text = message.reasoning_content or message.reasoning
    if text and not parts:
        parts.append(Thinking(text))
    parts += _parts(message.content)
    if message.refusal:
        parts.append(Refusal(message.refusal))
    parts += [_called(call) for call in message.tool_calls or ()]
    return parts


def _called(call: wire.Call) -> ToolCall:
    if call.custom is not None:
        return ToolCall(call.id, call.custom.name, call.custom.input, custom=True)
    if call.function is None:
        raise invalid("one of `tool_calls` has neither `function` nor `custom`", "messages")
    signature, maker = signature_of(call.extra_content)
    return ToolCall(
        call.id, call.function.name, call.function.arguments, signature=signature, maker=maker
    )


def _parts(content: str | wire.Parts | None) -> Iterable[Part]:
    if isinstance(content, str):
        # An empty text says nothing, and others refuse it.
        return [Text(content)] if content else []
    return [_part(part) for part in content or ()]


def _part(part: wire.Part) -> Part:
    cache = _cache(part)
    match part:
        case wire.TextPart():
            return Text(part.text, cache)
        case wire.ImagePart(image_url=wire.Picture(url, detail)):
            return _at("image", url, None, cache, detail)
        case wire.ImagePart(image_url=str(url)):
            return _at("image", url, None, cache, None)
        case wire.AudioPart(input_audio=wire.Sound(data, form)):
            return File("audio", MEDIA.get(form, f"audio/{form}"), data, cache=cache)
        case wire.FilePart(file=wire.Stored(id, data, name)):
            if data:
                return _at("document", data, name, cache, None)
            return File("document", id=id, name=name, cache=cache)
        case wire.RefusalPart(refusal=text):
            return Refusal(text)
    raise invalid("a part of a message is of no known kind", "messages")


def _at(kind: Any, url: str, name: str | None, cache: str | None, detail: str | None) -> File:
    """A file by its address, or by what a data URL holds."""
    if not url.startswith(DATA):
        return File(kind, url=url, name=name, detail=detail, cache=cache)
    media, data = inline(url)
    if data is None:
        raise invalid("a data URL must be in base64", "messages")
    return File(kind, media, data, name=name, detail=detail, cache=cache)


def _cache(part: wire.Part) -> str | None:
    if part.cache_control is not None:
        return "1h" if part.cache_control.get("ttl") == "1h" else "5m"
    return "5m" if part.prompt_cache_breakpoint is not None else None


def _offered(raw: Raw) -> Tool | Hosted:
    tool = _tool.decode(raw)
    if tool.function is not None:
        told = tool.function
        schema = NO_PARAMETERS if told.parameters is None else told.parameters
        return Tool(told.name, told.description, schema, told.strict)
    if tool.custom is not None:
        told = tool.custom
        return Tool(told.name, told.description, custom=True, grammar=told.format)
    if tool.type in ("function", "custom"):
        raise invalid(f"one of `tools` has no `{tool.type}`", "tools")
    return Hosted(tool.type, _anything.decode(raw), HERE)


def _choice(chosen: str | wire.Chosen | None) -> ToolChoice | None:
    match chosen:
        case None:
            return None
        case "any":
            return ToolChoice("required")
        case "auto" | "none" | "required":
            return ToolChoice(chosen)
        case wire.Chosen(allowed_tools=wire.Allowed(mode, tools)) if mode in ("auto", "required"):
            allowed = tuple(_name(tool) for tool in tools)
            return ToolChoice("required" if mode == "required" else "auto", allowed=allowed)
        case wire.Chosen() if name := _name(chosen):
            return ToolChoice("named", name)
    raise invalid("`tool_choice` is none that is known", "tool_choice")


def _name(tool: wire.Reference) -> str:
    named = tool.function or tool.custom
    return named.name if named is not None else ""


def _form(wanted: wire.Format | None) -> Form | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return Form()
    shape = wanted.json_schema
    if wanted.type != "json_schema" or shape is None or shape.schema is None:
        raise invalid("`response_format` is none that is known", "response_format")
    return Form(shape.schema, shape.name, shape.description, shape.strict)
