"""A client's call in Anthropic's words as a prompt, which any provider may be asked.

What has no common form (blocks of tools that ran at Anthropic, files by their ids) is refused here,
so that the call goes to those who speak the dialect. What is malformed is named with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from router.dialects.anthropic.blocks import MAKER
from router.dialects.anthropic.contents import cache_of, contents
from router.dialects.anthropic.models import ALL
from router.dialects.anthropic.schemas import complete
from router.dialects.common.outside import UNREADABLE
from router.dialects.common.prompt import Form, Hosted, Message, Prompt, Role, Tool, ToolChoice
from router.dialects.contract import Call
from router.dialects.fields import invalid, value_of

KNOWN = frozenset(
    {
        "model", "messages", "stream", "max_tokens", "temperature", "top_p", "top_k",
        "stop_sequences", "system", "tools", "tool_choice", "metadata", "service_tier", "thinking",
        "output_config", "output_format", "mcp_servers",
    }
)  # fmt: skip
"""Fields that have a common form."""
SETTINGS: Mapping[str, tuple[str, type[Any] | tuple[type[Any], ...]]] = {
    "max_tokens": ("max_tokens", int),
    "temperature": ("temperature", (int, float)),
    "top_p": ("top_p", (int, float)),
    "top_k": ("top_k", int),
    "stop_sequences": ("stop", list),
    "service_tier": ("service_tier", str),
}
ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
CHOICES: Mapping[str, Any] = {
    "auto": "auto",
    "any": "required",
    "tool": "named",
    "none": "none",
}


class _Turn(msgspec.Struct):
    role: str
    content: Raw


_turns = msgspec.json.Decoder(list[_Turn])


def prompt_of(call: Call) -> Prompt:
    """The call in the common form. Raises `ClientError`."""
    fields = call.fields
    lost: list[str] = []
    prompt = Prompt([])
    if (system := fields.get("system")) is not None and (said := contents(system, "system", lost)):
        prompt.messages.append(Message("system", said))
    prompt.messages += _messages(fields["messages"], lost)
    settings = prompt.settings
    for name, (common, kind) in SETTINGS.items():
        if name in fields and (value := value_of(fields[name])) is not None:
            if not isinstance(value, kind) or isinstance(value, bool):
                raise invalid(f"`{name}` is of a wrong type", name)
            settings[common] = value
    if not all(isinstance(sequence, str) for sequence in settings.get("stop", ())):
        raise invalid("`stop_sequences` must be a list of strings", "stop_sequences")
    if isinstance(user := _object(fields, "metadata").get("user_id"), str):
        settings["user"] = user
    prompt.tools = _tools(fields)
    _choose(prompt, _object(fields, "tool_choice"))
    _configure(prompt, fields)
    _think(settings, _object(fields, "thinking"), lost)
    unknown = [name for name in fields if name not in KNOWN and bytes(fields[name]) != b"null"]
    prompt.unknown = tuple(dict.fromkeys((*unknown, *lost)))
    return prompt


def _messages(raw: Raw, lost: list[str]) -> list[Message]:
    try:
        turns = _turns.decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(f"`messages`: {error}", "messages") from None
    except UNREADABLE:
        raise invalid("`messages` cannot be read", "messages") from None
    messages = []
    for at, turn in enumerate(turns):
        if turn.role not in ROLES:
            raise invalid(f"`messages.{at}.role` must be user or assistant", "messages")
        said = contents(turn.content, f"messages.{at}.content", lost)
        messages.append(Message(ROLES[turn.role], said))
    return messages


def _tools(fields: Mapping[str, Raw]) -> list[Tool | Hosted]:
    servers = value_of(fields.get("mcp_servers")) or []
    written = value_of(fields.get("tools")) or []
    if not isinstance(written, list) or not isinstance(servers, list):
        raise invalid("`tools` must be a list", "tools")
    tools: list[Tool | Hosted] = [Hosted("mcp_server", server, MAKER) for server in servers]
    for at, tool in enumerate(written):
        if not isinstance(tool, dict):
            raise invalid(f"`tools.{at}` must be an object", "tools")
        kind = tool.get("type")
        tools.append(
            _tool(tool, at) if kind in (None, "custom") else Hosted(str(kind), tool, MAKER)
        )
    return tools


def _tool(tool: dict[str, Any], at: int) -> Tool:
    name, schema = tool.get("name"), tool.get("input_schema")
    if not isinstance(name, str) or not isinstance(schema, dict):
        raise invalid(f"`tools.{at}` must have a name and an input_schema", "tools")
    description, strict = tool.get("description"), tool.get("strict")
    return Tool(
        name,
        description if isinstance(description, str) else None,
        schema,
        strict if isinstance(strict, bool) else None,
        cache=cache_of(tool.get("cache_control")),
    )


def _choose(prompt: Prompt, choice: dict[str, Any]) -> None:
    if not choice:
        return
    mode, name = CHOICES.get(str(choice.get("type"))), choice.get("name", "")
    if mode is None or not isinstance(name, str):
        wanted = "auto, any, none, or a tool with its name"
        raise invalid(f"`tool_choice` must be {wanted}", "tool_choice")
    prompt.choice = ToolChoice(mode, name)
    if choice.get("disable_parallel_tool_use") is True:
        prompt.settings["parallel_tool_calls"] = False


def _configure(prompt: Prompt, fields: Mapping[str, Raw]) -> None:
    config = _object(fields, "output_config")
    form = config.get("format") or _object(fields, "output_format")
    if form:
        schema = form.get("schema") if isinstance(form, dict) else None
        if not isinstance(schema, dict):
            raise invalid("`output_config.format` must have a schema", "output_config")
        # What OpenAI calls strict asks that every key be required: else it can only be asked for.
        prompt.form = Form(schema, strict=complete(schema) or None)
    if (effort := config.get("effort")) in ALL:
        prompt.settings["reasoning_effort"] = effort


def _think(settings: dict[str, Any], thinking: dict[str, Any], lost: list[str]) -> None:
    kind, budget = thinking.get("type"), thinking.get("budget_tokens")
    if kind == "disabled":
        settings["thinking_budget"] = 0
    elif kind == "adaptive":
        settings["thinking_budget"] = -1
    elif kind == "enabled" and isinstance(budget, int):
        settings["thinking_budget"] = budget
    elif thinking:
        lost.append("thinking")
    if kind in ("adaptive", "enabled") and isinstance(thinking.get("display"), str):
        settings["show_thinking"] = thinking["display"] != "omitted"


def _object(fields: Mapping[str, Raw], name: str) -> dict[str, Any]:
    value = value_of(fields.get(name))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"`{name}` must be an object", name)
    return value
