"""Declared models that are another upstream model under a name of their own: a deployment, one with
a service tier, capacity that is paid for already.

Why: what is true of the upstream model should be written once, beside it. What a tier costs stands
here where its company says one figure for all of its models; what is not certain is unknown.
Must not: know how a provider is told of a tier; that is said where bodies are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from fractions import Fraction
from math import ceil

from router.config.problems import Report, quoted
from router.config.schema import Price, Provider, ProviderModel
from router.config.tree import Entry, Table, shown
from router.config.written import WrittenModel

UPSTREAMS = (
    "context", "output", "lacks", "api", "tokenizer", "price", "residency", "tags", "tenants",
)  # fmt: skip
"""What a model has from the one that it names, where it says nothing itself."""
OPENAIS = ("auto", "default", "flex", "scale", "priority", "fast")
TIERS: Mapping[str, tuple[str, ...]] = {
    "openai": (*OPENAIS, "ultrafast"),
    "azure": OPENAIS,
    "groq": ("auto", "on_demand", "flex", "performance"),
    "simulated": OPENAIS,
    "anthropic": ("auto", "standard_only"),
    "gemini": ("flex", "standard", "priority"),
    "vertex": ("flex", "priority"),
    "bedrock": ("priority", "default", "flex", "reserved"),
}
"""The names of service tiers, by presets or dialects. Others who speak as OpenAI does may have
tiers of their own: they are sent as they are written.
"""
STANDARD = frozenset({"auto", "default", "on_demand", "standard", "standard_only"})
"""These cost what a model costs."""
NAMES = STANDARD.union(*TIERS.values())
HALF = Fraction(1, 2)
OF_TIERS: Mapping[tuple[str, str], Fraction] = {
    ("openai", "flex"): HALF,  # "Flex processing": tokens at the prices of the Batch API
    ("gemini", "flex"): HALF,  # "Flex inference": 50 % of the standard price
    ("groq", "flex"): Fraction(1),  # "Flex processing": that of the on-demand tier
    ("simulated", "flex"): HALF,
}
"""Of a model's price, what a tier of it costs, by the provider's preset (or dialect): as OpenAI,
Google and Groq said in 2026. What a model costs in `priority` differs from one to the next, and
Bedrock has a price for each.
"""
PAID = Price(0, 0, 0)
"""Of capacity that costs the same whether it is used or not, one more token costs nothing."""


def upstream_of(name: str, models: Mapping[str, WrittenModel]) -> tuple[str, WrittenModel]:
    """The upstream model that a declared one is, and all that is said of it: first by itself."""
    model = models[name]
    upstream = model.model or name
    origin = models.get(upstream)
    if origin is None or upstream == name:
        return upstream, model
    given = {key: one for key, one in origin.given().items() if key in UPSTREAMS}
    return upstream, WrittenModel.model_construct(**(given | model.given()))


def price_of(
    name: str, models: Mapping[str, WrittenModel], company: str, said: WrittenModel
) -> Price:
    """What a declared model costs as far as the file says: `said` is all that is said of it,
    `company` the provider's preset, else its dialect.
    """
    own = models[name]
    price = Price(**said.price.given())
    if "price" in own.model_fields_set:
        return price
    return PAID if own.provisioned else in_tier(price, company, own.service_tier)


def in_tier(price: Price, company: str, tier: str | None) -> Price:
    """What a model of that `price` costs in a service tier: unknown, where nobody knows."""
    if tier is None or tier in STANDARD:
        return price
    factor = OF_TIERS.get((company, tier))
    if factor is None:
        return Price()
    parts = (None if one is None else ceil(one * factor) for one in astuple(price))
    return Price(*parts)


def identity_of(provider: Provider, model: ProviderModel) -> str:
    """What makes it the same place after a reload: with another, nothing is known of how it is."""
    place = f"{provider.base_url or provider.dialect} {model.sent or model.name}"
    tier = f" {model.service_tier}" if model.service_tier else ""
    return f"{place}{tier}{' provisioned' if model.provisioned else ''}"


def check_variant(
    name: str,
    models: Mapping[str, WrittenModel],
    provider: tuple[str, str],
    entry: Entry,
    report: Report,
) -> None:
    """Report what cannot be of a declared model; `provider` is its company (empty: none is known)
    and its dialect.
    """
    model = models.get(name)
    if model is None or not isinstance(entry.value, Table):
        return
    keys, (company, dialect) = entry.value.entries, provider
    other = models.get(model.model or "")
    if model.model is not None and " " in model.model:
        report.problem(keys["model"].value.mark, "no upstream has such a name", "correct it")
    elif other is not None and other.model not in (None, model.model) and model is not other:
        what = f"{quoted(model.model or '')} is another model itself"
        report.problem(keys["model"].value.mark, what, f"write model: {other.model}")
    if model.service_tier is None or "service_tier" not in keys:
        return
    place, tier = keys["service_tier"].value, model.service_tier
    known = TIERS.get(company) or TIERS[dialect]
    whose = company if company in TIERS else dialect
    if (dialect != "openai" or company in TIERS) and tier not in known:
        what = f"{shown(place)} is no service_tier of {whose}: {', '.join(known)}"
        report.problem(place.mark, what, report.nearest(tier, known))
    elif not ({"price", "provisioned"} & keys.keys() or tier in STANDARD) and (
        (company or dialect, tier) not in OF_TIERS
    ):
        what = f"what {quoted(name)} costs in its service tier is unknown"
        report.note(place.mark, what, "write its price")
