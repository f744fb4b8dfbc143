"""Which headers pass: by allow-list, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UP: Final = ("content-type", "accept", "openai-beta", "traceparent")
UP_PREFIX: Final = "anthropic-"

DOWN: Final = frozenset(
    ("content-type", "content-language", "content-disposition", "cache-control", "request-id")
)
DOWN_PREFIXES: Final = ("openai-", "anthropic-")
NOT_DOWN: Final = frozenset(
    (
        "openai-organization", "openai-project",
        "anthropic-organization-id", "anthropic-workspace-id",
    )
)  # fmt: skip
"""Who pays, and what is left of it, is between the router and the provider."""
NOT_DOWN_PREFIXES: Final = ("anthropic-ratelimit-", "anthropic-priority-", "anthropic-fast-")


def upward(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers (names in lower case) that a provider is sent."""
    sent = {name: headers[name] for name in UP if name in headers}
    if UP_PREFIX in "\n".join(headers):  # one look for all, since hardly anyone has such a header
        for name in headers:
            if name.startswith(UP_PREFIX):
                sent[name] = headers[name]
    return sent


def meant_for(headers: Mapping[str, str], withheld: tuple[str, ...]) -> Mapping[str, str]:
    """Those of a client's headers that do not begin with one of `withheld`."""
    for name in headers:
        if name.startswith(withheld):
            return {name: headers[name] for name in headers if not name.startswith(withheld)}
    return headers


def downward(headers: Mapping[str, str]) -> dict[str, str]:
    """A provider's headers (names in lower case) that a client is sent."""
    return {
        name: value
        for name, value in headers.items()
        if name in DOWN or (name.startswith(DOWN_PREFIXES) and passes_down(name))
    }


def passes_down(name: str) -> bool:
    """Whether clients are sent a provider's header of this name."""
    return name in DOWN or (
        name.startswith(DOWN_PREFIXES)
        and name not in NOT_DOWN
        and not name.startswith(NOT_DOWN_PREFIXES)
    )
