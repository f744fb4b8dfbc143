"""The README's first commands, as a stranger would paste them."""

import re
import shlex
from typing import Any

import pytest

from tests.e2e.running import ROOT, ask, serving
from tests.e2e.test_shipped import shipped

SHIPPED_ADDRESS = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("readme"), shipped()) as running:
        yield running


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_curl_answers(router):
    """What curl would send, without asking for curl on the machine."""
    [command] = [block for block in blocks("sh") if block.startswith("curl")]
    curl, url, _, header, _, body = shlex.split(command.replace("\\\n", ""))
    assert curl == "curl"
    name, value = header.split(": ")
    path = url.removeprefix(SHIPPED_ADDRESS)
    answer = ask(router.listen, "POST", path, {name.title(): value}, body)
    assert answer.content.startswith("This answer is simulated")


def test_the_sdk_example_prints_the_answer(router, capsys):
    [example] = [block for block in blocks("python") if "from openai" in block]
    example = example.replace(SHIPPED_ADDRESS, f"http://{router.listen}")
    scope: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), scope)  # noqa: S102 - the project's own text
    scope["client"].close()
    assert capsys.readouterr().out.startswith("This answer is simulated")
