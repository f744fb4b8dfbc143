"""What operators type, and what a running router makes of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.cli.commands import app
from tests.router.running import Running, running, written

MODELS = """
chat: {policy: weighted_round_robin, targets: {sim/fast: 3, sim/other: 1}}
solo: {targets: [sim/fast]}
"""


class Terminal:
    """Commands to one router."""

    def __init__(self, router: Running, path: Path) -> None:
        self.router, self._path = router, path

    async def __call__(self, *words: str) -> Result:
        whole = [*words, "--config", str(self._path), "--admin", self.router.admin]
        return await asyncio.to_thread(CliRunner().invoke, app, whole)


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[Terminal]:
    path = written(folder, MODELS)
    async with running(path) as router:
        yield Terminal(router, path)


async def test_what_is_drained_and_pinned_is_listed_and_can_be_lifted(tmp_path: Path) -> None:
    async with terminal(tmp_path) as pointsman:
        empty = await pointsman("overrides")
        assert empty.output.strip() == "nothing holds but the file"
        drained = await pointsman(
            "drain", "sim/fast", "-m", "chat", "--for", "2h", "--reason", "slow"
        )
        assert drained.exit_code == 0, drained.output
        found = re.match(r"(\w{8}): sim/fast is drained in chat until 20\S+Z\n", drained.output)
        assert found is not None
        await pointsman("lift", found[1])
        pinned = await pointsman("pin", "chat", "sim/other", "--json")
        id_ = json.loads(pinned.output)["id"]
        again = await pointsman("pin", "chat", "sim/fast")
        assert f"instead of {id_}" in again.output
        listed = await pointsman("overrides")
        assert "chat goes to sim/fast alone" in listed.output
        assert "in 60 min" in listed.output
        status = await pointsman("status")
        assert "chat goes to sim/fast alone" in status.output
        lifted = await pointsman("lift", "--all")
        assert "lifted: chat goes to sim/fast alone" in lifted.output
        assert (await pointsman("lift", "--all")).output == "nothing to lift\n"
        log = pointsman.router.stream.getvalue()
    assert "reason=slow" in log
    assert "by=unknown" not in log


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["pin", "chat", "sim/fats"], 1, 'did you mean "sim/fast"?'),
        (["drain", "sim/fast"], 1, "the last target of solo"),
        (["drain", "sim/fast", "--for", "2y"], 1, 'for "2y" is not a duration'),
        (["lift", "nope"], 1, "no override with this id holds"),
        (["lift"], 2, "name one by its id"),
        (["lift", "a", "--all"], 2, "name one by its id"),
    ],
)
async def test_what_cannot_be_done_is_said_with_its_remedy(
    words: list[str], code: int, told: str, tmp_path: Path
) -> None:
    async with terminal(tmp_path) as pointsman:
        said = await pointsman(*words)
        assert said.exit_code == code
        assert told in said.output


async def test_force_takes_the_last_target_too(tmp_path: Path) -> None:
    async with terminal(tmp_path) as pointsman:
        said = await pointsman("drain", "sim/fast", "--force")
        assert said.exit_code == 0
        assert "sim/fast is drained until" in said.output


def test_without_a_router_nothing_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    options = ["--config", str(path), "--admin", "127.0.0.1:1"]
    for words in (["drain", "sim/fast"], ["pin", "chat", "sim/fast"], ["overrides"]):
        said = CliRunner().invoke(app, [*words, *options])
        assert said.exit_code == 1
        assert "no router answers at 127.0.0.1:1: is `pointsman serve` running?" in said.output


async def test_what_is_not_kept_over_a_restart_is_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS, server="state: no-such-folder/state.json")
    async with running(path) as router:
        said = await Terminal(router, path)("drain", "sim/fast", "--model", "chat")
        status = await Terminal(router, path)("status")
    assert said.exit_code == 0
    assert "it is not kept over a restart" in said.output
    assert "what operators say is not kept:" in status.output
