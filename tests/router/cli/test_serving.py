"""`serve`: where it listens, what it prints first, and how it leaves."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cli.address import address
from router.cli.serving import at, serve
from router.config import Address, Secret, Server, load
from router.telemetry.log import Log
from tests.router.running import JSON, completion, written

# Addresses.


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("0", "127.0.0.1", 0),
        (":0", "127.0.0.1", 0),
        ("8080", "127.0.0.1", 8080),
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("LocalHost:65535", "localhost", 65_535),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_an_address_is_a_host_and_a_port_or_a_port_on_loopback(
    text: str, host: str, port: int
) -> None:
    assert address(text, "--listen") == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        " ", ":", "host", "host:", "127.0.0.1", "::1", "[::1]", "[::1", "127.0.0.1:http", ":-1",
        ":65536", ":8080x", "http://127.0.0.1:8080", ":²", ":8_0", "1:2:3",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_option_and_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write host:port") as caught:
        address(text, "--admin")
    assert str(caught.value).startswith(f"--admin {text}: ")


@given(st.text())
def test_no_text_for_an_address_is_an_accident(text: str) -> None:
    with suppress(ValueError):
        found = address(text, "--listen")
        assert 0 <= found.port <= 65_535
        assert found.host


def test_options_stand_in_for_the_files_addresses_and_for_nothing_else() -> None:
    server = Server(max_body=7)
    assert at(server, None, None) == server
    moved = at(server, ":1", "2")
    assert moved == replace(server, listen=Address("127.0.0.1", 1), admin=Address("127.0.0.1", 2))


@pytest.mark.parametrize(
    ("server", "listen", "admin", "words"),
    [
        (Server(), "0.0.0.0:0", None, "auth is open"),
        (Server(), "[::]:0", None, "auth is open"),
        (Server(auth="keys"), None, "10.0.0.1:0", "has no admin_token"),
        (Server(), ":8081", None, "the same address"),
        (Server(), "0.0.0.0:1", "0.0.0.0:2", "auth is open.*\n.*no admin_token"),
    ],
)
def test_options_do_not_open_what_nothing_guards(
    server: Server, listen: str | None, admin: str | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        at(server, listen, admin)


def test_what_is_guarded_may_be_opened() -> None:
    server = Server(auth="keys", admin_token=Secret("open-sesame"))
    moved = at(server, "0.0.0.0:0", "0.0.0.0:0")
    assert moved.listen == moved.admin == Address("0.0.0.0", 0)


# Serving, in this process: signals are those of the process, so they come to the test's loop.


STARTUP = 15.0
"""Seconds; the first start in a process has all that it holds looked through for garbage."""


@dataclass
class Served:
    """`serve` under way: its task, what it printed first, and its log so far."""

    task: asyncio.Task[int]
    first: dict[str, Any]
    log: StringIO


@asynccontextmanager
async def serving(path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Served]:
    """Serve a file until the block is left, if nothing ends it before."""
    stream = StringIO()
    config, log = load(path, {}), Log(stream, "text")
    task = asyncio.create_task(serve(config, config.server, log))
    said = ""
    try:
        async with asyncio.timeout(STARTUP):
            while not said and not task.done():
                await asyncio.sleep(0.005)
                said = capsys.readouterr().out
        (line,) = said.splitlines()
        yield Served(task, json.loads(line), stream)
    finally:
        for _ in range(2):
            if not task.done():
                signalled(signal.SIGTERM)
                await asyncio.sleep(0.01)
        await task
        log.close()


def signalled(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


async def test_the_first_line_is_json_with_the_addresses_that_were_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(written(tmp_path), capsys) as served, aiohttp.ClientSession() as client:
        assert served.first.keys() == {"listen", "admin", "pid"}
        assert served.first["pid"] == os.getpid()
        for page in (f"{served.first['listen']}/readyz", f"{served.first['admin']}/status"):
            async with client.get(f"http://{page}") as response:
                assert response.status == 200
    assert f"serving on http://{served.first['listen']}/v1: models=chat" in served.log.getvalue()
    assert "providers.yaml` shows it\n" in served.log.getvalue()  # a provider is off


@pytest.mark.parametrize(("number", "announce"), [(signal.SIGTERM, 0.05), (signal.SIGINT, 0.0)])
async def test_a_signal_drains_and_ends_with_0_and_only_sigterm_is_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals, announce: float
) -> None:
    path = written(tmp_path, server="drain: {announce: 50ms, wait: 5s}")
    async with serving(path, capsys) as served:
        signalled(number)
        async with asyncio.timeout(2):
            assert await served.task == 0
    assert f"draining announce={announce} running=0" in served.log.getvalue()


async def test_a_second_signal_ends_at_once_and_whoever_waits_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "chat: {targets: [sim/endless]}", "drain: {announce: 0s, wait: 60s}")
    async with serving(path, capsys) as served, aiohttp.ClientSession() as client:
        url = f"http://{served.first['listen']}/v1/chat/completions"
        async with client.post(url, data=completion(stream=True), headers=JSON) as response:
            await response.content.readany()
            signalled(signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert not served.task.done()
            signalled(signal.SIGTERM)
            async with asyncio.timeout(2):
                assert b'"code":"draining"' in await response.read()
                assert await served.task == 0


async def test_sighup_loads_the_file_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(written(tmp_path), capsys) as served:
        written(tmp_path, "chat: {targets: [sim/other]}")
        signalled(signal.SIGHUP)
        await asyncio.sleep(0.05)
        written(tmp_path, "chat: {targets: [sim/none]}")
        signalled(signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert not served.task.done()
    said = served.log.getvalue()
    assert "reloaded: change=chat: sim/other added" in said
    assert "reload refused, the running configuration stays: problem=" in said


async def test_an_address_that_is_taken_is_1_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(written(tmp_path), capsys) as served:
        config, log = load(written(tmp_path), {}), Log(StringIO(), "text")
        server = at(config.server, None, served.first["listen"])
        assert await serve(config, server, log) == 1
        log.close()
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"cannot listen on {served.first['listen']}: address already")
        assert "is another router running?" in said.err


async def test_a_policy_that_cannot_be_made_is_2_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = 'chat: {policy: "no_such_module:Best", targets: [sim/fast]}'
    path = written(tmp_path, models, "plugins: [no_such_module]")
    config, log = load(path, {}), Log(StringIO(), "text")
    assert await serve(config, config.server, log) == 2
    log.close()
    said = capsys.readouterr().err
    assert said.startswith(f"{path}:14:18: the policy 'no_such_module:Best' cannot be made")
