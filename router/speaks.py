"""Which providers are spoken to how, for each kind of call.

A provider that speaks the client's own dialect is spoken to in it, and bytes pass as they came; for
answers to messages there is an interpreter between all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from router.config import Provider
from router.dialects.contract import (
    ForeignDialect,
    Interpretable,
    Operation,
    UpstreamDialect,
)
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.interpreter import Interpreter, Unspoken
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI, PATHS, SPOKEN_BY
from router.dialects.responses.dialect import RESPONSES, Responses

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
CLIENTS: Mapping[Operation, Interpretable] = MappingProxyType(
    {"chat": OPENAI, "responses": RESPONSES}
)
"""The clients' halves of those kinds of calls that can be interpreted."""

FOREIGN: Mapping[str, ForeignDialect] = MappingProxyType({})
"""The providers' halves for clients who speak otherwise, by the names of their dialects; OpenAI's
knows its provider's quirks.
"""


def speaks_of(provider: Provider) -> Mapping[Operation, UpstreamDialect]:
    """How `provider` is spoken to: for every kind of call."""
    native = native_of(provider)
    foreign = foreign_of(provider)
    return {
        operation: native.get(operation) or _other(operation, foreign, provider.name)
        for operation in OPERATIONS
    }


def native_of(provider: Provider) -> Mapping[Operation, UpstreamDialect]:
    """The kinds of calls that the provider understands as clients make them."""
    openai = SPOKEN_BY.get(provider.company or "", OPENAI)
    native: dict[Operation, UpstreamDialect] = dict.fromkeys(PATHS, openai)
    if provider.responses is not None:
        errors = TABLES.get(provider.company or "", EVERYBODY)
        native["responses"] = Responses(errors, provider.name)
    return native


def foreign_of(provider: Provider) -> ForeignDialect | None:
    """How the provider is spoken to for all other clients; None: it is not."""
    if provider.dialect in ("openai", "simulated"):
        return chat_of(provider.company, ask_usage=provider.asks_usage)
    return FOREIGN.get(provider.dialect)


def _other(operation: Operation, foreign: ForeignDialect | None, name: str) -> UpstreamDialect:
    client = CLIENTS.get(operation)
    if client is None or foreign is None:
        return Unspoken(name)
    return Interpreter(client, foreign)
