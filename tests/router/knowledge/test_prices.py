"""The price list, asked as the router asks it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from router.config.presets import PRESETS
from router.knowledge.prices import IN_THE_LIST, found, nano_dollars

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_a_known_model_has_a_price_and_perhaps_a_context() -> None:
    known = found("openai", "gpt-5-mini", NOW)
    assert known is not None
    assert known["context"] == 400_000
    assert 0 < (known["input"] or 0) < (known["output"] or 0)


def test_what_is_written_to_a_cache_has_its_price() -> None:
    known = found("anthropic", "claude-sonnet-4-5", NOW)
    assert known is not None
    assert (known["input"], known["cached"], known["stored"]) == (3000, 300, 3750)


def test_embeddings_cost_what_is_read_and_nothing_more() -> None:
    known = found("openai", "text-embedding-3-small", NOW)
    assert known is not None
    assert (known["input"], known["output"]) == (20, 0)
    other = found("gemini", "gemini-embedding-2", NOW)  # of which images have a price of their own
    assert other is not None
    assert other["output"] is None


@pytest.mark.parametrize(("company", "model"), [("openai", "no-such-model"), ("vllm", "gpt-5")])
def test_what_is_not_in_the_list_is_unknown(company: str, model: str) -> None:
    assert found(company, model, NOW) is None


@pytest.mark.parametrize(
    ("price", "told"),
    [
        (Decimal("0.25"), 250),
        (Decimal(0), 0),
        (None, None),
        (SimpleNamespace(base=Decimal("2.5"), tiers=[]), 2500),
    ],
)
def test_a_dollar_a_million_is_a_thousand_nano_dollars(price: object, told: int | None) -> None:
    assert nano_dollars(price) == told


def test_the_list_knows_every_company_that_is_named() -> None:
    from genai_prices import data_snapshot

    listed = {provider.id for provider in data_snapshot.get_snapshot().providers}
    assert set(IN_THE_LIST.values()) <= listed
    assert PRESETS.keys() & IN_THE_LIST.keys()
