"""From the file to what is compared: when a sample goes on, and when another begins."""

import pytest

from router.building.shadowing import shadows_of
from tests.router.config.samples import loaded

FILE = """
version: 1
providers:
  sim: {dialect: simulated, models: {a: {price: {input: 1, output: 2}}, b: {}, c: {output: 9}}}
  groq: {preset: groq, api_key: "${KEY:-}", models: [m]}
models:
  chat:
    policy: priority
    tiers: [{sim/a: 2}, {sim/b: 1}]
    deadline: 60s
    shadow: {to: sim/c, spend: none, share: 5%}
"""


def terms(*edits):
    file = FILE
    for old, new in edits:
        assert old in file
        file = file.replace(old, new)
    return shadows_of(loaded(file))["chat"]


def test_it_knows_the_prices_that_are_known_and_how_long_an_answer_is():
    told = terms()
    assert set(told.prices) == {"sim/a"}
    assert (told.output, told.deadline, told.arm) == (9, 60.0, "chat→shadow")
    assert "sim" in told.groups
    assert (told.cost("sim/a", 10, 5), told.cost("sim/b", 10, 5)) == (20_000, None)


@pytest.mark.parametrize(
    "edit",
    [("share: 5%", "share: 10%"), ("spend: none", "spend: none, rate: 1/s"), ("60s", "30s")],
)
def test_what_does_not_change_who_answers_goes_on_with_the_sample(edit):
    assert terms(edit).compared == terms().compared


@pytest.mark.parametrize(
    "edit",
    [
        ("to: sim/c", "to: sim/b"),
        ("sim/a: 2", "sim/a: 1, sim/c: 1"),
        ("priority", "cost_tiers"),
        ("deadline", "within: weighted_round_robin\n    deadline"),
    ],
)
def test_what_changes_who_answers_begins_another(edit):
    assert terms(edit).compared != terms().compared


def test_one_whose_provider_is_off_is_none():
    file = FILE.replace("to: sim/c", "to: groq/m")
    assert shadows_of(loaded(file)) == {}
    assert set(shadows_of(loaded(file, {"KEY": "k"}))) == {"chat"}
