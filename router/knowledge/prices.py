"""Looks models up in the price list of `genai-prices`. A program of its own, since the list takes
more memory than the router: it reads a list of `[company, model]` as JSON, and writes what it
found.

Prices are those of now, without tiers by length; what is not in the list is not made up.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

IN_THE_LIST = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "bedrock-mantle-openai": "aws",
    "bedrock-openai": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "vertex": "google",
    "xai": "x-ai",
}
"""The list's names of the companies that have a preset here."""
NANO_DOLLARS = 1000
"""A token, for a dollar a million."""
EMBEDS = "embed"
"""In the names of models that make embeddings, whoever makes them."""


def found(company: str, model: str, now: datetime) -> dict[str, int | None] | None:
    """Context and prices (nano-dollars a token) of a model; None: it is not in the list."""
    from genai_prices import data_snapshot

    provider = IN_THE_LIST.get(company)
    if provider is None:
        return None
    snapshot = data_snapshot.get_snapshot()
    try:
        _, known = snapshot.find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    prices = known.get_prices(now)
    output = nano_dollars(prices.output_mtok)
    if output is None and EMBEDS in model.lower() and prices.input_image_mtok is None:
        output = 0  # a vector has no tokens
    return {
        "context": known.context_window,
        "input": nano_dollars(prices.input_mtok),
        "output": output,
        "cached": nano_dollars(prices.cache_read_mtok),
        "stored": nano_dollars(prices.cache_write_mtok),
    }


def nano_dollars(price: Any) -> int | None:
    """A price per million tokens, as it is for a request of ordinary length."""
    price = getattr(price, "base", price)
    return None if price is None else round(Decimal(price) * NANO_DOLLARS)


def main() -> None:
    """Answer one list."""
    asked, now = json.load(sys.stdin), datetime.now(UTC)
    json.dump([found(company, model, now) for company, model in asked], sys.stdout)


if __name__ == "__main__":
    main()
