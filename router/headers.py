"""Which headers pass: by allow-list, in both directions."""

from __future__ import annotations

from collections.abc import Mapping

UP = ("content-type", "accept", "openai-beta", "traceparent")
UP_PREFIX = "anthropic-"

DOWN = frozenset(
    ("content-type", "content-language", "content-disposition", "cache-control", "request-id")
)
DOWN_PREFIXES = ("openai-", "anthropic-")
NOT_DOWN = frozenset(
    (
        "openai-organization", "openai-project",
        "anthropic-organization-id", "anthropic-workspace-id",
    )
)  # fmt: skip
"""Who pays, and what is left of it, is between the router and the provider."""
NOT_DOWN_PREFIX = "anthropic-ratelimit-"


def upward(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers that a provider is sent."""
    sent = {name: headers[name] for name in UP if name in headers}
    for name in headers:
        if name.lower().startswith(UP_PREFIX):
            sent[name.lower()] = headers[name]
    return sent


def downward(headers: Mapping[str, str]) -> dict[str, str]:
    """A provider's headers (names in lower case) that a client is sent."""
    return {name: value for name, value in headers.items() if name in DOWN or _told(name)}


def _told(name: str) -> bool:
    if not name.startswith(DOWN_PREFIXES) or name in NOT_DOWN:
        return False
    return not name.startswith(NOT_DOWN_PREFIX)
