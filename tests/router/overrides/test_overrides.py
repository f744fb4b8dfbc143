"""Operators' words in routers that run: over real sockets, over restarts, over a fleet."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.testing import Chaos
from tests.router.quota.servers import Process, process
from tests.router.running import Answer, Running, running, written

MODELS = """
chat: {policy: weighted_round_robin, targets: {sim/fast: 3, sim/other: 1}}
solo: {targets: [sim/fast]}
"""
MANY = 12  # requests that shares are counted over
JSON = {"content-type": "application/json"}
FAST = {"kind": "drain", "target": "sim/fast", "model": "chat"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    with process(tmp_path) as own:
        yield own


async def shares(router: Running) -> Counter[str]:
    """Who answered so many requests."""
    answers = [await router.chat() for _ in range(MANY)]
    return Counter(answer.headers["x-router-target"] for answer in answers)


async def say(router: Running, **fields: Any) -> Answer:
    body = json.dumps(fields).encode()
    return await router.ask_admin("POST", "/overrides", body, JSON)


async def holding(router: Running) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (await router.ask_admin("GET", "/overrides")).told["overrides"]
    return told


async def until(true: Callable[[], bool], seconds: float = 1.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.005)


@asynccontextmanager
async def fleet(folder: Path, url: str, *, count: int) -> AsyncIterator[list[Running]]:
    """Routers that share a server."""
    path = written(folder, MODELS, rest=f"shared: {{redis: '{url}'}}\n")
    first = running(path)
    if count == 1:
        async with first as one:
            yield [one]
        return
    async with first as one, fleet(folder, url, count=count - 1) as others:
        yield [one, *others]


async def test_a_drained_target_gets_nothing_new_until_it_is_lifted(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        assert await shares(router) == {"sim/fast": 9, "sim/other": 3}
        said = await say(router, **FAST, reason="it is odd", by="anna", **{"for": "2m"})
        assert said.status == 201
        assert 119 < said.told["for_s"] <= 120
        assert await shares(router) == {"sim/other": MANY}
        assert (await router.chat("solo")).status == 200
        [one] = await holding(router)
        assert one["words"] == "sim/fast is drained in chat"
        assert (one["by"], one["reason"], one["idle"]) == ("anna", "it is odd", None)
        lifted = await router.ask_admin("DELETE", f"/overrides/{one['id']}?by=bert")
        assert [gone["id"] for gone in lifted.told["lifted"]] == [one["id"]]
        assert await shares(router) == {"sim/fast": 9, "sim/other": 3}
        assert await holding(router) == []
        assert await router.says("an operator lifts, sim/fast is drained in chat:")
    log = router.stream.getvalue()
    assert f"an operator says, sim/fast is drained in chat: id={one['id']} by=anna at=127.0" in log
    assert f"id={one['id']} by=bert" in log
    assert "reason=it is odd" in log
    assert "operators' words are in force: changes=chat: sim/fast 3 → 0" in log
    assert "operators' words are in force: changes=chat: sim/fast 0 → 3" in log


async def test_a_pinned_model_goes_to_its_target_alone(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        said = await say(router, kind="pin", model="chat", target="sim/other")
        assert 3599 < said.told["for_s"] <= 3600
        assert await shares(router) == {"sim/other": MANY}
        again = await say(router, kind="pin", model="chat", target="sim/fast")
        assert again.told["replaces"] == [said.told["id"]]
        assert await shares(router) == {"sim/fast": MANY}


async def test_it_ends_by_itself(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await say(router, **FAST, **{"for": "250ms"})
        assert await shares(router) == {"sim/other": MANY}
        assert await router.says("why=its time is over")
        assert await shares(router) == {"sim/fast": 9, "sim/other": 3}
        assert await holding(router) == []


async def test_a_stream_on_a_drained_target_goes_on(tmp_path: Path) -> None:
    models = "chat: {policy: weighted_round_robin, targets: {sim/endless: 9, sim/fast: 1}}"
    async with running(written(tmp_path, models)) as router, router.streamed() as response:
        assert response.headers["x-router-target"] == "sim/endless"
        await response.content.readany()
        assert (await say(router, kind="drain", target="sim/endless")).status == 201
        for _ in range(3):
            assert b"data: {" in await response.content.readany()
        assert await shares(router) == {"sim/fast": MANY}


async def test_a_hundred_changes_under_load_cost_no_request_its_answer(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        over, answers = asyncio.Event(), Counter[int]()

        async def ask() -> None:
            while not over.is_set():
                answers[(await router.chat()).status] += 1

        clients = [asyncio.create_task(ask()) for _ in range(6)]
        for number in range(50):
            target = ("sim/fast", "sim/other")[number % 2]
            kind = ("drain", "pin")[number // 2 % 2]
            said = await say(router, kind=kind, model="chat", target=target)
            assert said.status == 201
            await router.ask_admin("DELETE", f"/overrides/{said.told['id']}")
        over.set()
        await asyncio.gather(*clients)
        assert set(answers) == {200}
        assert answers[200] > 50
        assert router.app.state.runtime.engine.in_flight == 0


async def test_what_was_learned_stays_through_it(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        async with router.streamed() as response:
            await response.read()
        before = (await router.ask_admin("GET", "/status")).told["targets"]
        said = await say(router, **FAST)
        await router.ask_admin("DELETE", f"/overrides/{said.told['id']}")
        after = (await router.ask_admin("GET", "/status")).told["targets"]
        assert before["sim/fast"]["first_token_s"] is not None
        assert after == before


async def test_it_is_shown_wherever_one_looks(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        id_ = (await say(router, **FAST)).told["id"]
        for page in ("/status", "/config", "/overrides"):
            told = (await router.ask_admin("GET", page)).told
            assert [one["id"] for one in told["overrides"]] == [id_]
        metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
        assert 'pointsman_overrides{kind="drain"} 1\n' in metrics
        assert 'pointsman_overrides{kind="pin"} 0\n' in metrics
        asked = await router.ask_admin("POST", "/explain", b'{"model": "chat"}')
        fast, other = asked.told["targets"]
        assert fast["refused"].startswith("drained by an operator until 20")
        assert fast["words"] == fast["refused"]
        assert other["refused"] is None
        status = (await router.ask_admin("GET", "/status")).told
        assert status["kept"] == {"where": f"in {tmp_path}/pointsman.state.json", "why_not": None}


async def test_the_last_target_of_a_model_is_taken_by_force_alone(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        refused = await say(router, kind="drain", target="sim/fast")
        assert refused.status == 400
        assert "the last target of solo" in refused.told["detail"]
        assert refused.told["detail"].endswith(
            '; name a model that has others (--model, in JSON "model"); to do it all the same, '
            'add --force (in JSON "force": true)'
        )
        assert await holding(router) == []
        id_ = (await say(router, **FAST)).told["id"]
        refused = await say(router, kind="pin", model="chat", target="sim/fast")
        first = f"; `pointsman lift {id_}` first (sim/fast is drained in chat); to do it all"
        assert first in refused.told["detail"]
        assert (await say(router, kind="drain", target="sim/fast", force=True)).status == 201
        assert await shares(router) == {"sim/other": MANY}
        off = await router.chat("solo")
        assert off.status == 404
        assert "sim/fast is drained by an operator until" in str(off.error["message"])
        assert (await router.chat("sim/fast")).status == 200


async def test_only_what_keeps_a_model_without_targets_is_to_be_lifted(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await say(router, **FAST)
        refused = await say(router, kind="drain", target="sim/fast", model="solo")
        assert refused.told["detail"] == (
            "it takes the last target of solo, whose requests would fail; to do it all the same, "
            'add --force (in JSON "force": true)'
        )


async def test_who_is_pinned_is_said_beside_what_such_a_request_takes(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await say(router, kind="pin", model="chat", target="sim/other")
        asked = await router.ask_admin("POST", "/explain", b'{"model": "chat"}')
        words = {one["target"]: one["words"] for one in asked.told["targets"]}
        assert words["sim/other"].startswith("pinned by an operator until 20")
        assert words["sim/other"].endswith("; gets all such requests")


async def test_a_shift_whose_canary_is_drained_says_that_nothing_moves(tmp_path: Path) -> None:
    models = "chat: {targets: [sim/fast], shift: {to: [sim/other], steps: [10, 100]}}"
    async with running(written(tmp_path, models)) as router:
        assert await router.says("a shift begins")
        assert (await say(router, kind="drain", target="sim/other")).status == 201
        asked = await router.ask_admin("POST", "/explain", b'{"model": "chat"}')
        shift = asked.told["shift"]
        assert (shift["share"], shift["targets"]) == (0.0, [])
        assert shift["verdict"].startswith("nothing moves: sim/other is drained by an operator")
        [one] = (await router.ask_admin("GET", "/shifts")).told["shifts"].values()
        assert "nothing of it moves meanwhile: sim/other is drained by an oper" in one["words"]


async def test_a_shift_away_from_a_pinned_target_says_that_nothing_moves(tmp_path: Path) -> None:
    models = "chat: {targets: [sim/fast], shift: {to: [sim/other], steps: [10, 100]}}"
    async with running(written(tmp_path, models)) as router:
        assert await router.says("a shift begins")
        await say(router, kind="pin", model="chat", target="sim/fast")
        asked = await router.ask_admin("POST", "/explain", b'{"model": "chat"}')
        assert "nothing moves: sim/fast is pinned by an op" in asked.told["shift"]["verdict"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"kind": "pin", "model": "chat", "target": "sim/fats"}, 'did you mean "sim/fast"?'),
        ({"kind": "pin", "model": "caht", "target": "sim/fast"}, 'did you mean "chat"?'),
        ({"kind": "drain", "target": "sim/silent"}, "is declared, but no target of any model"),
        ({"kind": "drain", "target": "sim/fast", "for": "31d"}, "at most 30d"),
    ],
)
async def test_what_cannot_be_said_changes_nothing_and_is_answered_with_its_remedy(
    fields: dict[str, Any], told: str, tmp_path: Path
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        refused = await say(router, **fields)
        assert (refused.status, refused.told["title"]) == (400, "invalid_override")
        assert told in refused.told["detail"]
        assert await holding(router) == []
        gone = await router.ask_admin("DELETE", "/overrides/nope")
        assert (gone.status, gone.told["title"]) == (404, "no_such_override")
        assert (await router.ask_admin("DELETE", "/overrides?all=1")).status == 400


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"content-type": "text/plain"}, 415),
        ("POST", {"content-type": "multipart/form-data; boundary=x"}, 415),
        ("POST", {**JSON, "origin": "https://evil.example"}, 403),
        ("DELETE", {"origin": "https://evil.example"}, 403),
        ("DELETE", {"host": "evil.example"}, 403),
        (
            "OPTIONS",
            {"origin": "https://e.example", "access-control-request-method": "DELETE"},
            403,
        ),
    ],
)
async def test_a_page_in_a_browser_can_change_nothing(
    method: str, headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await say(router, **FAST)
        body = json.dumps({"kind": "pin", "model": "chat", "target": "sim/fast"}).encode()
        refused = await router.ask_admin(method, "/overrides", body, headers)
        assert refused.status == status
        assert len(await holding(router)) == 1


async def test_it_holds_over_a_reload_and_over_a_restart(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    async with running(path) as router:
        await say(router, **FAST)
        written(tmp_path, MODELS.replace("sim/other: 1", "sim/other: 2"))
        await router.app.reload()
        assert await shares(router) == {"sim/other": MANY}
    async with running(path) as again:
        assert await shares(again) == {"sim/other": MANY}
        await again.ask_admin("DELETE", "/overrides")
    async with running(path) as third:
        assert set(await shares(third)) == {"sim/fast", "sim/other"}


async def test_one_whose_target_has_left_the_file_is_idle_until_it_is_back(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await say(router, **FAST)
        written(tmp_path, "chat: {targets: [sim/other]}")
        await router.app.reload()
        assert await router.refused() == []
        [one] = await holding(router)
        assert one["idle"] == "sim/fast is no target of chat now"
        metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
        assert 'pointsman_overrides{kind="drain"} 0\n' in metrics
        written(tmp_path, MODELS)
        await router.app.reload()
        assert [one["idle"] for one in await holding(router)] == [None]
        assert await shares(router) == {"sim/other": MANY}


async def test_a_state_that_cannot_be_read_serves_all_the_same(tmp_path: Path) -> None:
    state = tmp_path / "own.json"
    state.write_text("{")
    async with running(written(tmp_path, MODELS, server="state: own.json")) as router:
        assert (await router.chat()).status == 200
        assert (await say(router, **FAST)).told["kept"]["why_not"] is None
    assert "own.json.unreadable" in router.stream.getvalue()


async def test_what_one_instance_is_told_holds_in_all_within_a_second(
    tmp_path: Path, own: Process
) -> None:
    async with fleet(tmp_path, own.url, count=2) as (one, other):
        said = await say(one, **FAST, by="anna")
        assert said.told["kept"]["where"] == "with the fleet default, on its shared server"
        assert await other.says("an operator's word holds, sim/fast is drained in chat:")
        assert await shares(other) == await shares(one) == {"sim/other": MANY}
        await other.ask_admin("DELETE", f"/overrides/{said.told['id']}")
        assert await one.says("why=lifted or replaced")
        assert await shares(one) == {"sim/fast": 9, "sim/other": 3}
        await say(other, kind="pin", model="chat", target="sim/fast")
        assert await one.says("an operator's word holds, chat goes to sim/fast alone:")
    async with fleet(tmp_path, own.url, count=1) as (later,):
        assert await shares(later) == {"sim/fast": MANY}


async def test_while_the_shared_server_is_away_what_holds_holds_and_nothing_new_is_said(
    tmp_path: Path, own: Process
) -> None:
    async with Chaos(own.url) as network, fleet(tmp_path, network.url, count=1) as (one,):
        await say(one, **FAST, **{"for": "2s"})
        network.black_hole = True
        refused = await say(one, kind="pin", model="chat", target="sim/fast")
        assert (refused.status, refused.told["title"]) == (503, "shared_server_away")
        assert await shares(one) == {"sim/other": MANY}
        await until(lambda: "why=its time is over" in one.stream.getvalue(), 3)
        assert set(await shares(one)) == {"sim/fast", "sim/other"}


async def test_a_file_that_was_refused_says_nothing_of_what_is_left(tmp_path: Path) -> None:
    both = "chat: {targets: [sim/fast, sim/other]}"
    async with running(written(tmp_path, both, server="plugins: [json]")) as router:
        one = "chat: {policy: 'json:JSONDecodeError', targets: [sim/fast]}"  # it cannot be made
        written(tmp_path, one, server="plugins: [json]")
        await router.app.reload()
        assert "cannot be made" in (await router.refused())[0]
        assert (await say(router, kind="drain", target="sim/fast", model="chat")).status == 201
        assert (await router.chat()).headers["x-router-target"] == "sim/other"
