"""The headers of an answer, from what the parser has told of them: names in lower case, and what
came more than once joined.
"""

from __future__ import annotations

from router.headers import passes_down
from router.quota.headers import READ

Fields = list[tuple[bytes, bytes]]
OURS = frozenset(("content-encoding", "content-length", "keep-alive", "transfer-encoding"))
"""What is read here, whoever else is told of it."""
MOST_NAMES = 256


def every(fields: Fields) -> dict[str, str]:
    """All of them: what a refusal means may be in any."""
    headers: dict[str, str] = {}
    for raw, value in fields:
        name, text = raw.decode("latin-1").lower(), str(value, "utf-8", "replace")
        headers[name] = text if name not in headers else f"{headers[name]}, {text}"
    return headers


def of_success(fields: Fields, names: dict[bytes, str]) -> dict[str, str]:
    """Those that somebody reads where all is well: clients are told them, or we read them.
    Providers send thrice as many. `names` keeps what those are called that have come before, ""
    where nobody reads them.
    """
    headers: dict[str, str] = {}
    for raw, value in fields:
        name = names.get(raw)
        if name is None:
            name = raw.decode("latin-1").lower()
            if name not in OURS and name not in READ and not passes_down(name):
                name = ""
            if len(names) < MOST_NAMES:
                names[raw] = name
        if name:
            text = str(value, "utf-8", "replace")
            headers[name] = text if name not in headers else f"{headers[name]}, {text}"
    return headers
