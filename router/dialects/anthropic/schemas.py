"""JSON Schemas as Anthropic takes them where an answer must follow one, and as OpenAI does.

It knows no bounds of numbers and lengths, and every object must be closed. Leaving a bound out
allows more than the client asked for, and is named; closing an object allows less, so that what
comes fits all the same. A mapping with free keys cannot be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.dialects.contract import Unfit

BOUNDS = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
BY_NAME = frozenset({"properties", "$defs", "definitions"})
"""Fields that hold schemas by names, which may be those of other fields."""
DEEPEST = 64
"""Levels of a schema: more is nobody's who means it."""


def closed(schema: Any, lost: list[str], depth: int = 0) -> Any:
    """`schema` without what cannot be said, which is named in `lost`. Raises `Unfit`."""
    if not isinstance(schema, Mapping):
        return schema
    if depth > DEEPEST:
        raise Unfit("a schema that is nested too deeply")
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name in BOUNDS or (name == "minItems" and value not in (0, 1)):
            lost.append("schema_bounds")
        elif name in BY_NAME and isinstance(value, Mapping):
            made[name] = {key: closed(one, lost, depth + 1) for key, one in value.items()}
        elif name in ("enum", "const", "default", "examples"):
            made[name] = value
        elif isinstance(value, list):
            made[name] = [closed(one, lost, depth + 1) for one in value]
        else:
            made[name] = closed(value, lost, depth + 1)
    if made.get("type") == "object" or "properties" in made:
        if made.get("additionalProperties") not in (None, False) and not made.get("properties"):
            raise Unfit("a schema with free keys")
        made["additionalProperties"] = False
    return made


def complete(schema: Any, depth: int = 0) -> bool:
    """Whether all objects in `schema` are closed and require each of their keys."""
    if isinstance(schema, list):
        return all(complete(one, depth + 1) for one in schema)
    if not isinstance(schema, Mapping):
        return True
    if depth > DEEPEST:
        return False
    keys, required = schema.get("properties"), schema.get("required", [])
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or not isinstance(keys, Mapping)
        or not isinstance(required, list)
        or any(key not in required for key in keys)
    ):
        return False
    return all(complete(one, depth + 1) for one in schema.values())
