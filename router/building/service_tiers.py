"""How a target's provider is told in which service tier it is asked, or that it is asked for what
is provisioned alone: in the body of each request, or in its headers.

Must not: know what a tier costs (`router.config.variants`), or which target is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from router.config import Provider, ProviderModel
from router.dialects.contract import NO_FIELDS, Fields

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
VERTEX_TIER = "x-vertex-ai-llm-shared-request-type"
VERTEX_KIND = "x-vertex-ai-llm-request-type"
"""Without this, what is more than the provisioned throughput is served on demand, and billed so."""

_encode = msgspec.json.encode


def fields_of(provider: Provider, model: ProviderModel) -> Fields:
    """What stands in the body of each request for messages."""
    tier = model.service_tier
    if tier is None or provider.dialect == "vertex":
        return NO_FIELDS
    match provider.dialect:
        case "gemini":
            return {"serviceTier": _encode(tier)}
        case "bedrock":
            return {"serviceTier": _encode({"type": tier})}
        case _:
            return {"service_tier": _encode(tier)}


def headers_of(provider: Provider, model: ProviderModel) -> Mapping[str, str]:
    """What stands in the head of each request."""
    if provider.dialect != "vertex":
        return NO_HEADERS
    if model.provisioned:
        return {VERTEX_KIND: "dedicated"}
    return NO_HEADERS if model.service_tier is None else {VERTEX_TIER: model.service_tier}
