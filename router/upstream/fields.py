"""The headers of an answer, from what the parser has told of them: names in lower case, and what
came more than once joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.headers import passes_down
from router.quota.headers import READ

Fields = list[tuple[bytes, bytes]]
OURS: Final = frozenset(("content-encoding", "content-length", "keep-alive", "transfer-encoding"))
"""What is read here, whoever else is told of it."""
MOST_NAMES: Final = 256
LIMIT: Final = "?"
"""Stands for the name of a header that says what is left of a limit."""


def every(fields: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """All of them: what a refusal means may be in any."""
    headers: dict[str, str] = {}
    for raw, value in fields:
        name, text = raw.decode("latin-1").lower(), str(value, "utf-8", "replace")
        headers[name] = text if name not in headers else f"{headers[name]}, {text}"
    return headers


def of_success(
    fields: Fields, names: dict[bytes, str]
) -> tuple[dict[str, str], Sequence[tuple[bytes, bytes]]]:
    """Those that somebody reads where all is well: clients are told them, or we read them; and, as
    they came, those that say what is left of limits, which are read now and then. Providers send
    thrice as many. `names` keeps what those are called that have come before, "" where nobody reads
    them.
    """
    headers: dict[str, str] = {}
    limits: list[tuple[bytes, bytes]] = []
    for field in fields:
        raw, value = field
        name = names.get(raw)
        if name is None:
            name = _called(raw)
            if len(names) < MOST_NAMES:
                names[raw] = name
        if name == LIMIT:
            limits.append(field)
        elif name:
            text = str(value, "utf-8", "replace")
            headers[name] = text if name not in headers else f"{headers[name]}, {text}"
    return headers, limits


def _called(raw: bytes) -> str:
    name = raw.decode("latin-1").lower()
    if name in READ:
        return LIMIT
    return name if name in OURS or passes_down(name) else ""
