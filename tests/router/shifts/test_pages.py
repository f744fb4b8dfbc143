"""What operators see of shifts and do to them, in a router that runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from tests.router.running import JSON, Running, running, written

MODELS = """
chat: {targets: [sim/fast], shift: {to: [sim/other], steps: [10, 100], by: request}}
other: {targets: [sim/fast]}
"""


async def begun(router: Running) -> None:
    for _ in range(300):
        if (await router.ask_admin("GET", "/shifts")).told["shifts"]["chat"]["share"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not begin")


async def order(router: Running, model: str, what: str) -> tuple[int, str]:
    body = msgspec.json.encode({"do": what})
    answer = await router.ask_admin("POST", f"/shifts/{model}", body, JSON)
    return answer.status, answer.told.get("detail", answer.told.get("state"))


async def test_a_shift_is_shown_with_both_arms_and_what_the_guards_say(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await begun(router)
        for _ in range(30):
            assert (await router.chat()).status == 200
        told = (await router.ask_admin("GET", "/shifts")).told
        assert told["frozen"] is None
        assert told["kept"]["where"].endswith("pointsman.state.json")
        [(model, one)] = told["shifts"].items()
        assert (model, one["state"], one["share"], one["write"]) == ("chat", "running", 0.1, None)
        assert one["to"] == {"sim/other": 1.0}
        assert set(one["step"]) == {"control", "canary"}
        assert {each["guard"] for each in one["guards"]} >= {"errors", "first_token_p95", "cost"}
        status = (await router.ask_admin("GET", "/status")).told["shifts"]["shifts"]["chat"]
        assert status["words"].startswith("running for")
        page = (await router.ask_admin("GET", "/metrics")).body.decode()
        assert 'pointsman_shift_share{model="chat"} 0.1' in page
        assert 'pointsman_shift_state{model="chat",state="running"} 1' in page
        counts = [line for line in page.splitlines() if "shift_requests_total{" in line]
        assert sum(float(line.rpartition(" ")[2]) for line in counts) == 30


async def test_an_operator_s_word_is_done_at_once_and_is_a_line_of_the_log(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await begun(router)
        assert await order(router, "chat", "pause") == (200, "paused")
        assert await router.says("an operator changes a shift: model=chat do=pause at=127.0.0.1")
        assert await order(router, "chat", "resume") == (200, "running")
        assert await order(router, "chat", "abort") == (200, "aborted")
        for _ in range(20):
            answer = await router.chat()
            assert answer.headers["x-router-target"] == "sim/fast"
        assert await router.says("a shift is aborted: model=chat share=10 % → 0 %")


async def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await begun(router)
        status, why = await order(router, "chat", "resume")
        assert (status, why) == (409, "the shift is running: there is nothing to resume")
        status, why = await order(router, "chta", "pause")
        assert (status, why) == (404, '"chta" has no shift; did you mean "chat"?')
        assert (await order(router, "chat", "stop"))[0] == 400
        for body in (b"", b"{", b"[]", b'{"do": "pause", "then": 1}'):
            answer = await router.ask_admin("POST", "/shifts/chat", body, JSON)
            assert answer.status == 400
        plain = await router.ask_admin("POST", "/shifts/chat", b'{"do": "abort"}')
        assert plain.status == 415
        assert (await router.ask_admin("GET", "/shifts")).told["shifts"]["chat"]["share"] == 0.1


async def targets_of(router: Running) -> set[str]:
    return {(await router.chat()).headers["x-router-target"] for _ in range(40)}


async def test_a_pin_and_a_drain_are_stronger_than_a_shift(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS.replace("[10, 100]", "[50, 100]"))) as router:
        await begun(router)
        assert await targets_of(router) == {"sim/fast", "sim/other"}
        for said in (
            {"kind": "pin", "model": "chat", "target": "sim/fast"},
            {"kind": "drain", "target": "sim/other"},
        ):
            answer = await router.ask_admin("POST", "/overrides", msgspec.json.encode(said), JSON)
            assert answer.status == 201, answer.told
            assert await targets_of(router) == {"sim/fast"}
            await router.ask_admin("DELETE", "/overrides")
            assert await targets_of(router) == {"sim/fast", "sim/other"}
        shift = (await router.ask_admin("GET", "/shifts")).told["shifts"]["chat"]
        assert shift["step"]["canary"]["failures"] == 0


async def test_without_a_shift_in_the_file_there_is_nothing(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        assert (await router.ask_admin("GET", "/shifts")).told["shifts"] == {}
        assert (await order(router, "chat", "pause"))[0] == 404


async def test_a_shift_that_a_reload_removes_meanwhile_is_no_fault_of_ours(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        await begun(router)
        shifting = router.app.state.shifting
        held = shifting.order

        async def overtaken(model: str, what: str) -> None:
            await held(model, what)
            shifting.take([], {})

        shifting.order = overtaken  # type: ignore[method-assign]
        status, detail = await order(router, "chat", "pause")
        none = "no model of the file has one: write `shift: {to: …}` under one"
        assert (status, detail) == (404, f'"chat" has no shift; {none}')
