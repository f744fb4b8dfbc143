"""The table of `docs/dialects.md`: every cell is asked here, and the page says what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from router.building.speaks import CLIENTS, FOREIGN
from router.dialects.contract import ForeignDialect, Operation
from router.dialects.interpreter import Interpreter
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.responses.foreign import responses_of
from router.front.paths import CALLS
from tests.router.dialects import features
from tests.router.dialects.features import Features
from tests.router.dialects.matrix import Way, brief, differences, rows

PAGE = Path(__file__).parents[3] / "docs" / "dialects.md"
UPSTREAMS: dict[str, tuple[ForeignDialect, str, Operation | None]] = {
    "`openai`": (chat_of("openai", ask_usage=True), "gpt-5-mini", "chat"),
    "`vllm`": (chat_of("vllm", ask_usage=True), "llama", "chat"),
    "`openai`, `api: responses`": (responses_of("openai"), "gpt-5-mini", "responses"),
    "`anthropic`": (FOREIGN["anthropic"], "claude-sonnet-4-5", "messages"),
    "`gemini`": (FOREIGN["gemini"], "gemini-3-flash", None),
    "`bedrock`": (FOREIGN["bedrock"], "anthropic.claude-sonnet-4-5", None),
}
"""By how a provider is spoken to: a model there, and the calls that it understands as they come."""
CLIENTS_FEATURES: dict[Operation, Callable[[], Features]] = {
    "chat": features.chat,
    "responses": features.responses,
    "messages": features.messages,
}


def table(operation: Operation) -> str:
    """What becomes of the features of such a call where it is not understood as it comes."""
    dialects = dict(CALLS.values())
    ways = {
        name: Way(dialects[operation], operation, Interpreter(CLIENTS[operation], foreign), model)
        for name, (foreign, model, native) in UPSTREAMS.items()
        if native != operation
    }
    return "\n".join(rows(ways, CLIENTS_FEATURES[operation]()))


@pytest.mark.parametrize("operation", CLIENTS_FEATURES)
def test_the_page_says_what_becomes_of_every_feature(operation: Operation) -> None:
    mark = f"<!-- {operation}: made and kept true by a test -->\n"
    shown = PAGE.read_text().partition(mark)[2].partition("\n\n")[0]
    assert shown == table(operation)


@pytest.mark.parametrize("operation", CLIENTS_FEATURES)
def test_nothing_is_lost_without_a_word(operation: Operation) -> None:
    assert "–" not in table(operation)


def test_differences_are_places() -> None:
    before = {"a": 1, "m": [{"role": "user", "content": "x"}], "same": [1]}
    after = {"m": [{"role": "user", "content": "y", "name": "n"}], "same": [1], "b": {"c": [1, 2]}}
    places = list(dict.fromkeys(differences(before, after)))
    assert places == ["m[].content", "m[].name", "b.c[]", "a"]
    assert list(brief(places)) == ["m[]", "b.c[]", "a"]
