"""Models under names of their own: what they have from the upstream's, what their tiers cost."""

from __future__ import annotations

import re

import pytest

from policies import Outcome
from router.building.build import alike, facts_of, routes_of
from router.config import Place, Price, ProviderModel, words
from router.config.variants import OF_TIERS, PAID, TIERS
from router.knowledge.known import Known, completed, unknown
from tests.house.source import ROOT
from tests.router.config.samples import loaded, noted, places, said

HEAD = "version: 1\nproviders:\n"
REST = "  sim: {dialect: simulated, models: [x]}\nmodels: {r: {targets: [sim/x]}}\n"
KEY = {"KEY": "k"}
OPENAI = "preset: openai, api_key: '${KEY}'"


def models_of(
    models: str, provider: str = "preset: openai, api_key: k"
) -> dict[str, ProviderModel]:
    text = f"{HEAD}  it: {{{provider}, models: {{{models}}}}}\n{REST}"
    return dict(loaded(text, KEY).providers["it"].models)


def file(models: str, provider: str = OPENAI) -> str:
    return f"{HEAD}  it:\n    {{{provider},\n    models: {{{models}}}}}\n{REST}"


def test_what_it_does_not_say_it_has_from_the_model_that_it_names() -> None:
    models = models_of(
        "gpt-5: {context: 400k, output: 9, lacks: [audio], tokenizer: o200k_base,"
        " price: {input: 1, output: 8}, limits: {requests: 5/min}, timeouts: {connect: 1s}},"
        " mine: {model: gpt-5, context: 7}"
    )
    mine, upstream = models["mine"], models["gpt-5"]
    assert (mine.name, mine.context, mine.output) == ("gpt-5", 7, 9)
    assert (mine.lacks, mine.tokenizer) == (upstream.lacks, "o200k_base")
    assert mine.price == upstream.price == Price(1000, 8000)
    assert mine.prompts == upstream.prompts
    assert mine.limits.requests == ()
    assert mine.timeouts != upstream.timeouts


def test_it_is_where_the_model_that_it_names_is_and_there_for_the_same_tenants() -> None:
    models = models_of(
        "gpt-5: {residency: [eu], tags: [zdr], tenants: [default]}, mine: {model: gpt-5},"
        " other: {model: gpt-5, residency: us, tags: []}, out: {model: gpt-6}",
        "preset: openai, api_key: k, residency: uk, tags: hipaa",
    )
    eu, zdr, one = frozenset({"eu"}), frozenset({"zdr"}), frozenset({"default"})
    assert models["mine"].place == models["gpt-5"].place == Place(None, eu, zdr, one)
    assert models["other"].place == Place(None, frozenset({"us"}), frozenset(), one)
    assert models["out"].place == Place(None, frozenset({"uk"}), frozenset({"hipaa"}))


def test_a_model_that_is_not_declared_beside_it_is_known_by_its_name() -> None:
    mine = models_of("mine: {model: gpt-oss-120b}")["mine"]
    assert mine.name == "gpt-oss-120b"
    assert mine.lacks == {"audio", "documents", "images"}


def test_a_deployment_is_asked_for_by_its_own_name_whatever_is_deployed_there() -> None:
    azure = "preset: azure, base_url: 'http://a.example', api_key: k"
    models = models_of("ptu: {model: gpt-5, provisioned: true}, gpt-5: {}", azure)
    assert [(one.name, one.sent) for one in models.values()] == [("gpt-5", "ptu"), ("gpt-5", None)]
    elsewhere = models_of("mine: {model: gpt-5}")["mine"]
    assert (elsewhere.name, elsewhere.sent) == ("gpt-5", None)


@pytest.mark.parametrize(
    ("keys", "price"),
    [
        ("service_tier: flex", Price(500, 4000, 50)),
        ("service_tier: default", Price(1000, 8000, 100)),
        ("service_tier: priority", Price()),
        ("service_tier: priority, price: {input: 2, output: 16}", Price(2000, 16000)),
        ("provisioned: true", PAID),
        ("provisioned: true, price: {input: 0.5, output: 0.5}", Price(500, 500)),
    ],
)
def test_a_tier_costs_its_part_of_the_models_price(keys: str, price: Price) -> None:
    models = f"gpt-5: {{price: {{input: 1, output: 8, cached: 0.1}}}}, it: {{model: gpt-5, {keys}}}"
    assert models_of(models)["it"].price == price


def test_a_listed_price_is_that_of_the_upstream_model_in_its_tier() -> None:
    text = file("a: {model: gpt-5, service_tier: flex}, b: {model: gpt-5, provisioned: true}")
    config = loaded(text, KEY)
    assert set(unknown(config)) == {("openai", "gpt-5")}
    told = completed(config, {("openai", "gpt-5"): Known(100, 10, 20, 1)}).providers["it"].models
    assert (told["a"].context, told["a"].price) == (100, Price(5, 10, 1))
    assert (told["b"].context, told["b"].price) == (100, PAID)


def test_where_the_price_of_a_tier_is_unknown_it_is_said() -> None:
    text, (place,) = places(file("gpt-5: {}, it: {model: gpt-5, service_tier: »priority}"))
    told = 'what "it" costs in its service tier is unknown; write its price'
    assert noted(text, KEY) == [place + told]
    for known in ("flex", "default", "priority, price: {input: 1, output: 2}"):
        assert noted(file(f"it: {{service_tier: {known}}}"), KEY) == []


@pytest.mark.parametrize(
    ("provider", "tier", "whose"),
    [
        ("preset: openai, api_key: k", "flx", "openai"),
        ("preset: azure, base_url: 'http://a.example', api_key: k", "dedicated", "azure"),
        ("preset: groq, api_key: k", "priority", "groq"),
        ("preset: anthropic, api_key: k", "priority", "anthropic"),
        ("preset: gemini, api_key: k", "default", "gemini"),
        ("preset: bedrock, region: r, api_key: k", "auto", "bedrock"),
        ("dialect: vertex, base_url: 'http://a.example', api_key: k", "auto", "vertex"),
        ("dialect: simulated", "cheap", "simulated"),
    ],
)
def test_a_tier_that_the_dialect_does_not_know_is_a_mistake_that_names_those_it_does(
    provider: str, tier: str, whose: str
) -> None:
    text, (place,) = places(file(f"it: {{service_tier: »{tier}}}", provider))
    (told,) = said(text, KEY)
    known = ", ".join(TIERS[whose])
    assert told.startswith(f'{place}"{tier}" is no service_tier of {whose}: {known};')


def test_others_who_speak_as_openai_have_tiers_of_their_own() -> None:
    provider = "base_url: 'http://a.example/v1', api_key: k"
    assert models_of("it: {service_tier: gold}", provider)["it"].service_tier == "gold"


def test_a_model_that_is_another_itself_cannot_be_named() -> None:
    text, (place,) = places(file("a: {model: »b}, b: {model: c}"))
    assert said(text, KEY) == [f'{place}"b" is another model itself; write model: c']


def test_no_upstream_has_a_name_with_a_space() -> None:
    text, (place,) = places(file('a: {model: »"b c"}'))
    assert said(text, KEY) == [f"{place}no upstream has such a name; correct it"]


def test_fates_embeddings_and_what_was_learned_go_by_what_is_really_there() -> None:
    text = (
        f"{HEAD}  it:\n    preset: openai\n    api_key: k\n    models:\n      gpt-5:\n"
        "      flex: {model: gpt-5, service_tier: flex}\n"
        "      same: {model: gpt-5}\n"
        "      other:\n"
        "models:\n  chat: {targets: [it/gpt-5, it/flex]}\n  mixed: {targets: [it/flex, it/other]}\n"
    )
    config = loaded(text, KEY)
    facts = facts_of(config)
    assert facts["it/flex"].groups[-1] == facts["it/gpt-5"].groups[-1] == "model:gpt-5"
    assert facts["it/same"].identity == facts["it/gpt-5"].identity
    assert facts["it/flex"].identity != facts["it/gpt-5"].identity
    assert alike(config) == {"mixed": frozenset({"it/flex"})}
    assert "it/flex" in routes_of(config)


def test_provisioned_capacity_is_a_fact_for_the_engine() -> None:
    config = loaded(file("a: {provisioned: true}, b: {}"), KEY)
    facts = facts_of(config)
    assert (facts["it/a"].provisioned, facts["it/b"].provisioned) == (True, False)
    assert facts["it/a"].price is not None
    assert Outcome.SPILLED.word == "spilled"


def test_simulated_models_of_one_upstream_each_have_their_own_pace() -> None:
    provider = "dialect: simulated"
    models = models_of(
        "fast: {first_token: 1s}, slow: {model: fast, first_token: 2s, service_tier: flex}",
        provider,
    )
    simulations = [one.simulation for one in models.values()]
    assert [one.first_token for one in simulations if one is not None] == [1.0, 2.0]


def test_a_reload_says_what_it_changes_of_them() -> None:
    old = file("a: {}, b: {provisioned: true}")
    new = file("a: {model: c, service_tier: flex}, b: {}")
    assert words(loaded(old, KEY), loaded(new, KEY)) == [
        "provider it: a: model a → c",
        "provider it: a: service_tier none → flex",
        "provider it: b: no longer provisioned",
        "provider it: b: price.input 0 → none",
        "provider it: b: price.output 0 → none",
        "provider it: b: price.cached 0 → none",
    ]


def test_the_docs_say_what_tiers_there_are_and_what_they_cost() -> None:
    text = (ROOT / "docs/reference.md").read_text()
    table = text.partition("<!-- service tiers: kept true by a test -->")[2].partition("\n\n")[0]
    told: dict[str, tuple[str, ...]] = {}
    costs: dict[tuple[str, str], str] = {}
    for whose, tiers, cost in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", table, re.MULTILINE):
        told[whose] = tuple(re.findall(r"`(\w+)`", tiers))
        for tier, part in re.findall(r"`(\w+)` ([\d.]+)", cost):
            costs[whose, tier] = part
    assert told == dict(TIERS)
    assert costs == {key: f"{float(part):g}" for key, part in OF_TIERS.items()}
