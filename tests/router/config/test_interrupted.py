"""What a route says of streams that break off within their content."""

import pytest

from router.config import words
from tests.router.config.samples import loaded, places, said

ROUTE = "targets: [here/small, there/small]"


def file(route: str) -> str:
    return f"""\
version: 1
providers:
  here: {{dialect: simulated, models: [small]}}
  there: {{dialect: simulated, models: [small]}}
models: {{chat: {{{route}}}}}
"""


def test_it_is_an_error_unless_the_route_says_otherwise() -> None:
    assert loaded(file(ROUTE)).models["chat"].interrupted == "error"
    for value in ("error", "resume", "resume_any"):
        route = loaded(file(f"{ROUTE}, interrupted: {value}")).models["chat"]
        assert route.interrupted == value


def test_a_reload_says_that_it_changed() -> None:
    old, new = file(ROUTE), file(f"{ROUTE}, interrupted: resume_any")
    assert words(loaded(old), loaded(new)) == ["chat: interrupted error → resume_any"]
    assert words(loaded(old), loaded(file(f"{ROUTE}, interrupted: error"))) == []


@pytest.mark.parametrize("value", ["resume_all", "true", "[resume]", "5"])
def test_another_word_is_a_mistake(value: str) -> None:
    text, (place,) = places(file(f"{ROUTE}, interrupted: »{value}"))
    (mistake,) = said(text)
    assert mistake.startswith(f"{place}interrupted")
