"""`plan`, as it is typed: exit codes for CI, a table, JSON, a page."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.cli.commands import app
from tests.router.running import written

MODELS = "chat: {policy: weighted_round_robin, targets: {sim/fast: 9, sim/other: 1}}"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A file, and a copy in which `sim/other` gets half, and is slower."""
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    old, new = (written(tmp_path / folder, MODELS) for folder in ("old", "new"))
    text = new.read_text().replace("sim/fast: 9", "sim/fast: 1")
    new.write_text(text.replace("other: {first_token: 1ms,", "other: {first_token: 100ms,"))
    return old, new


def planned(*arguments: str | Path) -> Result:
    words = ["plan", *arguments, "--requests", "300"]
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_plan_is_a_table_for_every_model_with_what_the_edit_says(
    files: tuple[Path, Path],
) -> None:
    result = planned(*files)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("sim: other: first_token 1ms → 100ms\n") or (
        "chat: sim/fast 9 → 1" in result.stdout
    )
    assert "model chat, 300 requests" in result.stdout
    assert "no price: sim/fast, sim/other" in result.stdout
    assert "no difference seen" in result.stdout
    assert "as the file simulates it" in result.stdout


@pytest.mark.parametrize(
    ("thresholds", "code", "said"),
    [
        (["errors>+1%"], 0, "errors>+1%: kept: 0.00% → 0.00%, no difference seen"),
        (["p99_first_token>1.5x"], 1, "p99_first_token>1.5x: broken: 1 ms → 100 ms, +9900.0%"),
        (["errors>+1%", "chat:p99_first_token>+10%"], 1, "chat:p99_first_token>+10%: broken"),
    ],
)
def test_a_threshold_that_is_broken_is_exit_code_1(
    files: tuple[Path, Path], thresholds: list[str], code: int, said: str
) -> None:
    result = planned(*files, *(word for text in thresholds for word in ("--fail-if", text)))
    assert result.exit_code == code
    assert said in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fail-if", "cost>10%"], '--fail-if "cost>10%", at character 6: "10%" is no change'),
        (["--fail-if", "caht:errors>+1%"], 'no model "caht"; did you mean "chat"?'),
        (["--fail-if", "cost>+1%"], "no price is known of sim/fast, sim/other"),
        (["--traffic", "nowhere.csv"], "--traffic nowhere.csv: no such file, and no shape"),
        (["--rate", "often"], "--rate often is not a rate; write it as 500/min"),
        (["--requests", "0"], "--requests 0 must be at least 1"),
        (["--model", "nope"], '--model "nope": it is in neither file'),
        (["--html", "no/such/folder.html"], "no/such/folder.html: No such file or directory"),
    ],
)
def test_what_cannot_be_read_or_judged_is_exit_code_2(
    files: tuple[Path, Path], arguments: list[str], said: str
) -> None:
    result = planned(*files, "--requests", "100", *arguments)
    if "--requests" in arguments:
        words = ["plan", *map(str, files), *arguments]
        result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_file_with_mistakes_is_exit_code_2_with_all_of_them(files: tuple[Path, Path]) -> None:
    old, new = files
    new.write_text(new.read_text().replace("sim/other", "sim/otter"))
    result = planned(old, new)
    assert result.exit_code == 2
    assert f"{new}:" in result.stderr
    assert "otter" in result.stderr


def test_json_has_every_figure_with_its_interval(files: tuple[Path, Path]) -> None:
    result = planned(*files, "--json", "--fail-if", "p50_first_token>3x")
    told = json.loads(result.stdout)
    assert result.exit_code == (0 if told["thresholds"][0]["kept"] else 1)
    share = told["models"]["chat"]["share"]["sim/other"]
    assert share["old"] == pytest.approx(0.1, abs=0.01)
    assert share["low"] <= share["difference"] <= share["high"]
    assert share["seen"] is True
    assert told["tenants"].keys() == {"default"}
    assert told["all"]["cost"] is None
    assert told["all"]["no_price"] == ["sim/fast", "sim/other"]
    assert told["traffic"]["requests"] == 300
    assert told["old"]["targets"]["sim/fast"].startswith("as the file simulates it")


def test_a_page_is_written_beside_what_is_printed(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "plan.html"
    assert planned(*files, "--html", path).exit_code == 0
    assert path.read_text().startswith("<!DOCTYPE html>")
