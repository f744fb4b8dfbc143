"""A router in a process of its own, as an operator runs it, and raw HTTP to talk to it.

Nothing of the router is imported here: what these tests know of it is what anyone can see from
outside. Whatever it says on its standard error that is not a log line fails the test that ran it.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
STARTUP = 15.0  # seconds; it takes less than one here
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
LOCAL = "127.0.0.1:0"


class Answer(NamedTuple):
    """One answer, read to its end. `whole` is false if it was cut before that."""

    status: int
    headers: Mapping[str, str]
    text: str
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        """The error, in the shape that OpenAI's clients know."""
        error: dict[str, Any] = self.json["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return error

    @property
    def data(self) -> list[str]:
        """The data of each event of a stream."""
        return [line[6:] for line in self.text.splitlines() if line.startswith("data: ")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The events of a stream without `[DONE]`."""
        return [json.loads(data) for data in self.data if data != "[DONE]"]

    @property
    def comments(self) -> list[str]:
        return [line[2:] for line in self.text.splitlines() if line.startswith(": ")]

    @property
    def content(self) -> str:
        """The text that a model wrote, however it came."""
        if not self.text.startswith("data: "):
            return str(self.json["choices"][0]["message"]["content"])
        deltas = [choice["delta"] for chunk in self.chunks for choice in chunk.get("choices", ())]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def finish_reasons(self) -> list[str]:
        """How a stream says that it ended; nothing, if it does not."""
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", ())]
        return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]


@dataclass
class Router:
    """One that runs. `listen` and `admin` are `host:port`; `log` takes its standard error."""

    process: subprocess.Popen[str]
    config: Path
    listen: str
    admin: str
    log: Path
    _killed: bool = field(default=False)

    @property
    def base_url(self) -> str:
        return f"http://{self.listen}/v1"

    @property
    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text()

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = ask(self.admin, "GET", "/status").json
        return status

    def chat(self, model: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """Ask a model something, and read its answer to the end."""
        return ask(self.listen, "POST", "/v1/chat/completions", headers, body(model, **more))

    @contextmanager
    def sent(self, model: str, **more: Any) -> Iterator[http.client.HTTPConnection]:
        """Ask a model something; nothing has been read of the answer."""
        with closing(connect(self.listen)) as connection:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", body(model, **more), headers)
            yield connection

    @contextmanager
    def asked(self, model: str, **more: Any) -> Iterator[http.client.HTTPResponse]:
        """Ask a model something; the answer's head has come, and the rest is to be read."""
        with self.sent(model, **more) as connection:
            yield connection.getresponse()

    def reload(self, text: str) -> None:
        """Write the configuration anew, ask for it, and wait until it was looked at."""
        looked = len(re.findall("reload", self.said))
        self.config.write_text(text)
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(re.findall("reload", self.said)) > looked)

    def kill(self) -> None:
        """End it as a crash would."""
        self._killed = True
        self.process.kill()
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to leave, and wait until it has; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STARTUP)

    def end(self) -> None:
        """Stop it if it runs still, and see that it left in order. Nobody has to be told before."""
        if self.process.poll() is None:
            self.stop(signal.SIGINT)
        strange = [line for line in self.said.splitlines() if not LOG_LINE.match(line)]
        assert not strange, self.said
        assert self._killed or self.process.returncode == 0, self.said


@contextmanager
def serving(
    folder: Path, config: str, environ: Mapping[str, str] | None = None, *flags: str
) -> Iterator[Router]:
    """Run `pointsman serve` with this configuration, on free ports, until the end.

    It sees the variables in `environ` and no others. `folder` takes its file and what it says.
    """
    file, stderr = folder / "providers.yaml", folder / "stderr"
    file.write_text(config)
    arguments = ["--config", str(file), "--listen", LOCAL, "--admin", LOCAL, *flags]
    with (
        stderr.open("w") as log,
        subprocess.Popen(
            command("serve", *arguments),
            cwd=ROOT,
            env=environment(environ),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            told = first_line(process, stderr)
            router = Router(process, file, told["listen"], told["admin"], stderr)
            assert told["pid"] == process.pid
            eventually(lambda: ask(router.listen, "GET", "/readyz").status == 200)
            yield router
            router.end()
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str], stderr: Path) -> dict[str, Any]:
    """The one line that the process says of itself, once it listens."""
    assert process.stdout is not None
    ready, _, _ = select([process.stdout], [], [], STARTUP)
    line = process.stdout.readline() if ready else ""
    if not line:
        raise RuntimeError(f"the router did not start: {stderr.read_text()}")
    told: dict[str, Any] = json.loads(line)
    return told


def command(*arguments: str) -> list[str]:
    """What a shell would run as `pointsman …`."""
    return [sys.executable, "-m", "router", *arguments]


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment with these variables, and what Python needs to find us and to complain."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ours = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    return {**kept, **ours, **(environ or {})}


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment({"COLUMNS": "200", **environ}),
        capture_output=True,
        check=False,
        text=True,
        timeout=STARTUP,
    )


def body(model: str, **more: Any) -> str:
    """A chat request."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}], **more})


def connect(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address, timeout=30)


def ask(
    address: str,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> Answer:
    """Send one request on a connection of its own, and read the answer to its end."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    with closing(connect(address)) as connection:
        connection.request(method, path, body, sent)
        return read(connection.getresponse())


def read(response: http.client.HTTPResponse) -> Answer:
    """Read an answer to its end, or to where it was cut."""
    whole = True
    try:
        text = response.read()
    except http.client.IncompleteRead as cut:
        text, whole = cut.partial, False
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, text.decode(), whole)


def unused_port() -> int:
    """A port of 127.0.0.1 that nobody listened at a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port: int = nobody.getsockname()[1]
        return port


def eventually(happened: Callable[[], object], within: float = 5.0) -> None:
    """Wait until it has happened."""
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
