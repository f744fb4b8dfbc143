"""From a file to the ladders that requests go down."""

from pathlib import Path

from router.building.rungs import ladders_of
from router.config import load
from router.ladder import Ladder, Rung
from tests.router.running import written

MODELS = """
chat: {targets: [sim/fast], when_all_fail: [{model: gpt}, {model: spare}, {text: sorry}]}
spare: {targets: {sim/other: 1, sim/broken: 0, dear/gpt: 1}}
gpt: {targets: [dear/gpt], when_all_fail: [{model: last}]}
last: {targets: [sim/other], when_all_fail: [{model: gone}]}
gone: {targets: {sim/fast: 0}}
asleep: {targets: [dear/gpt], when_all_fail: [{text: sorry}]}
"""


def test_what_cannot_serve_is_not_on_a_ladder_and_has_none(tmp_path: Path) -> None:
    spare = Rung("spare", frozenset({"sim/other"}))
    last = Rung("last", frozenset({"sim/other"}))
    assert ladders_of(load(written(tmp_path, MODELS), {})) == {
        "chat": Ladder((last, spare), "sorry"),
    }


def test_what_is_switched_on_is_on_it(tmp_path: Path) -> None:
    ladders = ladders_of(load(written(tmp_path, MODELS), {"DEAR_KEY": "k"}))
    assert [rung.model for rung in ladders["chat"].models] == ["gpt", "last", "spare"]
    assert ladders["chat"].models[2].targets == {"sim/other", "dear/gpt"}
    assert ladders["asleep"] == Ladder((), "sorry")
