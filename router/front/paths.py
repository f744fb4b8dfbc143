"""The paths that clients use: what is asked for at each, and how one speaks there."""

from __future__ import annotations

from collections.abc import Mapping

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.contract import ClientDialect, Headers, Operation
from router.dialects.openai.dialect import OPENAI
from router.dialects.relayed.dialect import OPERATIONS as RELAYED_CALLS
from router.dialects.relayed.dialect import RELAYED
from router.dialects.responses.dialect import RESPONSES

MODELS = "/v1/models"
MODEL = f"{MODELS}/"
COUNTING = "/v1/messages/count_tokens"
VERSION = "anthropic-version"
"""A header that clients who speak Anthropic's dialect send."""
CALLS: Mapping[str, tuple[Operation, ClientDialect]] = {
    "/v1/chat/completions": ("chat", OPENAI),
    "/v1/completions": ("completions", OPENAI),
    "/v1/embeddings": ("embeddings", OPENAI),
    "/v1/messages": ("messages", ANTHROPIC),
    COUNTING: ("count_tokens", ANTHROPIC),
    "/v1/responses": ("responses", RESPONSES),
    **{f"/v1/{operation}": (operation, RELAYED) for operation in RELAYED_CALLS},
}
"""What clients ask for, and how they speak there."""
NO_HEADERS: Headers = {}


def dialect_at(path: str, headers: Headers = NO_HEADERS) -> ClientDialect:
    """How clients speak at `path`, where several do by their `headers`; OpenAI's dialect where
    nothing is.
    """
    call = CALLS.get(path)
    if call is not None:
        return call[1]
    listed = path == MODELS or path.startswith(MODEL)
    if path.startswith("/v1/messages/") or (listed and VERSION in headers):
        return ANTHROPIC
    return OPENAI
