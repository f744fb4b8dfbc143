"""Which headers pass, in both directions: by allow-list up, by deny-list down."""

from __future__ import annotations

from collections.abc import Mapping

UP = ("content-type", "accept", "openai-beta", "traceparent")
UP_PREFIX = "anthropic-"

NOT_DOWN = frozenset(
    {
        # hop by hop, or ours to set
        "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length", "content-encoding", "date", "server",
        "via", "x-request-id", "server-timing", "retry-after", "retry-after-ms", "x-should-retry",
        "alt-svc",
        # who pays, and what is left of it, is between the router and the provider
        "set-cookie", "openai-organization", "openai-project", "anthropic-organization-id",
        "anthropic-workspace-id",
    }
)  # fmt: skip
NOT_DOWN_PREFIXES = (
    "x-ratelimit-", "ratelimit", "anthropic-ratelimit-", "x-tokenlimit-", "x-router-",
    "access-control-", "strict-transport-", "cf-", "x-envoy-", "report-to", "nel",
)  # fmt: skip


def upward(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers that a provider is sent."""
    sent = {name: headers[name] for name in UP if name in headers}
    for name in headers:
        if name.lower().startswith(UP_PREFIX):
            sent[name.lower()] = headers[name]
    return sent


def downward(headers: Mapping[str, str]) -> dict[str, str]:
    """A provider's headers (names in lower case) that a client is sent."""
    return {
        name: value
        for name, value in headers.items()
        if name not in NOT_DOWN and not name.startswith(NOT_DOWN_PREFIXES)
    }
