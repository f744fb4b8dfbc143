"""Which of a route's targets make its embeddings."""

import pytest

from router.building import build
from router.config import words
from tests.router.config.samples import loaded, places, said

TWO_MODELS = "targets: [here/small, there/large, there/small]"


def file(route: str) -> str:
    return f"""\
version: 1
providers:
  here: {{dialect: simulated, models: [small, large]}}
  there: {{dialect: simulated, models: [small, large]}}
  closed: {{preset: openai, api_key: "${{NO_KEY:-}}", models: [large]}}
models: {{vectors: {{{route}}}}}
"""


def alike(route: str) -> dict[str, frozenset[str]]:
    return build.alike(loaded(file(route)))


def test_a_route_of_one_upstream_model_needs_no_rule() -> None:
    assert alike("targets: [here/small, there/small]") == {}
    assert alike("targets: {here/large: 0, here/small: 1, there/small: 1}") == {}


def test_the_model_of_the_first_target_makes_them_alone() -> None:
    assert alike(TWO_MODELS) == {"vectors": frozenset({"here/small", "there/small"})}
    tiers = "policy: priority, tiers: [[here/large], [there/small, there/large]]"
    assert alike(tiers) == {"vectors": frozenset({"here/large", "there/large"})}


def test_a_target_that_is_drained_is_not_the_first() -> None:
    drained = "targets: {here/small: 0, there/large: 1, there/small: 1}"
    assert alike(drained) == {"vectors": frozenset({"there/large"})}


def test_a_provider_that_is_off_does_not_change_the_model() -> None:
    assert alike("targets: [closed/large, here/small]") == {"vectors": frozenset()}
    assert alike("targets: [closed/large, here/small, here/large]") == {
        "vectors": frozenset({"here/large"})
    }


def test_a_route_may_say_that_any_model_does() -> None:
    assert alike(f"{TWO_MODELS}, embeddings: any_model") == {}
    assert loaded(file(TWO_MODELS)).models["vectors"].embeddings == "one_model"


def test_a_reload_says_that_it_changed() -> None:
    old, new = file(TWO_MODELS), file(f"{TWO_MODELS}, embeddings: any_model")
    assert words(loaded(old), loaded(new)) == ["vectors: embeddings one_model → any_model"]
    assert words(loaded(old), loaded(file(f"{TWO_MODELS}, embeddings: one_model"))) == []


@pytest.mark.parametrize("value", ["any", "true", "[any_model]", "5"])
def test_another_word_is_a_mistake(value: str) -> None:
    text, (place,) = places(file(f"{TWO_MODELS}, embeddings: »{value}"))
    (mistake,) = said(text)
    assert mistake.startswith(f"{place}embeddings")
