"""From a configuration to what its targets cost, in the engine's words. Only translation.

Must not: make up what nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil

from policies import Price
from router.config import Config, Provider, ProviderModel
from router.config import Price as Said
from router.config.prompts import billed
from router.config.variants import NAMES, STANDARD, TIERS, in_tier

FOR_AN_HOUR = Fraction(8, 5)
"""What is kept for an hour costs to what is kept for five minutes: twice the input to 1.25 times,
as Anthropic bills it, the only company that has both.
"""


def prices_of(config: Config, targets: Iterable[str]) -> dict[str, Price]:
    """What these targets cost, as far as it is known."""
    known = {name: price_of(config, name) for name in targets}
    return {name: price for name, price in known.items() if price is not None}


def price_of(config: Config, target: str) -> Price | None:
    """A price is known where both of its parts are."""
    provider, model = config.target(target)
    price = _of(model, model.price)
    if price is None:
        return None
    return price._replace(served=_served(provider, model))


def _of(model: ProviderModel, said: Said) -> Price | None:
    if said.input is None or said.output is None:
        return None
    read, write = billed(model.name)
    cached = _times(said.input, read) if said.cached is None else said.cached
    stored = _times(said.input, write) if said.stored is None else said.stored
    return Price(said.input, said.output, cached, stored, _times(stored, FOR_AN_HOUR))


def _served(provider: Provider, model: ProviderModel) -> Mapping[str, Price | None]:
    """What it costs in other service tiers than the one that it is asked in, by all names that
    companies have for theirs.
    """
    company = provider.company or provider.dialect
    if company not in TIERS:
        return {}
    alike = [one for one in provider.models.values() if one.name == model.name]
    said = {_tier(one): one.price for one in (*alike, model) if not one.provisioned}
    standard, own = said.get("", Said()), _tier(model)
    return {
        name: _of(model, said.get(tier) or in_tier(standard, company, name))
        for name in sorted(NAMES)
        if (tier := "" if name in STANDARD else name) != own
    }


def _tier(model: ProviderModel) -> str:
    """Its service tier; empty: what is usual."""
    return "" if model.service_tier in STANDARD else model.service_tier or ""


def _times(price: int | None, factor: Fraction | None) -> int | None:
    return None if price is None or factor is None else ceil(price * factor)
