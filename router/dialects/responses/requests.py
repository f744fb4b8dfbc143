"""What a client asks for in the words of OpenAI's Responses: a body to a `Call`, and what of it
only the account that made it can serve.

Of the items only as much is decoded as routing needs; what is wrong in them is left to the provider
to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from msgspec import Raw

from router.dialects.common.outside import decoded, objects_of
from router.dialects.contract import Call, Operation
from router.dialects.estimate import estimated_tokens
from router.dialects.fields import (
    Fields,
    bounded,
    field_of,
    invalid,
    mentions,
    taken_apart,
    whole_number,
)
from router.dialects.openai.features import has_part, tools

WITHOUT_INPUT = frozenset({"prompt", "previous_response_id", "conversation"})
"""What may stand for an input."""
REFERENCES = (b"item_reference", b"file_id", b"reasoning")
"""Words without one of which nothing in an input refers to anything."""
TOOLS = (b"vector_store_ids", b"container")
"""Words without one of which no tool refers to anything."""
MOST_IDS = 256
"""Ids of one request that are looked up."""


def parsed(body: bytes, operation: Operation = "responses") -> Call:
    """See `ClientDialect.parse`."""
    model, fields = taken_apart(body)
    _check_input(fields)
    most = whole_number(fields, "max_output_tokens")
    hard, soft = account_bound(fields)
    return Call(
        operation=operation,
        model=model,
        stream=bool(field_of(fields, "stream", bool, "true or false")),
        fields=fields,
        input_tokens=estimated_tokens(body),
        output_tokens=bounded(most),
        choices=1,
        usage_asked=True,
        body=body,
        bound=hard,
        traces=soft,
        stays=bool(field_of(fields, "background", bool, "true or false")),
    )


def _check_input(fields: Fields) -> None:
    given = fields.get("input")
    if given is None or bytes(given) == b"null":
        if WITHOUT_INPUT.isdisjoint(fields):
            raise invalid("`input` is missing: a text, or a list of items", "input")
    elif bytes(memoryview(given)[:1]) not in (b'"', b"["):
        raise invalid("`input` must be a text or a list of items", "input")


def account_bound(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of what only the account that made it knows; and those of reasoning that only its
    maker can read, but others can do without.
    """
    hard: list[str] = []
    if previous := field_of(fields, "previous_response_id", str, "the id of a response"):
        hard.append(previous)
    wanted = "the id of a conversation"
    if told := decoded(fields.get("conversation")):
        conversation = told.get("id") if isinstance(told, dict) else told
        if not isinstance(conversation, str) or not conversation:
            raise invalid(f"`conversation` must be {wanted}", "conversation")
        hard.append(conversation)
    soft: list[str] = []
    for name, id_ in _references(fields):
        (soft if name == "reasoning" else hard).append(id_)
    return tuple(dict.fromkeys(hard))[:MOST_IDS], tuple(dict.fromkeys(soft))[-MOST_IDS:]


def _references(fields: Fields) -> Iterator[tuple[str, str]]:
    """What items and tools refer to: its kind, and its id."""
    if (given := fields.get("input")) is not None and mentions(given, *REFERENCES):
        for item in _listed(given):
            yield from _of_item(item)
    if (given := fields.get("tools")) is not None and mentions(given, *TOOLS):
        for tool in _listed(given):
            yield from _of_tool(tool)


def _of_item(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    kind = item.get("type")
    if kind in ("item_reference", "reasoning"):
        if isinstance(id_ := item.get("id"), str) and id_:
            yield kind, id_
        return
    for name in ("content", "output"):
        parts = item.get(name)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and isinstance(id_ := part.get("file_id"), str) and id_:
                yield "file", id_


def _of_tool(tool: dict[str, Any]) -> Iterator[tuple[str, str]]:
    stores, container = tool.get("vector_store_ids"), tool.get("container")
    files = container.get("file_ids") if isinstance(container, dict) else [container]
    for ids in (stores, files):
        for id_ in ids if isinstance(ids, list) else ():
            if isinstance(id_, str) and id_:
                yield "tool", id_


def _listed(raw: Raw) -> list[dict[str, Any]]:
    return objects_of(decoded(raw))


# What a request brings: see `ClientDialect.features`.


def schema(fields: Fields) -> bool:
    """Whether the answer must have a given form."""
    wanted = decoded(fields.get("text"))
    form = wanted.get("format") if isinstance(wanted, dict) else None
    return isinstance(form, dict) and form.get("type") == "json_schema"


def _shows(kind: str, fields: Fields) -> bool:
    return has_part(kind, fields.get("input"), "content", "output")


EXTRACT: Mapping[str, Callable[[Fields], bool]] = {
    "tools": tools,
    "schema": schema,
    "images": partial(_shows, "input_image"),
    "documents": partial(_shows, "input_file"),
    "audio": partial(_shows, "input_audio"),
}
