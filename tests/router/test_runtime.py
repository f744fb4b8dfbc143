from random import Random

import pytest

from policies import Engine
from router.runtime import Runtime
from router.tenants.identity import DEFAULT, Tenant, Tenants

PART = Tenant("part", models=frozenset({"chat", "gpt"}))
RUNTIME = Runtime(
    revision="1",
    engine=Engine({}, rng=Random(0), now=0.0),
    upstreams={},
    tenants=Tenants([], DEFAULT),
    deadlines={},
    targets={},
    off={"gpt": "dear: DEAR_KEY is not set", "claude": "other: OTHER_KEY is not set"},
    policies={},
    listed={"chat": 1, "chat-large": 2, "quick": 3},
    needs={},
    alike={},
    resume={},
)


def test_a_tenant_is_shown_the_listed_models_that_it_sees() -> None:
    assert RUNTIME.models(DEFAULT) == {"chat": 1, "chat-large": 2, "quick": 3}
    assert RUNTIME.models(PART) == {"chat": 1}


@pytest.mark.parametrize(
    ("model", "tenant", "words"),
    [
        ("chat-larg", DEFAULT, "did you mean 'chat-large' or 'chat'?"),
        ("chat-larg", PART, "did you mean 'chat'?"),
        ("zzz", DEFAULT, "GET /v1/models lists all"),
        ("gpt", PART, "'gpt' is off: dear: DEAR_KEY is not set"),
        ("claude", PART, "'claude' does not exist; did you mean 'chat'?"),
    ],
)
def test_who_asks_for_what_is_not_there_is_told_no_more_than_may_be_known(
    model: str, tenant: Tenant, words: str
) -> None:
    error = RUNTIME.unknown(model, tenant)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert error.headers() == {"x-should-retry": "false"}
    assert error.message.endswith(words)


def test_a_long_name_is_neither_compared_nor_repeated_whole() -> None:
    message = RUNTIME.unknown("chat" * 10_000_000, DEFAULT).message
    assert len(message) < 300


def test_a_runtime_is_swapped_whole_and_never_changed() -> None:
    with pytest.raises(AttributeError):
        RUNTIME.revision = "2"  # type: ignore[misc]
