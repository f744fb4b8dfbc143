"""The tutorial, as written: every file is saved, every command typed, every answer compared.

What stands beside a fence's language says what is done with it. `yaml NAME` and `python NAME` save
a file; `sh` is typed into a shell, `sh &` into one of its own, where it stays, and `sh until` again
and again until it says what is below it. `text` has lines of what a command says, where `…` stands
for anything and words may stand further apart. Only ports, and Python's name, are other ones than
are written.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.running import ROOT, environment, eventually, unused_port

TEXT = (ROOT / "docs" / "tutorial.md").read_text()
FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST = 60.0  # seconds that a command of the tutorial may take on a machine that tests


class Step(NamedTuple):
    """One fence: its language, what stands beside that, and what it holds."""

    language: str
    beside: str
    held: str


class Learner:
    """Somebody who does what the tutorial says, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {"8080": str(unused_port()), "8081": str(unused_port())}
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self._environ = environment({"PATH": path, "COLUMNS": "160"})
        self._background: list[subprocess.Popen[bytes]] = []
        (folder / "bin").mkdir()
        self._name("pointsman", "-m router")
        self._name("python", "")

    def do(self, step: Step, expected: str | None) -> None:
        """Do it. AssertionError where something else is said than expected."""
        held = step.held
        for written, port in self._ports.items():
            held = held.replace(written, port)
        if step.language in {"yaml", "python"}:
            (self._folder / step.beside).write_text(held)
        elif step.beside == "&":
            self._start(held)
        elif step.beside == "until":
            assert expected is not None
            eventually(lambda: says(self._type(held)[1], expected), LONGEST)
        else:
            code, said = self._type(held)
            if expected is not None:
                assert says(said, expected), f"{held}said, with {code}:\n{said}"
            else:
                assert code == 0, f"{held}ended with {code}: {said}"

    def leave(self) -> None:
        """End what stayed."""
        for process in self._background:
            process.send_signal(signal.SIGINT)
        for process in self._background:
            process.wait(LONGEST)

    def _name(self, name: str, arguments: str) -> None:
        script = self._folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        script.chmod(0o755)

    def _start(self, command: str) -> None:
        log = self._folder / "said"
        with log.open("wb") as said:
            process = subprocess.Popen(  # noqa: S602 - the project's own text
                f"exec {command}", shell=True, cwd=self._folder, env=self._environ, stdout=said,
                stderr=said,
            )  # fmt: skip
        self._background.append(process)
        eventually(lambda: b'"listen"' in log.read_bytes(), LONGEST)

    def _type(self, command: str) -> tuple[int, str]:
        ended = subprocess.run(  # noqa: S602 - the project's own text
            command, shell=True, cwd=self._folder, env=self._environ, capture_output=True,
            text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        time.sleep(0.05)
        return ended.returncode, ended.stdout + ended.stderr


def says(said: str, expected: str) -> bool:
    """Whether it says those lines, in their order."""
    parts = re.split("…|\n", expected.strip())
    wanted = [re.escape(" ".join(part.split())) for part in parts]
    return re.search(".*".join(wanted), " ".join(said.split())) is not None


def chapters() -> dict[str, list[Step]]:
    """The fences of every chapter, by its title."""
    parts = re.split(r"^## (.*)\n", TEXT, flags=re.MULTILINE)[1:]
    return {
        title: [Step(*fence) for fence in FENCE.findall(text)]
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


@contextmanager
def learner(folder: Path) -> Iterator[Learner]:
    with ExitStack() as stack:
        one = Learner(folder)
        stack.callback(one.leave)
        yield one


def test_every_chapter_works_as_written(tmp_path: Path) -> None:
    with learner(tmp_path) as one:
        for title, steps in chapters().items():
            for number, step in enumerate(steps):
                after = steps[number + 1] if number + 1 < len(steps) else None
                expected = after.held if after is not None and after.language == "text" else None
                if step.language != "text":
                    try:
                        one.do(step, expected)
                    except AssertionError as error:
                        pytest.fail(f"{title}: {error}")
