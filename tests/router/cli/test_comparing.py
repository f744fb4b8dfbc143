"""What a shadow came to, on the terminal: a table, a verdict, an exit code."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from router.cli import comparing
from router.shadow.evidence import Evidence
from router.testing import Answer, Status
from tests.router.shadow.test_verdict import evidence
from tests.router.shadowing import Two, two

GOOD = Answer("one two three")


async def asked(pair: Two, model: str | None = None, *, as_json: bool = False) -> int:
    path, admin = pair.router.path, pair.router.admin
    return await asyncio.to_thread(comparing.run, path, model, admin, as_json=as_json)


def seen(pair: Two, told: Evidence) -> None:
    """As if this had been seen."""
    state = pair.router.app.state
    assert state.shadows is not None
    [lane] = state.shadows.lanes(state.runtime.shadows)
    lane.evidence = told


async def test_it_prints_both_sides_every_criterion_and_what_it_cost(tmp_path: Path, capsys: Any):
    async with two(tmp_path, GOOD, [GOOD, Status(500), GOOD]) as pair:
        for stream in (True, False, True):
            await pair.chat(stream=stream)
        await pair.settled(3)
        assert await asked(pair) == 3
        told = capsys.readouterr().out
        assert (
            "chat and its shadow shadow/m: all of its requests, at most 6k/min, spend: $5/day"
            in told
        )
        assert "not enough yet: 3 of about " in told
        assert "failed 1, ok 2" in told.replace("ok 2, failed 1", "failed 1, ok 2")
        assert "failures: +33.33 points" in told
        assert "3 sampled, 3 compared; $0.000" in told


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        (evidence(600), 0, "safe to switch, by 600 pairs"),
        (evidence(600, fails=0.2), 2, "not safe: failures: +"),
        (evidence(30), 3, "not enough yet: 30 of about "),
    ],
)
async def test_its_exit_code_says_whether_to_switch(tmp_path, capsys, told, code, words):
    async with two(tmp_path, GOOD, GOOD) as pair:
        seen(pair, told)
        assert await asked(pair, "chat") == code
        assert words in capsys.readouterr().out
        assert await asked(pair, "chat", as_json=True) == code
        page = json.loads(capsys.readouterr().out)
        assert page["words"].startswith(words)
        assert page["pairs"] == told.pairs


async def test_a_model_without_one_is_named_and_so_are_those_with(tmp_path, capsys):
    async with two(tmp_path, GOOD, GOOD) as pair:
        assert await asked(pair, "a/b c") == 1
        assert '"a/b c" has no shadow; use one of: chat' in capsys.readouterr().err


async def test_where_there_is_none_it_is_said_how_to_have_one(tmp_path, capsys):
    async with two(tmp_path, GOOD, GOOD) as pair:
        path = pair.router.path
        path.write_text(path.read_text().partition(", shadow:")[0] + "}\n")
        await pair.router.app.reload()
        assert await asked(pair) == 0
        assert "write `shadow: {to: …}`" in capsys.readouterr().out


def test_where_nobody_serves_that_is_said(tmp_path, capsys):
    assert comparing.run(tmp_path / "none.yaml", None, "127.0.0.1:1", as_json=False) == 1
    assert "is `pointsman serve` running?" in capsys.readouterr().err
