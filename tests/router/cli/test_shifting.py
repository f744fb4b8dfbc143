"""What the terminal says of shifts, with a router and without one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner, Result

from policies.shifting import State
from router.cli.commands import app
from router.config import load
from router.kept.file import File
from router.shifts.document import document_of
from router.shifts.document import written as kept_as
from router.shifts.moving import moving_of
from tests.router.running import running, written
from tests.router.shifts.test_moving import come

MODELS = """
chat: {targets: [sim/fast], shift: {to: [sim/other], steps: [10, 100], by: request}}
waits: {targets: [sim/fast], shift: {to: [dear/gpt]}}
"""
LINE = "targets: {sim/other: 1}"


def pointsman(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def keep(path: Path, share: float, state: State) -> None:
    """As a router that ran on the file would have."""
    [one] = moving_of(load(path, {}))

    async def kept() -> None:
        file = File(path.parent / "pointsman.state.json", lambda *_, **__: None)
        await file.change(document_of(one.name), lambda _: kept_as(come(share, state), 0.0))
        await file.close()

    asyncio.run(kept())


def test_a_check_says_how_far_each_shift_has_come(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    found = pointsman("check", str(path)).output
    assert "model chat: how far its shift has come is not known: no router that has" in found
    assert 'nothing of "waits" moves' in found
    keep(path, 0.25, State.PAUSED)
    assert "model chat: its shift is at 25 %, paused" in pointsman("check", str(path)).output
    keep(path, 1.0, State.DONE)
    assert f"its shift is done; write instead of it: {LINE}" in pointsman("check", str(path)).output


def test_a_check_without_shifts_says_nothing_of_them(tmp_path: Path) -> None:
    assert "its shift" not in pointsman("check", str(written(tmp_path))).output


async def test_shifts_are_shown_in_words_and_as_json(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    await asyncio.to_thread(keep, path, 0.25, State.PAUSED)
    async with running(path) as router:
        asked = ["shifts", "--config", str(path), "--admin", router.admin]
        shown = await asyncio.to_thread(pointsman, *asked)
        [first, *rest] = shown.output.splitlines()
        assert first.startswith("chat → sim/other 1: 25 % of the requests, paused for")
        assert rest == []
        told = await asyncio.to_thread(pointsman, *asked, "--json")
        assert json.loads(told.output)["shifts"]["chat"]["share"] == 0.25


def test_without_a_router_its_words_reach_nobody(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    found = pointsman("shift", "pause", "chat", "--config", str(path), "--admin", "127.0.0.1:9")
    assert found.exit_code == 1
    assert "no router answers" in found.output
