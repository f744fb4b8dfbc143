"""Shifts as a file says them, and what the file is while they go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from policies.shifting import Guards, Progress, State, Terms, begin
from router.config import Config, load
from router.shifts.moving import moved, moving_of

FILE = """\
version: 1
providers:
  sim:
    dialect: simulated
    models: {a: {}, b: {}, c: {}}
  dear: {preset: openai, api_key: "${NO_KEY:-}", models: [gpt]}
models:
  chat:
    targets: {sim/a: 3, sim/b: 1}
    shift:
      to: {sim/c: 2}
      steps: [10, 100]
      interval: 5s
      min_requests: 30
      guard: {errors: +2%, first_token_p95: 2x, cost: 1.1x}
      cool_down: 1m
  other: {targets: [sim/a]}
  nowhere: {targets: [sim/a], shift: {to: [dear/gpt]}}
"""


def config(folder: Path, text: str = FILE) -> Config:
    path = folder / "providers.yaml"
    path.write_text(text)
    return load(path, {})


def weights(config: Config, model: str) -> Mapping[str, float]:
    return {target.name: target.weight for tier in config.models[model].tiers for target in tier}


def test_a_shift_of_the_file_has_its_terms_and_its_line(tmp_path: Path) -> None:
    [one] = moving_of(config(tmp_path))
    assert (one.model, one.route) == ("chat", "chat→to")
    assert (one.targets, one.to) == ({"sim/a": 3.0, "sim/b": 1.0}, {"sim/c": 2.0})
    assert one.terms == Terms((0.1, 1.0), 5.0, 30, Guards(0.02, 2.0, 1.1), 60.0)
    assert one.line == "targets: {sim/c: 2}"


def test_its_name_is_that_of_both_ends_and_of_nothing_else(tmp_path: Path) -> None:
    [one] = moving_of(config(tmp_path))
    [slower] = moving_of(config(tmp_path, FILE.replace("interval: 5s", "interval: 5m")))
    assert slower.name == one.name
    for old, new in (("sim/c: 2", "sim/c: 1"), ("sim/b: 1", "sim/b: 2")):
        [other] = moving_of(config(tmp_path, FILE.replace(old, new)))
        assert other.name != one.name


def come(share: float, state: State) -> Progress:
    return replace(begin(Terms(), "r", 0.0), share=share, state=state)


def test_the_file_is_itself_until_its_shift_begins(tmp_path: Path) -> None:
    file = config(tmp_path)
    assert moved(file, lambda _: None) == file


def test_while_it_goes_on_its_route_has_the_share_that_it_came_to(tmp_path: Path) -> None:
    file = config(tmp_path)
    for state, share in ((State.RUNNING, 0.25), (State.PAUSED, 0.25), (State.BACK, 0.0)):
        now = moved(file, lambda _, state=state: come(0.25, state))  # type: ignore[misc]
        shift = now.models["chat"].shift
        assert shift is not None
        assert shift.share == share
        assert weights(now, "chat") == {"sim/a": 3.0, "sim/b": 1.0}
        assert now.models["other"] == file.models["other"]


def test_when_it_is_done_its_route_has_the_targets_that_it_came_to(tmp_path: Path) -> None:
    now = moved(config(tmp_path), lambda _: come(1.0, State.DONE))
    assert weights(now, "chat") == {"sim/c": 2.0}
    assert now.models["chat"].shift is None


def test_what_is_done_stays_so_when_the_old_targets_are_switched_off(tmp_path: Path) -> None:
    text = FILE.replace("[sim/a], shift: {to: [dear/gpt]}", "[dear/gpt], shift: {to: [sim/c]}")
    now = moved(config(tmp_path, text), lambda _: come(1.0, State.DONE))
    assert weights(now, "nowhere") == {"sim/c": 1.0}
    nobody = FILE.replace("to: {sim/c: 2}", "to: {sim/c: 0, dear/gpt: 1}")
    now = moved(config(tmp_path, nobody), lambda _: come(1.0, State.DONE))
    assert weights(now, "chat") == {"sim/a": 3.0, "sim/b": 1.0}
