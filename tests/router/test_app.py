"""The whole application in one process: started, drained, twice beside each other."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from random import Random

import aiohttp
import pytest

from router.app import App
from router.building.choosing import BuildFault
from router.config import load
from router.telemetry.log import Log
from tests.router.running import JSON, completion, running, written

ENDLESS = "chat: {targets: [sim/endless]}"


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log(StringIO(), "off")
    yield log
    log.close()


# Starting.


async def test_an_application_is_ready_once_both_listeners_are_bound(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        assert router.listen != router.admin
        assert not router.listen.endswith(":0")
        assert (await router.ask("GET", "/readyz")).status == 200
        assert (await router.ask_admin("GET", "/healthz")).status == 200


async def test_an_address_that_is_taken_is_an_oserror(tmp_path: Path, log: Log) -> None:
    async with running(written(tmp_path)) as router:
        path = written(tmp_path)
        path.write_text(path.read_text().replace("listen: 127.0.0.1:0", f"listen: {router.listen}"))
        app = App(load(path, {}), {}, log, Random(7))
        with pytest.raises(OSError, match="in use"):
            await app.start()
        assert not app.state.ready
        await app.close()


async def test_a_policy_that_cannot_be_made_stops_the_start(tmp_path: Path, log: Log) -> None:
    models = 'chat: {policy: "no_such_module:Best", targets: [sim/fast]}'
    config = load(written(tmp_path, models, "plugins: [no_such_module]"), {})
    with pytest.raises(BuildFault, match="no_such_module:Best"):
        App(config, {}, log, Random(7))


async def test_a_policy_that_fails_is_reported_and_served_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gloomy.py").write_text(
        "class Gloomy:\n"
        "    needs = frozenset()\n"
        "    def fresh(self): return None\n"
        "    def choose(self, *_): raise RuntimeError('no mood')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    models = 'chat: {policy: "gloomy:Gloomy", targets: [sim/fast]}'
    async with running(written(tmp_path, models, "plugins: [gloomy]")) as router:
        assert (await router.chat()).status == 200
    del sys.modules["gloomy"]
    assert "a policy failed" in router.stream.getvalue()
    assert "policy=Gloomy error=RuntimeError('no mood')" in router.stream.getvalue()


async def test_a_reader_that_fails_is_reported_once_and_costs_no_answer(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        router.app.state.counters.attempts = None  # type: ignore[assignment]
        for _ in range(3):
            assert (await router.chat()).status == 200
        router.app.state.counters.attempts = Counter()
    said = router.stream.getvalue()
    assert said.count("a reader of the journal failed") == 1
    assert "reader=Counters" in said
    assert said.count("200 ok") == 3  # the log is a reader as well


# Leaving.


def draining(announce: str, wait: str) -> str:
    return f"drain: {{announce: {announce}, wait: {wait}}}"


async def test_a_drain_is_announced_while_requests_are_still_taken(tmp_path: Path) -> None:
    async with running(written(tmp_path, server=draining("200ms", "5s"))) as router:
        drain = asyncio.create_task(router.app.drain(announce=True))
        await asyncio.sleep(0.01)
        assert (await router.ask("GET", "/readyz")).status == 503
        assert (await router.chat()).status == 200
        assert (await router.ask_admin("GET", "/status")).told["ready"] is False
        await drain
        with pytest.raises(aiohttp.ClientConnectionError):
            await router.chat()
    assert "draining announce=0.2 running=0" in router.stream.getvalue()


async def test_running_requests_finish_and_nobody_waits_longer_than_they_take(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, server=draining("0s", "30s"))
    path.write_text(
        path.read_text().replace("fast: {first_token: 1ms", "fast: {first_token: 150ms")
    )
    async with running(path) as router:
        asked = asyncio.create_task(router.chat())
        async with router.streamed() as response:
            await response.content.readany()
            async with asyncio.timeout(2):
                await router.app.drain(announce=True)
            stream = await response.read()
        assert (await asked).status == 200
    assert stream.endswith(b"data: [DONE]\n\n")


async def test_what_outlives_the_drain_is_told_so_and_never_looks_whole(tmp_path: Path) -> None:
    models = "chat: {targets: [sim/endless]}\nsilent: {targets: [sim/silent]}"
    async with running(written(tmp_path, models, draining("0s", "100ms"))) as router:
        silent = asyncio.create_task(router.chat("silent"))
        async with router.streamed() as response:
            await response.content.readany()
            await router.app.drain(announce=True)
            stream = await response.read()
        answer = await silent
    assert b'"code":"draining"' in stream.split(b"\n\n")[-2]
    assert b"[DONE]" not in stream
    assert b'"finish_reason":"' not in stream
    assert (answer.status, answer.error["code"]) == (503, "draining")
    assert int(answer.headers["retry-after"]) >= 1
    assert router.stream.getvalue().count(" drained ") == 2


async def test_a_drain_without_announcement_begins_at_once(tmp_path: Path) -> None:
    async with running(written(tmp_path, server=draining("30s", "30s"))) as router:
        async with asyncio.timeout(2):
            await router.app.drain(announce=False)


async def test_closing_ends_requests_at_once_and_can_be_done_again(tmp_path: Path) -> None:
    async with running(written(tmp_path, ENDLESS)) as router:
        async with router.streamed() as response:
            await response.content.readany()
            async with asyncio.timeout(2):
                await router.app.close()
            assert b'"code":"draining"' in await response.read()
        await router.app.close()


# Beside each other.


async def test_two_in_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    tenants = 'tenants: {team: {keys: ["${KEY}"]}}'
    one_path = written(tmp_path / "one")
    two_path = written(tmp_path / "two", "chat: {targets: [sim/other]}", "auth: keys", tenants)
    key = {"authorization": "Bearer team-key"}
    async with running(one_path) as one:
        assert (await one.chat()).headers["x-router-target"] == "sim/fast"
        assert await one.refused() == []
        async with running(two_path, {"KEY": "team-key"}) as two:
            assert (await two.chat()).status == 401
            assert (await two.chat(headers=key)).headers["x-router-target"] == "sim/other"
            written(tmp_path / "two", "wrong: {targets: [sim/none]}", "auth: keys", tenants)
            await two.app.reload()
            assert len(await two.refused()) == 1
            assert await one.refused() == []
            assert two.app.state.counters.requests == {("team", "chat", 200, "ok"): 1}
        assert (await one.chat()).status == 200
        assert one.app.state.counters.requests == {("default", "chat", 200, "ok"): 2}
        assert one.app.state.counters.refusals == {}
    assert one.stream.getvalue().count("200 ok") == 2
    assert two.stream.getvalue().count("200 ok") == 1


async def test_requests_side_by_side_are_all_answered(tmp_path: Path) -> None:
    async with running(written(tmp_path, "chat: {targets: [sim/fast, sim/other]}")) as router:
        body, url = completion(), f"http://{router.listen}/v1/chat/completions"

        async def ask() -> int:
            async with router.client.post(url, data=body, headers=JSON) as response:
                await response.read()
                return response.status

        assert set(await asyncio.gather(*(ask() for _ in range(100)))) == {200}
