"""Which providers are spoken to how, for each kind of call.

A provider that speaks the client's own dialect is spoken to in it, and bytes pass as they came; for
answers to messages there is an interpreter between all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from router.config import Provider, ProviderModel
from router.config.prompts import WORDS, Api
from router.dialects.anthropic.dialect import ANTHROPIC, Anthropic
from router.dialects.anthropic.dialect import PATHS as MESSAGES
from router.dialects.anthropic.foreign import FOREIGN_ANTHROPIC
from router.dialects.azure.deployed import Deployed
from router.dialects.bedrock.bodies import keeps_points
from router.dialects.bedrock.foreign import BEDROCK
from router.dialects.contract import (
    ForeignDialect,
    Interpretable,
    Operation,
    UpstreamDialect,
)
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.gemini.embeddings import GeminiEmbeddings
from router.dialects.gemini.foreign import GEMINI, GOOGLE, VERTEX
from router.dialects.hints import Hint
from router.dialects.interpreter import Interpreter, Unspoken
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI, PATHS, SPOKEN, SPOKEN_BY
from router.dialects.relayed.dialect import OPERATIONS as RELAYED_CALLS
from router.dialects.relayed.dialect import RELAYED, RELAYED_BY
from router.dialects.responses.dialect import RESPONSES, Responses
from router.dialects.responses.foreign import responses_of

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
CLIENTS: Mapping[Operation, Interpretable] = MappingProxyType(
    {"chat": OPENAI, "responses": RESPONSES, "messages": ANTHROPIC}
)
"""The clients' halves of those kinds of calls that can be interpreted."""

NATIVE: Mapping[str, Mapping[Operation, UpstreamDialect]] = MappingProxyType(
    {
        "anthropic": dict.fromkeys(MESSAGES, ANTHROPIC),
        "bedrock": {},
        "gemini": {"embeddings": GeminiEmbeddings()},
        "vertex": {"embeddings": GeminiEmbeddings(GOOGLE)},
        "simulated": SPOKEN,
    }
)
"""The kinds of calls that are said in other dialects than OpenAI's without an interpreter."""

FOREIGN: Mapping[str, ForeignDialect] = MappingProxyType(
    {
        "anthropic": FOREIGN_ANTHROPIC,
        "bedrock": BEDROCK,
        "gemini": GEMINI,
        "vertex": VERTEX,
    }
)
"""The providers' halves for clients who speak otherwise, by the names of their dialects; OpenAI's
knows its provider's quirks.
"""

APIS: Mapping[str, Api] = MappingProxyType({"anthropic": "messages", "bedrock": "converse"})
"""In what providers of a dialect are asked, whatever clients ask for."""

HEADERS: Mapping[Operation, str] = MappingProxyType({"chat": "openai-", "messages": "anthropic-"})
"""How the names of headers begin that belong to a dialect, by what is asked in it."""


def speaks_of(provider: Provider, model: ProviderModel) -> Mapping[Operation, UpstreamDialect]:
    """How `provider` is spoken to for every kind of call about `model`."""
    native, foreign = dict(native_of(provider)), foreign_of(provider)
    if model.api == "responses":
        native = {name: one for name, one in native.items() if name not in ("chat", "messages")}
        native.setdefault("responses", responses_at(provider))
        foreign = responses_of(provider.company)
    spoken = {
        operation: native.get(operation) or _other(operation, foreign, provider.name, model.output)
        for operation in OPERATIONS
    }
    version = provider.api_version
    if version is None:
        return spoken
    return {
        operation: dialect if isinstance(dialect, Unspoken) else Deployed(dialect, version)
        for operation, dialect in spoken.items()
    }


def hints_of(provider: Provider, model: ProviderModel) -> Mapping[Operation, Hint]:
    """How `provider` is told that it may cache a prompt to `model`, by what clients ask for."""
    words = {} if provider.api_version else WORDS.get(provider.company or "", {})
    if provider.dialect == "bedrock" and not keeps_points(model.name):
        words = {}
    found: dict[Operation, Hint] = {}
    for operation in CLIENTS if words else ():
        word = words.get(_asked_in(provider, model, operation))
        if word is not None:
            found[operation] = Hint(word, model.prompts.least)
    return found


def _asked_in(provider: Provider, model: ProviderModel, operation: Operation) -> Api:
    """In what `provider` is asked for what clients ask for as `operation`."""
    if model.api == "responses":
        return "responses"
    if provider.dialect in APIS:
        return APIS[provider.dialect]
    return "responses" if operation == "responses" and operation in provider.native else "chat"


def native_of(provider: Provider) -> Mapping[Operation, UpstreamDialect]:
    """The kinds of calls that the provider understands as clients make them."""
    if provider.dialect in NATIVE:
        return NATIVE[provider.dialect]
    company = company_of(provider)
    openai, relayed = SPOKEN_BY.get(company, OPENAI), RELAYED_BY.get(company, RELAYED)
    paths = {name: provider.native[name] for name in MESSAGES if name in provider.native}
    messages = Anthropic(TABLES.get(company, EVERYBODY), paths, usual=False)
    native: dict[Operation, UpstreamDialect] = {
        **dict.fromkeys(PATHS, openai),
        **dict.fromkeys(RELAYED_CALLS, relayed),
        **dict.fromkeys(paths, messages),
    }
    if "responses" in provider.native:
        native["responses"] = responses_at(provider)
    return native


def responses_at(provider: Provider) -> Responses:
    """OpenAI's Responses as the provider speaks them."""
    return Responses(TABLES.get(company_of(provider), EVERYBODY), provider.name)


def withheld_of(provider: Provider) -> tuple[str, ...]:
    """How headers of clients begin that mean nothing to the provider."""
    native = native_of(provider)
    return tuple(prefix for operation, prefix in HEADERS.items() if operation not in native)


def company_of(provider: Provider) -> str:
    """Whose quirks are to be expected: of the preset's company, else of the dialect's."""
    return provider.company or (provider.dialect if provider.dialect == "azure" else "")


def foreign_of(provider: Provider) -> ForeignDialect | None:
    """How the provider is spoken to for all other clients; None: it is not."""
    if provider.dialect in ("openai", "azure", "simulated"):
        return chat_of(company_of(provider), ask_usage=provider.asks_usage)
    return FOREIGN.get(provider.dialect)


def _other(
    operation: Operation, foreign: ForeignDialect | None, name: str, most: int | None
) -> UpstreamDialect:
    client = CLIENTS.get(operation)
    if client is None or foreign is None:
        return Unspoken(name)
    return Interpreter(client, foreign, most)
