"""A route's shadow: what may be written of it, and what is wrong with it."""

import pytest

from router.config import Rate, Shadow
from tests.router.config.samples import loaded, said

FILE = """
version: 1
server: {plugins: [mine]}
providers:
  sim: {dialect: simulated, models: {a: {price: {input: 1, output: 2}}, b: {}}}
  groq: {preset: groq, api_key: "${KEY:-}", models: [m]}
models:
  chat: {targets: [sim/b], shadow: %s}
"""
DAY = 86_400.0


def shadow(written):
    return loaded(FILE % written, {"KEY": "k"}).models["chat"].shadow


def problem(written):
    [told] = said(FILE % written, {"KEY": "k"})
    return told


def test_without_more_a_target_is_asked_a_little():
    assert shadow("{to: sim/a}") == Shadow(
        "sim/a", 0.05, Rate(60, 60.0), Rate(5_000_000_000, DAY), 8, None
    )


def test_everything_can_be_said():
    some = "to: groq/m, share: 12.5%, rate: 2k/hour, spend: $0.5/min"
    assert shadow(f"{{{some}, concurrent: 3, judge: mine:best}}") == Shadow(
        "groq/m", 0.125, Rate(2000, 3600.0), Rate(500_000_000, 60.0), 3, "mine:best"
    )


@pytest.mark.parametrize(
    ("written", "share"),
    [("5%", 0.05), ("all", 1), ("100%", 1), ("none", 0), ("' 0.1 % '", 0.001)],
)
def test_a_share_is_written_as_people_write_it(written, share):
    assert shadow(f"{{to: sim/a, share: {written}}}").share == share


@pytest.mark.parametrize("share", ["0.05", "101%", "1.5", "5 percent", "-1%", "true"])
def test_a_share_of_more_than_all_is_an_error(share):
    assert "share" in problem(f"{{to: sim/a, share: {share}}}")


@pytest.mark.parametrize("spend", ["5", "$5", "5/day", "$0/day", "$five/day", "$5/week", "all"])
def test_money_has_a_sign_and_a_time(spend):
    assert "spend" in problem(f"{{to: sim/a, spend: {spend}}}")


def test_one_that_leads_nowhere_is_an_error_with_the_nearest_name():
    assert 'did you mean "sim/a"?' in problem("{to: sim/aa, spend: none}")
    assert "a shadow without a target" in problem("{share: 5%}")
    assert "a shadow without a target" in problem("")


def test_a_route_is_not_compared_with_itself():
    assert "the shadow is the route's only target" in problem("{to: sim/b, spend: none}")


def test_money_cannot_be_bounded_without_a_price_and_what_to_do_is_said():
    file = FILE.replace("[sim/b]", "[sim/a]")
    [told] = said(file % "{to: sim/b}", {})
    assert "no price of its target is known; write its model's price, or `spend: none`" in told
    free = loaded(file % "{to: sim/b, spend: none}").models["chat"].shadow
    assert free == Shadow("sim/b", spend=None)


def test_of_a_company_that_is_known_a_list_may_know_the_price():
    assert shadow("{to: groq/m}").spend is not None


def test_a_judge_is_of_a_plugin():
    assert "not in server.plugins" in problem("{to: sim/a, judge: yours:best}")
    assert "is not an import path" in problem("{to: sim/a, judge: best}")


def test_one_whose_provider_is_off_is_a_note():
    config = loaded(FILE % "{to: groq/m}")
    assert any("nothing is copied to" in str(note) for note in config.notes)


def test_a_model_cannot_be_named_as_its_copies_are():
    [told] = said(FILE.replace("chat:", "chat→shadow:") % "{to: sim/a}", {"KEY": "k"})
    assert "has an arrow in it" in told
