"""What a route falls back on, as it is written and as it is read."""

from router.config import Rung, ladder
from tests.router.config.samples import PROVIDERS, loaded

TARGETS = "targets: [sim/fast]"


def routes(**ladders: str):
    lines = (
        f"  {name}: {{{TARGETS}, when_all_fail: [{rungs}]}}\n" for name, rungs in ladders.items()
    )
    return loaded(PROVIDERS + "models:\n" + "".join(lines)).models


def test_rungs_stand_in_their_order():
    config = loaded(
        PROVIDERS
        + "models:\n  chat:\n    targets: [sim/fast]\n    when_all_fail:\n      - model: spare\n"
        + "      - text: |\n          We are busy.\n          Please try again.\n"
        + f"  spare: {{{TARGETS}}}\n"
    )
    assert config.models["chat"].when_all_fail == (
        Rung("spare", None),
        Rung(None, "We are busy.\nPlease try again."),
    )
    assert config.models["spare"].when_all_fail == ()


def test_a_model_that_is_fallen_back_on_brings_its_own_rungs():
    models = routes(a="{model: b}, {model: d}", b="{model: c}", c="", d="{text: sorry}")
    told = [rung.model or rung.text for rung in ladder("a", models)]
    assert told == ["b", "c", "d", "sorry"]


def test_a_model_that_is_come_to_twice_is_asked_once():
    models = routes(a="{model: b}, {model: c}, {text: last}", b="{model: d}", c="{model: d}", d="")
    assert [rung.model or rung.text for rung in ladder("a", models)] == ["b", "d", "c", "last"]


def test_after_the_text_of_a_model_that_is_fallen_back_on_nothing_is_tried():
    models = routes(a="{model: b}, {model: c}", b="{text: sorry}", c="")
    assert [rung.model or rung.text for rung in ladder("a", models)] == ["b", "sorry"]


def test_many_routes_that_fall_back_on_all_before_them_are_read_at_once():
    names = [f"m{number}" for number in range(60)]
    models = routes(
        **{
            name: ", ".join(f"{{model: {other}}}" for other in names[:index])
            for index, name in enumerate(names)
        }
    )
    assert len(ladder("m59", models)) == 59
