"""What came from outside, as far as it is what it should be: everything may be anything.

What is not of the expected kind is not there. Nothing here raises, or knows a dialect.
"""

from __future__ import annotations

from typing import Any

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises on what is no JSON."""
MOST_TOKENS = 1_000_000_000
"""A count beyond this is no count."""
MOST_NAMED = 40
"""Characters of the name of a service tier: a longer text is none."""
_anything = msgspec.json.Decoder()
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decoded(written: bytes | msgspec.Raw | None) -> Any:
    """What the bytes say; None: there are none, or they are no JSON."""
    if written is None:
        return None
    try:
        return _anything.decode(written)
    except UNREADABLE:
        return None


def object_in(text: str) -> msgspec.Raw | None:
    """The JSON object that a text is, in its own bytes; None: it is none."""
    written = text.encode(errors="replace")
    try:
        _object.decode(written)
    except UNREADABLE:
        return None
    return msgspec.Raw(written)


def text_of(value: Any) -> str:
    """`value` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def tier_of(value: Any) -> str:
    """The name of a service tier, if `value` is one."""
    return value if isinstance(value, str) and len(value) <= MOST_NAMED else ""


def object_of(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in `value`, if it is a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def first_of(value: Any) -> Any:
    """`value`, or the first in it if it is a list: some wrap an error in one."""
    return value[0] if isinstance(value, list) and value else value


def count(tokens: Any, otherwise: int = 0) -> int:
    """A count of tokens; `otherwise` for what is none."""
    return tokens if type(tokens) is int and 0 <= tokens <= MOST_TOKENS else otherwise
