"""The page of policies, as written: every file on it is checked and served, and `explain` says of
it what the page says that it says.

A file begins with `version: 1`. What follows it, up to the next one, are transcripts: `$` and a
command, and what it prints, where `…` stands for anything, words may stand further apart, and every
number for any number but a share: those are the policy's.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from tests.router.running import Running, running

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "policies.md"
OWN = ROOT / "docs" / "examples" / "own_policy"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d[\d.,:]*(?![\d.,:]| ?%)|(?<=\d )(?:ms|s|min)\b")
ASKED, TOGETHER = 24, 4
"""Requests that a model was asked before it is explained, and how many at once: one of those that
stay at home, or they would not.
"""
LONG = " ".join(f"Section {number} of the rules says what it says." for number in range(340))
"""About 4,000 tokens."""


class Example(NamedTuple):
    """One file of the page, and the transcripts that follow it: commands, and what they say."""

    file: str
    transcripts: list[tuple[str, str]]


def examples() -> Iterator[Example]:
    held = [text for _, text in FENCE.findall(PAGE.read_text())]
    starts = [at for at, text in enumerate(held) if text.startswith("version: 1\n")]
    for start, end in zip(starts, [*starts[1:], len(held)], strict=True):
        told = [text[2:].partition("\n") for text in held[start:end] if text.startswith("$ ")]
        yield Example(held[start], [(command, said) for command, _, said in told])


EXAMPLES = list(examples())


def shape(said: str) -> str:
    """The same of what differs only in its figures."""
    return " ".join(NUMBER.sub("#", said).replace("─", "").split())


def matches(said: str, shown: str) -> bool:
    parts = [re.escape(shape(part)) for part in shown.split("…")]
    return re.fullmatch(".*".join(parts), shape(said)) is not None


def conversation(turns: int) -> bytes:
    """A request of a conversation that has come so far."""
    messages = [{"role": "system", "content": LONG}]
    for turn in range(turns):
        messages += [{"role": "user", "content": f"And what does section {turn} say? " * 40}]
    return json.dumps({"model": "quick", "messages": messages}).encode()


async def asked(router: Running, model: str) -> None:
    together = 1 if "ours:Home" in router.path.read_text() else TOGETHER
    for _ in range(ASKED // together):
        answers = await asyncio.gather(*(router.chat(model) for _ in range(together)))
        assert {answer.status for answer in answers} == {200}


async def printed(router: Running, command: str) -> str:
    """What a command of `pointsman` prints, asked of this router."""
    name, *words = re.findall(r'"([^"]*)"|(\S+)', command)[1:]
    told = ["".join(word) for word in (name, *words)]
    where = ["--config", str(router.path), "--admin", router.admin]
    result = await asyncio.to_thread(CliRunner().invoke, app, [*told, *where])
    assert result.exit_code == 0, result.output
    return result.output


async def explained(router: Running, command: str) -> str:
    """What `explain` says, once the model has answered."""
    if "--body" in command:
        turn = router.path.parent / "turn.json"
        turn.write_bytes(conversation(2))
        await router.ask(
            "POST", "/v1/chat/completions", conversation(1), {"content-type": "application/json"}
        )
        return await printed(router, command.replace("turn.json", str(turn)))
    [model] = re.findall(r"--model (\S+)", command)
    await asked(router, model)
    return await printed(router, command)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the module of the example package, which is forgotten afterwards."""
    monkeypatch.setattr("sys.path", [*sys.path])
    shutil.copy(OWN / "ours.py", tmp_path)
    yield tmp_path
    sys.modules.pop("ours", None)


def served(folder: Path, example: Example) -> Path:
    """The example as a file, on free ports."""
    file = folder / "providers.yaml"
    text, ports = example.file, "listen: 127.0.0.1:0, admin: 127.0.0.1:0"
    if "server: {" in text:
        text = text.replace("server: {", f"server: {{{ports}, ")
    else:
        text = text.replace("version: 1\n", f"version: 1\nserver: {{{ports}}}\n")
    file.write_text(text)
    return file


def test_there_is_an_example_for_every_policy_and_each_is_explained() -> None:
    files = "".join(example.file for example in EXAMPLES)
    for word in ("weighted_round_robin", "least_latency", "priority", "cost_tiers", "cascade:"):
        assert word in files
    for word in ("affinity: prefix", "price: 0.3", "ours:Home", "ours:Figures", "ours:numbered"):
        assert word in files
    for example in EXAMPLES:
        assert any(command.startswith("pointsman explain") for command, _ in example.transcripts)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.transcripts[0][0])
async def test_a_file_of_the_page_serves_and_is_explained_as_shown(
    folder: Path, example: Example
) -> None:
    file = served(folder, example)
    checked = CliRunner().invoke(app, ["check", "--strict", str(file)])
    assert checked.exit_code == 0, checked.output
    async with running(file) as router:
        for command, shown in example.transcripts:
            if not command.startswith("pointsman explain"):
                continue
            for _ in range(3):  # on a machine that does much else a figure may be odd for a while
                if matches(said := await explained(router, command), shown):
                    break
            else:
                pytest.fail(f"{command}\n{said}")


def test_the_example_package_is_shown_as_it_is() -> None:
    held = [text for _, text in FENCE.findall(PAGE.read_text())]
    module = (OWN / "ours.py").read_text()
    [policy] = [text for text in held if "class Home" in text]
    assert policy.strip() in module
    assert (OWN / "providers.yaml").read_text() in held
    lines = [line for line in policy.partition("@dataclass")[2].splitlines() if line.strip()]
    assert len(lines) <= 15


def test_the_example_package_is_judged_as_shown() -> None:
    [(_, shown)] = [one for one in EXAMPLES[-1].transcripts if "judged.py" in one[0]]
    ended = subprocess.run(
        [sys.executable, "judged.py", "--quick"],
        cwd=OWN,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert matches(ended.stdout, shown), ended.stdout
