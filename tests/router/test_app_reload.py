"""The file is loaded again: in force in one step, or not at all."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from random import Random

import pytest

from router.app import App
from router.config import Address, load
from router.stored.owners import Owners
from router.telemetry.log import Log
from router.testing import Body, Provider
from tests.router.running import JSON, Running, running, written

SHARES = "chat: {policy: weighted_round_robin, targets: {sim/fast: %d, sim/other: %d}}"
ENDLESS = "chat: {targets: [sim/endless]}"
MANY = 20  # requests that shares are counted over


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log(StringIO(), "off")
    yield log
    log.close()


async def shares(router: Running) -> Counter[str]:
    """Who answered so many requests."""
    return Counter([(await router.chat()).headers["x-router-target"] for _ in range(MANY)])


async def test_an_edited_weight_moves_traffic_at_once(tmp_path: Path) -> None:
    async with running(written(tmp_path, SHARES % (3, 1))) as router:
        before = (await router.ask_admin("GET", "/status")).told["revision"]
        assert await shares(router) == {"sim/fast": 15, "sim/other": 5}
        written(tmp_path, SHARES % (0, 1))
        await router.app.reload()
        assert await shares(router) == {"sim/other": MANY}
        assert (await router.ask_admin("GET", "/status")).told["revision"] != before
    assert "reloaded: change=chat: sim/fast 3 → 0" in router.stream.getvalue()


async def test_what_was_learned_and_counted_outlives_a_reload(tmp_path: Path) -> None:
    models = "chat: {policy: priority, tiers: [[sim/broken], [sim/fast]]}"
    async with running(written(tmp_path, models)) as router:
        await router.chat()
        async with router.streamed() as response:
            await response.read()
        before = (await router.ask_admin("GET", "/status")).told
        written(tmp_path, models + "\nmore: {targets: [sim/other]}")
        await router.app.reload()
        after = (await router.ask_admin("GET", "/status")).told
    assert "more" in after["models"]
    assert before["targets"]["sim/broken"]["availability"] < 1
    assert before["targets"]["sim/fast"]["first_token_s"] is not None
    for kept in ("availability", "first_token_s", "per_token_s"):
        for target in ("sim/broken", "sim/fast"):
            assert after["targets"][target][kept] == pytest.approx(
                before["targets"][target][kept], abs=0.01
            )
    assert after["requests"] == before["requests"]
    assert after["attempts"] == before["attempts"]


async def test_a_request_goes_on_as_it_began_when_its_route_is_taken_away(tmp_path: Path) -> None:
    async with running(written(tmp_path, ENDLESS)) as router, router.streamed() as response:
        await response.content.readany()
        written(tmp_path, "other: {targets: [sim/other]}")
        await router.app.reload()
        assert (await router.chat()).status == 404
        assert (await router.chat("other")).status == 200
        for _ in range(3):
            assert b"data: {" in await response.content.readany()


async def test_a_file_that_is_wrong_changes_nothing_and_says_where(tmp_path: Path) -> None:
    async with running(written(tmp_path, SHARES % (1, 0))) as router:
        revision = (await router.ask_admin("GET", "/status")).told["revision"]
        path = written(tmp_path, "chat: {targets: [sim/other]}\nwrong: {targets: [sim/fsat]}")
        line = 1 + path.read_text()[: path.read_text().index("sim/fsat")].count("\n")
        await router.app.reload()
        (error,) = await router.refused()
        assert error.startswith(f"{path}:{line}:")
        assert "sim/fast" in error  # the nearest name
        assert (await router.ask_admin("GET", "/status")).told["revision"] == revision
        assert await shares(router) == {"sim/fast": MANY}
        written(tmp_path, SHARES % (0, 1))
        await router.app.reload()
        assert await router.refused() == []
        assert await shares(router) == {"sim/other": MANY}
    assert f"reload refused, the running configuration stays: problem={error}" in (
        router.stream.getvalue()
    )


async def test_every_mistake_of_a_file_is_shown(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        written(tmp_path, "a: {targets: [sim/none]}\nb: {polizei: x, targets: [sim/fast]}")
        await router.app.reload()
        assert len(await router.refused()) == 2


@pytest.mark.parametrize("gone", ["removed", "a directory", "not text"])
async def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path, gone: str) -> None:
    path = written(tmp_path)
    async with running(path) as router:
        path.unlink()
        if gone == "a directory":
            path.mkdir()
        elif gone == "not text":
            path.write_bytes(b"version: 1\n\xff\xfe")
        await router.app.reload()
        assert len(await router.refused()) == 1
        assert (await router.chat()).status == 200


async def test_a_policy_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    server = "plugins: [no_such_module]"
    async with running(written(tmp_path, SHARES % (1, 0), server)) as router:
        better = 'chat: {policy: "no_such_module:Best", targets: [sim/other]}'
        written(tmp_path, better, server)
        await router.app.reload()
        (error,) = await router.refused()
        assert "'no_such_module:Best' cannot be made: ModuleNotFoundError" in error
        assert await shares(router) == {"sim/fast": MANY}


PLUGIN = """
made = []

class Later:
    needs = frozenset()

    def fresh(self):
        made.append(self)
        return 1 / (len(made) < 2)

    def choose(self, request, candidates, memory, now, rng):
        return candidates[0]
"""


async def test_a_policy_that_fails_only_once_it_is_put_in_force_ends_no_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_later.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    server = "plugins: [failing_later]"
    async with running(written(tmp_path, "chat: {targets: [sim/fast]}", server)) as router:
        written(tmp_path, "chat: {policy: 'failing_later:Later', targets: [sim/fast]}", server)
        await router.app.reload()
        told = (await router.ask_admin("GET", "/config")).told
        assert told["errors"] == [
            "it cannot be put in force: ZeroDivisionError('division by zero')"
        ]
        assert (await router.chat()).headers["x-router-target"] == "sim/fast"


@pytest.mark.parametrize(
    ("key", "server"),
    [
        ("auth", "auth: keys"),
        ("max_body", "max_body: 1KiB"),
        ("drain", "drain: {wait: 1s}"),
        ("hosts", "hosts: [router.example]"),
        ("origins", 'origins: ["https://app.example"]'),
        ("plugins", "plugins: [json]"),
        ("admin_token", 'admin_token: "${TOKEN}"'),
    ],
)
async def test_a_start_up_key_needs_a_restart_and_the_rest_of_the_file_waits_for_it(
    tmp_path: Path, key: str, server: str
) -> None:
    async with running(written(tmp_path, SHARES % (1, 0)), {"TOKEN": "open-sesame"}) as router:
        written(tmp_path, SHARES % (0, 1), server)
        await router.app.reload()
        assert await router.refused() == [f"server.{key} changed, which needs a restart"]
        assert await shares(router) == {"sim/fast": MANY}


async def test_addresses_of_the_command_line_do_not_stand_in_a_reloads_way(
    tmp_path: Path, log: Log
) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:1"))
    config = load(path, {})
    server = replace(config.server, listen=Address("127.0.0.1", 0))
    app = App(config, {}, log, Random(7), server)
    assert (await app.start())["listen"] != "127.0.0.1:1"
    await app.reload()
    assert not app.state.errors
    path.write_text(path.read_text().replace("listen: 127.0.0.1:1", "listen: 127.0.0.1:2"))
    await app.reload()
    assert app.state.errors == ("server.listen changed, which needs a restart",)
    await app.close()


async def test_a_model_is_listed_with_the_time_since_when_it_has_been(tmp_path: Path) -> None:
    async def created(router: Running) -> dict[str, int]:
        listed = (await router.ask("GET", "/v1/models")).told["data"]
        return {model["id"]: model["created"] for model in listed}

    models = "chat: {targets: [sim/fast]}\ngpt: {targets: [dear/gpt]}"
    environ = {"DEAR_KEY": "dear-key"}
    async with running(written(tmp_path, models), environ) as router:
        force = router.app.state.force
        force.runtime = replace(force.runtime, listed={"chat": 1, "gpt": 2})
        written(tmp_path, models + "\nnew: {targets: [sim/fast]}")
        await router.app.reload()
        kept = await created(router)
        assert (kept["chat"], kept["gpt"]) == (1, 2)
        assert kept["new"] > 2
        environ.clear()  # it is off for a while
        await router.app.reload()
        assert list(await created(router)) == ["chat", "new"]
        environ["DEAR_KEY"] = "another-key"
        await router.app.reload()
        assert (await created(router))["gpt"] > 2


async def test_a_key_that_is_taken_away_opens_nothing_from_then_on(tmp_path: Path) -> None:
    tenants = 'tenants: {team: {keys: ["${ONE}", "${TWO}"]}}'
    environ = {"ONE": "key-one", "TWO": "key-two"}
    path = written(tmp_path, server="auth: keys", rest=tenants)
    async with running(path, environ) as router:
        one, two = ({"authorization": f"Bearer {key}"} for key in environ.values())
        assert (await router.chat(headers=one)).status == 200
        written(tmp_path, server="auth: keys", rest=tenants.replace('"${ONE}", ', ""))
        await router.app.reload()
        assert (await router.chat(headers=one)).status == 401
        assert (await router.chat(headers=two)).status == 200


async def test_a_reload_does_not_make_a_draining_router_ready(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        router.app.state.ready = False
        await router.app.reload()
        assert (await router.ask("GET", "/readyz")).status == 503


async def test_a_route_whose_weights_are_all_zero_is_off_and_says_why(tmp_path: Path) -> None:
    async with running(written(tmp_path, SHARES % (1, 1))) as router:
        written(tmp_path, SHARES % (0, 0))
        await router.app.reload()
        answer = await router.chat()
        assert (answer.status, answer.error["code"]) == (404, "model_not_found")
        assert "every weight is 0" in answer.error["message"]
        assert (await router.ask("GET", "/v1/models")).told["data"] == []


async def test_how_long_a_slow_client_has_is_in_force_at_once(tmp_path: Path) -> None:
    async with running(written(tmp_path, SHARES % (1, 1))) as router:
        path = written(tmp_path, SHARES % (1, 1))
        path.write_text(path.read_text() + "\ndefaults: {timeouts: {client_write: 7s}}\n")
        await router.app.reload()
        assert router.app.state.errors == ()
        assert router.app._clients.client_write == 7.0


MOVED = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers: {{p: {{base_url: "{p}", models: [a]}}, {q}: {{base_url: "{url}", models: [b]}}}}
models:
  first: {{targets: [p/a], when_all_fail: [{{model: second}}], retry: {{attempts: 1}}}}
  second: {{targets: [{q}/b]}}
"""
FAILS = Body({"error": {"message": "out of order"}}, 500).delayed(0.3)


async def test_no_request_is_sent_where_only_a_later_file_knows_how(tmp_path: Path) -> None:
    async with Provider(FAILS) as p, Provider() as q:
        path = tmp_path / "providers.yaml"
        path.write_text(MOVED.format(p=p.url, url=q.url, q="q"))
        async with running(path) as router:
            asked = asyncio.ensure_future(router.chat("first"))
            for _ in range(100):
                if p.requests:
                    break
                await asyncio.sleep(0.005)
            path.write_text(MOVED.format(p=p.url, url=q.url, q="new"))
            await router.app.reload()
            assert (await asked).error["code"] == "upstream_failed"
            assert not q.requests
            assert (await router.chat("second")).headers["x-router-target"] == "new/b"


class Slow(Owners):
    """While it asks the others, a file is loaded."""

    reload: Callable[[], Awaitable[object]]

    async def learn(self, ids: Iterable[str]) -> None:
        await self.reload()
        await super().learn(ids)


async def test_a_request_goes_by_the_file_that_holds_once_it_is_known_to_what_it_refers(
    tmp_path: Path,
) -> None:
    async with Provider() as q:
        path = tmp_path / "providers.yaml"
        path.write_text(MOVED.format(p=q.url, url=q.url, q="q"))
        async with running(path) as router:
            router.app.pipeline.owners = owners = Slow(asyncio.get_running_loop().time)
            owners.reload = router.app.reload
            path.write_text(MOVED.format(p=q.url, url=q.url, q="new"))
            thought = {"type": "reasoning", "id": "rs_1", "encrypted_content": "x", "summary": []}
            said = [{"role": "user", "content": "Hi"}, thought]
            body = json.dumps({"model": "second", "input": said}).encode()
            told = await router.ask("POST", "/v1/responses", body, JSON)
            assert (told.status, told.headers["x-router-target"]) == (200, "new/b")
