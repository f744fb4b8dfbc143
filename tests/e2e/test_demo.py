"""What the demo prints is true: the lines to paste work, and nothing is left when it ends."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from select import select

import pytest

from tests.e2e.running import ROOT, Answer, ask, environment

STARTUP = 60.0  # seconds; it takes two here


@pytest.fixture
def demo() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.demo"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_printed_lines_are_answered_by_the_real_model_and_nothing_is_left(demo):
    guide = printed(demo)
    whole, stream, status = (line for line in guide.splitlines() if line.startswith("curl "))
    answer = pasted(whole)
    assert answer.content.strip()
    assert answer.headers["x-router-target"] == "real/smollm2"
    assert int(answer.headers["x-router-attempts"]) > 1
    streamed = pasted(stream)
    assert streamed.content.strip()
    assert streamed.data[-1] == "[DONE]"
    assert pasted(status).json["targets"]["dead/smollm2"]["health"] < 1
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(10) == 0
    assert demo.stderr.read() == ""
    addresses = set(re.findall(r"http://([\d.]+:\d+)", guide))
    assert len(addresses) == 3
    for address in addresses:
        with pytest.raises(ConnectionRefusedError):
            ask(address, "GET", "/")


def printed(demo: "subprocess.Popen[str]") -> str:
    """Everything that the demo prints before it waits."""
    assert demo.stdout is not None
    ready, _, _ = select([demo.stdout], [], [], STARTUP)
    lines = [demo.stdout.readline() if ready else ""]
    while "Ctrl-C" not in lines[-1]:
        assert lines[-1], demo.stderr and demo.stderr.read()
        lines.append(demo.stdout.readline())
    return "".join(lines)


def pasted(line: str) -> Answer:
    """The answer to a `curl` line."""
    words = shlex.split(line)
    address, _, path = next(word for word in words if "://" in word)[7:].partition("/")
    if "-d" not in words:
        return ask(address, "GET", f"/{path}")
    body = words[words.index("-d") + 1]
    assert json.loads(body)
    return ask(address, "POST", f"/{path}", None, body)
