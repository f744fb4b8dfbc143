"""What the file names by import paths is made once, and kept while the file says the same of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from router.building.made import Made
from router.config import PolicySpec
from tests.router.running import running, written

MODULE = """
made = []

class Own:
    def __init__(self, size=1):
        made.append(size)
    def __hash__(self):
        return 1
    def __eq__(self, other):
        return type(other) is type(self)
    needs = frozenset()
    def fresh(self):
        return {}
    def choose(self, request, candidates, memory, now, rng):
        return candidates[0]

class Guess:
    def __init__(self, size=1):
        made.append(("guess", size))
    def score(self, task):
        return 0.1
"""
MODELS = """
chat:
  policy: {{name: "{name}:Own", size: {size}}}
  targets: [sim/fast, sim/other]
  {shift}
smart:
  policy: cost_tiers
  estimator: {{name: "{name}:Guess", size: 3}}
  tiers: [[sim/fast], [sim/other]]
"""


@pytest.fixture
def name(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that no other test has imported."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"own_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    return name


def file(folder: Path, name: str, size: object = 7, shift: str = "") -> Path:
    return written(
        folder,
        MODELS.format(name=name, size=size, shift=shift),
        rest="",
        server=f"plugins: [{name}]",
    )


async def test_what_is_put_in_force_again_is_not_made_again(tmp_path: Path, name: str) -> None:
    async with running(file(tmp_path, name)) as router:
        made = sys.modules[name].made
        first = [*made]
        assert first.count(7) == first.count(("guess", 3)) >= 1
        force, before = router.app.state.force, router.app.state.force.runtime
        for _ in range(3):
            force.again()
        assert force.runtime is not before
        assert made == first
        assert force.runtime.estimators["smart"] is before.estimators["smart"]
        await router.app.reload()
        assert made == first
        assert (await router.chat()).status == 200


async def test_with_other_options_it_is_another_one(tmp_path: Path, name: str) -> None:
    async with running(file(tmp_path, name)) as router:
        made = sys.modules[name].made
        file(tmp_path, name, size=8)
        await router.app.reload()
        assert made.count(8) == 1
        assert made.count(("guess", 3)) == 1


async def test_a_step_of_a_shift_makes_nothing(tmp_path: Path, name: str) -> None:
    shift = "shift: {to: [sim/other], steps: [10, 100]}".replace("sim/other", "sim/broken")
    async with running(file(tmp_path, name, shift=shift)) as router:
        made = sys.modules[name].made
        await router.app.state.shifting.order("chat", "abort")
        await router.app.state.shifting.order("chat", "resume")
        assert made == [7, ("guess", 3)]


def test_what_is_equal_and_not_the_same_is_made_anew() -> None:
    def options(spec: PolicySpec) -> list[object]:
        return [*spec.options.values()]

    first = Made()
    one = first.of("chat policy", PolicySpec("m:P", {"size": 1}), options)
    second = Made(first)
    assert second.of("chat policy", PolicySpec("m:P", {"size": 1}), options) is one
    for size in (1.0, True, "1", 2):
        other = Made(second).of("chat policy", PolicySpec("m:P", {"size": size}), options)
        assert other == [size]
        assert other is not one
    third = Made(second)
    third.of("other policy", PolicySpec("m:P", {"size": 1}), options)
    last = Made(third).of("chat policy", PolicySpec("m:P", {"size": 1}), options)
    assert last is not one  # what the file had no more was let go
