"""Who is told that it may cache a prompt, and in what word; and routes that ask for it in vain.

Must not: know how the word is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from router.config.problems import Report, quoted
from router.config.prompts import WORDS, Api, Word, keeps_points
from router.config.schema import Provider, ProviderModel, Route
from router.config.tree import Table, find

ASKED: Final = ("chat", "responses", "messages")
"""What clients ask for that brings a prompt."""
APIS: Mapping[str, Api] = MappingProxyType({"anthropic": "messages", "bedrock": "converse"})
"""In what providers of a dialect are asked, whatever clients ask for."""


def word_of(provider: Provider, model: ProviderModel, operation: str) -> Word | None:
    """How `provider` is told that it may cache a prompt to `model` that clients send as
    `operation`; None: it is not.
    """
    points = provider.dialect != "bedrock" or keeps_points(model.name)
    words = WORDS.get(provider.company or "") if points and not provider.api_version else None
    return None if words is None else words.get(_asked_in(provider, model, operation))


def _asked_in(provider: Provider, model: ProviderModel, operation: str) -> Api:
    """In what `provider` is asked for what clients ask for as `operation`."""
    if model.api == "responses":
        return "responses"
    if provider.dialect in APIS:
        return APIS[provider.dialect]
    return "responses" if operation == "responses" and operation in provider.native else "chat"


def note_untold(
    routes: Iterable[Route], providers: Mapping[str, Provider], tree: Table, report: Report
) -> None:
    """Note routes that would have a cache told of prompts, and none of whose targets can be."""
    for route in routes:
        to = route.shift.to if route.shift is not None else ()
        names = {target.name for tier in (*route.tiers, to) for target in tier}
        if route.prompt_cache and not any(_told(name, providers) for name in names):
            what = f"prompt_cache does nothing: no target of {quoted(route.name)} can be told"
            remedy = "remove it: they cache prompts unasked, or not at all"
            mark = find(tree, ("models", route.name, "prompt_cache")).key.mark
            report.note(mark, what, remedy)


def _told(target: str, providers: Mapping[str, Provider]) -> bool:
    name, _, model = target.partition("/")
    provider = providers.get(name)
    known = None if provider is None else provider.models.get(model)
    if provider is None or known is None:
        return True  # a mistake that is reported elsewhere
    return any(word_of(provider, known, operation) is not None for operation in ASKED)
