"""What a model writes at most, where its configuration says so."""

from __future__ import annotations

import json

import pytest

from router.building.speaks import FOREIGN
from router.dialects.interpreter import Interpreter
from router.dialects.openai.dialect import OPENAI

PLACES = {
    "anthropic": lambda body: body["max_tokens"],
    "bedrock": lambda body: body["inferenceConfig"]["maxTokens"],
    "gemini": lambda body: body["generationConfig"]["maxOutputTokens"],
}


@pytest.mark.parametrize("dialect", PLACES)
@pytest.mark.parametrize(("asked", "most", "told"), [(900, 500, 500), (300, 500, 300)])
def test_a_clients_bound_is_no_higher_than_the_models(
    dialect: str, asked: int, most: int, told: int
) -> None:
    messages = [{"role": "user", "content": "x"}]
    call = OPENAI.parse(
        json.dumps({"model": "m", "messages": messages, "max_tokens": asked}).encode()
    )
    for bound, expected in ((most, told), (None, asked)):
        between = Interpreter(OPENAI, FOREIGN[dialect], bound)
        _, body, _ = between.ask(call, "some-model", ask_usage=True)
        assert PLACES[dialect](json.loads(body)) == expected


def test_a_dialect_that_must_name_a_bound_names_the_models() -> None:
    messages = [{"role": "user", "content": "x"}]
    call = OPENAI.parse(json.dumps({"model": "m", "messages": messages}).encode())
    between = Interpreter(OPENAI, FOREIGN["anthropic"], 2000)
    _, body, _ = between.ask(call, "some-model", ask_usage=True)
    assert json.loads(body)["max_tokens"] == 2000
