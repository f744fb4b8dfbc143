"""Questions to a router that runs, and to what only looks like one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.cli import asking
from tests.router.fleet.instances import until
from tests.router.quota.servers import process
from tests.router.running import running, written

MODELS = """
chat: {policy: priority, tiers: [[sim/broken], [sim/fast]]}
gpt: {targets: [dear/gpt]}
"""


def asked_at(folder: Path, admin: str, **more: str) -> Path:
    """A file in which the admin listener is at this address."""
    folder.mkdir(exist_ok=True)
    path = written(folder, MODELS, **more)
    path.write_text(path.read_text().replace("admin: 127.0.0.1:0", f"admin: {admin}"))
    return path


async def explained(path: Path, model: str = "chat", *, as_json: bool = False, **more: Any) -> int:
    asked = {"model": model, **more}
    return await asyncio.to_thread(asking.explain, path, asked, None, as_json=as_json)


async def overviewed(path: Path, *, as_json: bool = False) -> int:
    return await asyncio.to_thread(asking.status, path, None, watch=False, as_json=as_json)


@asynccontextmanager
async def answering(data: bytes) -> AsyncIterator[str]:
    """Somebody else's server: whatever is asked, it says this and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


async def test_explain_asks_the_running_router_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await router.chat()
        path = asked_at(tmp_path / "asked", router.admin)
        assert await explained(path) == 0
        said = capsys.readouterr()
        assert f"chat by priority, as the running router at {router.admin} sees it" in said.out
        broken, fast = [line.split() for line in said.out.splitlines() if line.startswith("sim/")]
        assert (broken[0], fast[0]) == ("sim/broken", "sim/fast")
        assert float(broken[5]) < 1  # what it has learned: availability
        assert await explained(path, as_json=True) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["source"] == f"the running router at {router.admin}"


async def test_the_running_routers_refusal_is_passed_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        path = asked_at(tmp_path / "asked", router.admin)
        for model, words in (("caht", "did you mean 'chat'"), ("gpt", "DEAR_KEY is not set")):
            assert await explained(path, model) == 1
            said = capsys.readouterr()
            assert said.out == ""
            assert said.err.startswith(f"the running router at {router.admin}: ")
            assert words in said.err


async def test_status_shows_models_targets_and_what_was_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await router.chat()
        path = asked_at(tmp_path / "asked", router.admin)
        assert await overviewed(path) == 0
        said = capsys.readouterr().out
        assert said.startswith("ready, up ")
        rows = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()}
        assert rows["chat"] == ["chat", "priority", "sim/broken", "1", "|", "sim/fast", "1"]
        assert " ".join(rows["gpt"]) == "gpt least_latency off: dear: DEAR_KEY is not set"
        assert rows["sim/fast"][-3:] == ["1", "0", "healthy"]
        assert "500 server_error (head), 0 s ago" in " ".join(rows["sim/broken"])
        assert await overviewed(path, as_json=True) == 0
        assert json.loads(capsys.readouterr().out)["ready"] is True


async def test_status_says_how_the_server_of_shared_limits_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with process(tmp_path, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru") as server:
        shared = f"shared: {{redis: '{server.url}'}}\n"
        async with running(written(tmp_path, MODELS, rest=shared)) as router:
            path = asked_at(tmp_path / "asked", router.admin)
            together = router.app.state.together
            assert together is not None
            await until(lambda: len(together.fleet.seen) == 1)
            assert await overviewed(path) == 0
            said = capsys.readouterr().out.splitlines()
            assert said[1].startswith("shared limits by Valkey ")
            assert said[1].endswith(", 1 instance, no outages so far")
            assert said[2].startswith("its maxmemory-policy is allkeys-lru: ")
            server.kill()
            await until(lambda: not together.shared.up)
            assert await overviewed(path) == 0
            said = capsys.readouterr().out.splitlines()
            assert said[1].startswith("shared limits are away for 0 s: ")
            assert said[1].endswith("; 1 instance, 1 outage so far")


async def test_status_shows_the_errors_of_the_last_file_letter_by_letter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        errors = ("a.yaml:1:1: no such model [bold]; write targets: [sim/fast] or [/x]",)
        router.app.state.errors = errors
        router.app.state.ready = False
        assert await overviewed(asked_at(tmp_path / "asked", router.admin)) == 0
    said = capsys.readouterr().out
    assert said.startswith("not ready, ")
    assert errors[0] in said


async def test_watching_goes_on_until_ctrl_c_or_until_the_router_has_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = 0

    def sleep(seconds: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("router.cli.asking.time.sleep", sleep)
    async with running(written(tmp_path, MODELS)) as router:
        path = asked_at(tmp_path / "asked", router.admin)
        assert await asyncio.to_thread(asking.status, path, None, watch=True, as_json=True) == 0
        assert capsys.readouterr().out.count('"uptime_s"') == 2
    assert await asyncio.to_thread(asking.status, path, None, watch=True, as_json=True) == 1


async def test_names_are_not_cut_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = written(tmp_path, MODELS)
    path.write_text(path.read_text().replace("fast", "the-fastest-of-all-models-in-the-world"))
    async with running(path) as router:
        assert await overviewed(asked_at(tmp_path / "asked", router.admin)) == 0
    assert "sim/the-fastest-of-all-models-in-the-world" in capsys.readouterr().out
    assert await explained(path) == 0
    assert "sim/the-fastest-of-all-models-in-the-world" in capsys.readouterr().out


async def test_the_token_of_the_file_is_sent_and_another_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = 'admin_token: "${TOKEN}"'
    async with running(written(tmp_path, server=guarded), {"TOKEN": "open-sesame"}) as router:
        path = asked_at(tmp_path / "asked", router.admin, server=guarded)
        monkeypatch.setenv("TOKEN", "open-sesame")
        assert (await overviewed(path), await explained(path)) == (0, 0)
        monkeypatch.setenv("TOKEN", "open-barley")
        capsys.readouterr()
        assert (await overviewed(path), await explained(path)) == (1, 1)
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("server.admin_token") == 2
        assert "open-barley" not in said.err


async def test_a_proxy_of_the_environment_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert await overviewed(asked_at(tmp_path / "asked", router.admin)) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
    ],
)
async def test_whoever_listens_there_and_is_no_router_is_taken_for_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    async with answering(data) as admin:
        path = asked_at(tmp_path / "asked", admin)
        assert await overviewed(path) == 1
        assert capsys.readouterr().err.startswith(f"no router answers at {admin}: ")
        assert await explained(path) == 0
        assert "a cold start" in capsys.readouterr().out


async def test_another_servers_error_is_passed_on_as_far_as_it_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n"
    for body in (b"gone", b"[{}]", b"null"):
        async with answering(page + body) as admin:
            assert await explained(asked_at(tmp_path / "asked", admin)) == 1
            assert "Not Found" in capsys.readouterr().err


async def test_the_router_asked_may_be_at_another_address_than_the_file_s(tmp_path, capsys):
    async with running(written(tmp_path, MODELS)) as router:
        path = asked_at(tmp_path / "asked", "127.0.0.1:1")
        for admin, source in ((router.admin, "the running router"), (None, "a cold start")):
            asked = {"model": "chat"}
            assert await asyncio.to_thread(asking.explain, path, asked, admin, as_json=True) == 0
            assert source in capsys.readouterr().out
    assert await asyncio.to_thread(asking.status, path, "nonsense", watch=False, as_json=True) == 1
    assert "--admin nonsense: write host:port" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rest",
    ["tenants: {care: {keys: ['${A_KEY_THAT_IS_NOT_SET}']}}", "defaults: {deadlin: 3s}"],
    ids=["a key of another shell", "a mistake"],
)
async def test_a_file_that_is_wrong_elsewhere_leads_to_the_router_that_it_names_and_to_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: str
) -> None:
    server = 'admin_token: "let-me-in"'
    async with running(written(tmp_path, MODELS, server=server)) as router:
        path = asked_at(tmp_path / "asked", router.admin, server=server, rest=rest)
        assert await overviewed(path) == 0
        told = capsys.readouterr()
        assert "sim/fast" in told.out
        assert f"(asking {router.admin} all the same)" in told.err


async def test_status_says_that_a_limit_of_the_file_is_used_up_and_nothing_of_what_was_not_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, MODELS)
    limited = "output_tokens: 4, limits: {requests: 1/hour}}\n      other"
    path.write_text(path.read_text().replace("output_tokens: 4}\n      other", limited))
    async with running(path) as router:
        await router.chat()  # in one piece: no first token was seen
        assert await overviewed(asked_at(tmp_path / "asked", router.admin)) == 0
    [row] = [line for line in capsys.readouterr().out.splitlines() if "sim/fast  " in line]
    assert "healthy; no requests left" in row
    assert row.split()[2] == "–"
