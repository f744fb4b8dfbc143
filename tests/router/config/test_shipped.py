"""The file that everyone starts from."""

import re

import pytest

from router.config import load
from router.config.presets import PRESETS
from tests.router.config.samples import SHIPPED

VARIABLES = dict.fromkeys(re.findall(r"\$\{(\w+)", SHIPPED.read_text(encoding="utf-8")), "x")
SHOWN = [provider for provider in load(SHIPPED, {}).providers if provider != "sim"]
"""Each is named after its preset."""
VARIABLES |= {"OLLAMA_BASE_URL": "http://localhost:11434", "VLLM_BASE_URL": "http://gpu:8000/v1"}
SIMULATED = {
    "chat": "weighted_round_robin",
    "quick": "least_latency",
    "steady": "priority",
    "smart": "cost_tiers",
    "embed": "least_latency",
}


def test_it_loads_on_a_fresh_machine_and_serves_simulated_routes_with_every_policy():
    config = load(SHIPPED, {})
    live = {name: route.policy.name for name, route in config.models.items() if config.live(route)}
    assert live == SIMULATED
    assert [p.name for p in config.providers.values() if p.enabled] == ["sim"]


def test_its_notes_name_every_provider_that_is_off():
    notes = "\n".join(map(str, load(SHIPPED, {}).notes))
    for name in SHOWN:
        assert f'provider "{name}" is off: ' in notes


def test_with_every_variable_set_everything_is_on_and_there_is_nothing_to_note():
    config = load(SHIPPED, VARIABLES)
    assert config.notes == ()
    assert all(provider.enabled for provider in config.providers.values())
    assert config.providers["ollama"].base_url == "http://localhost:11434/v1"
    assert config.providers["vllm"].base_url == "http://gpu:8000/v1"


@pytest.mark.parametrize("preset", [name for name in SHOWN if PRESETS[name].key])
def test_one_variable_switches_one_provider_on_and_a_route_of_its_own(preset):
    config = load(SHIPPED, {str(PRESETS[preset].key): "x"})
    assert [p.name for p in config.providers.values() if p.enabled] == ["sim", preset]
    live = [name for name, route in config.models.items() if config.live(route)]
    assert live[: len(SIMULATED)] == list(SIMULATED)
    assert len(live) > len(SIMULATED)


def test_simulated_text_never_stands_in_for_a_real_model():
    config = load(SHIPPED, VARIABLES)
    for route in config.models.values():
        targets = [target.name for tier in route.tiers for target in tier]
        simulated = {config.target(name)[0].dialect == "simulated" for name in targets}
        assert simulated == {route.name in SIMULATED}


def test_its_cost_tiers_go_from_a_cheap_quick_model_to_a_dear_slow_one():
    config = load(SHIPPED, {})
    models = [config.target(tier[0].name)[1] for tier in config.models["smart"].tiers]
    cheap, dear = models
    assert cheap.simulation is not None
    assert dear.simulation is not None
    assert cheap.simulation.first_token < dear.simulation.first_token
    assert cheap.simulation.tokens_per_second > dear.simulation.tokens_per_second
    for part in ("input", "output"):
        assert getattr(cheap.price, part) < getattr(dear.price, part)


def test_every_provider_is_in_some_route_and_named_after_its_preset():
    config = load(SHIPPED, VARIABLES)
    used = {t.name.partition("/")[0] for r in config.models.values() for i in r.tiers for t in i}
    assert used == set(config.providers)
    assert {name: p.company for name, p in config.providers.items() if name != "sim"} == {
        name: name for name in SHOWN
    }


def test_its_example_of_tenants_works_without_its_comment_signs(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    before, example = text.split("# tenants:\n")
    lines = [line.removeprefix("# ") for line in example.splitlines()]
    text = "\n".join([before + "tenants:", *lines])
    text = text.replace("<64 hexadecimal digits>", "a" * 64)
    path = tmp_path / "providers.yaml"
    path.write_text(text.replace("auth: open", "auth: keys"), encoding="utf-8")
    team = load(path, {"TEAM_A_KEY": "k"}).tenants["team-a"]
    assert len(team.keys) == 2
    assert team.models == frozenset({"chat", "quick"})


@pytest.mark.parametrize("preset", SHOWN)
def test_a_preset_asks_for_usage_unless_its_streams_report_it_unasked(preset):
    config = load(SHIPPED, VARIABLES)
    assert config.providers[preset].asks_usage is (preset != "mistral")
    assert config.providers[preset].dialect == PRESETS[preset].dialect
