"""How requests were decided, asked over a real connection of a whole router."""

import asyncio
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from policies import Engine, LeastLatency, Outcome, Phase, Report, Request, Scope
from policies.engine.showing.record import Choice, Record, Verb
from policies.simulate.replay import replay
from router.building import build
from router.config import load
from tests.router.running import JSON, completion, running, written

MODELS = """
chat: {policy: least_latency, targets: [sim/broken, sim/fast, sim/other]}
steady: {policy: priority, tiers: [[sim/broken], [sim/fast]]}
"""
ALL = "decisions: {rate: all}"


async def test_a_request_is_found_by_its_id_and_told_in_words(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        answer = await router.chat("steady")
        path = f"/decisions/{answer.headers['x-request-id']}"
        found = await router.ask_admin("GET", path)
    told = found.told
    assert found.status == 200
    assert told["request_id"] == answer.headers["x-request-id"]
    assert (told["model"], told["end"], told["status"]) == ("steady", "ok", 200)
    assert (told["target"], told["tenant"], told["left_out"]) == ("sim/fast", "default", 0)
    first, again, second = told["attempts"]
    assert again["target"] == "sim/broken"  # alone in its tier: once more on the spot
    assert (first["target"], first["number"], first["outcome"]) == ("sim/broken", 1, "failed")
    assert (first["phase"], first["detail"]) == ("head", "500 server_error")
    assert (second["target"], second["number"], second["outcome"]) == ("sim/fast", 3, "ok")
    assert second["started"] <= second["sent"] <= second["ended"]
    assert [one["kind"] for one in told["attempts"]] == ["first", "again", "next"]
    assert [one["propensity"] for one in told["attempts"]] == [1.0, None, 1.0]
    assert [one["money"] for one in told["attempts"]] == [None, None, None]  # no price is known
    assert told["revision"] == router.app.state.runtime.revision
    words = [sentence.partition(": ")[2] for sentence in told["words"]]
    assert words[0].startswith("asked for steady with about ")
    assert words[1].startswith("Priority chose sim/broken: not measured yet")
    assert words[2].startswith("waits for the answer; ")
    assert words[3].startswith("sim/broken failed (before an answer began) after ")
    assert words[4].startswith("Priority chose sim/broken: ")
    assert words[7].startswith("Priority chose sim/fast: not measured yet")
    assert words[7].endswith("; not sim/broken (it has already failed this request)")
    assert words[-2].startswith("sim/fast answered after ")
    assert words[-1] == "over"
    choice = next(step["said"] for step in told["steps"] if "send" in step.get("said", {}))
    assert [target["target"] for target in choice["targets"]] == ["sim/broken", "sim/fast"]
    assert choice["targets"][0]["availability"] == choice["targets"][0]["ramp"] == 1.0
    assert choice["targets"][0]["in_flight"] == 0  # as it was before the choice


async def test_the_newest_come_first_and_may_be_picked(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        ids = [
            (await router.chat(model)).headers["x-request-id"]
            for model in ("steady", "sim/broken", "steady", "sim/fast")
        ]

        async def asked(query: str) -> list[str]:
            told = (await router.ask_admin("GET", f"/decisions{query}")).told
            assert (told["requests"], told["recorded"], told["kept"]) == (4, 4, 4)
            assert told["engine"]["reloads"] == 0
            return [decision["request_id"] for decision in told["decisions"]]

        assert await asked("") == ids[::-1]
        assert await asked("?limit=1") == ids[3:]
        assert await asked("?limit=0") == []
        assert await asked("?model=steady") == [ids[2], ids[0]]
        assert await asked("?model=sim%2Ffast&end=ok") == [ids[3]]
        assert await asked("?end=error") == [ids[1]]


@pytest.mark.parametrize("query", ["limit=", "limit=-1", "limit=all", "limit=9999999999", "a=b"])
async def test_a_query_that_is_none_is_400(tmp_path: Path, query: str) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask_admin("GET", f"/decisions?{query}")
    assert (answer.status, answer.told["title"]) == (400, "invalid_query")


async def test_what_was_not_recorded_or_is_gone_is_404_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, server="decisions: {keep: 1, rate: 2/day}")
    async with running(path) as router:
        ids = [(await router.chat()).headers["x-request-id"] for _ in range(3)]
        for request_id in (ids[0], ids[2], "req_0", "", "a/b"):
            answer = await router.ask_admin("GET", f"/decisions/{request_id}")
            assert (answer.status, answer.told["title"]) == (404, "no_such_decision")
            assert answer.told["detail"] == "it was not recorded, or is no longer kept"
        assert (await router.ask_admin("GET", f"/decisions/{ids[1]}")).status == 200
        told = (await router.ask_admin("GET", "/decisions")).told
    assert (told["requests"], told["recorded"], told["kept"]) == (3, 2, 1)


async def test_with_nothing_to_keep_nothing_is_recorded(tmp_path: Path) -> None:
    async with running(written(tmp_path, server="decisions: {keep: 0}")) as router:
        await router.chat()
        for page in ("/decisions", "/decisions/req_1"):
            answer = await router.ask_admin("GET", page)
            assert (answer.status, answer.told["title"]) == (404, "no_decisions")
            assert "server.decisions.keep is 0" in answer.told["detail"]


async def test_a_record_holds_no_text_no_key_and_no_header(tmp_path: Path) -> None:
    rest = 'tenants: {team: {keys: ["${KEY}"]}}'
    path = written(tmp_path, server="auth: keys", rest=rest)
    async with running(path, {"KEY": "team-key", "DEAR_KEY": "dear-key"}) as router:
        headers = {**JSON, "authorization": "Bearer team-key", "traceparent": "my-trace"}
        headers["openai-beta"] = "my-beta"
        body = completion("chat", "my prompt", user="my user", metadata={"my": "note"})
        await router.ask("POST", "/v1/chat/completions", body, headers)
        answer = await router.ask_admin("GET", "/decisions")
    assert len(answer.told["decisions"]) == 1
    for secret in ("team-key", "dear-key", "my-trace", "my-beta", "my prompt", "my user", "note"):
        assert secret not in answer.body.decode()


# What is told there is enough to decide it all again.


def record_of(told: dict[str, Any]) -> Record:
    """A record, read back from what the page tells of it."""
    asked = {name: told["request"][name] for name in Request._fields if name in told["request"]}
    only = frozenset(asked["only"]) if asked["only"] is not None else None
    policy = LeastLatency() if asked["policy"] is not None else None
    del asked["band"]
    request = Request(**{**asked, "only": only, "policy": policy})
    record = Record(count(), request)
    for step in told["steps"]:
        about = dict(step)
        said = about.pop("said", None)
        report = about.pop("report", None)
        record.order = iter([about["order"]])
        record.keep(
            about["at"],
            Verb(about["call"]),
            about.get("attempt", 0),
            said=said,
            report=report_of(report) if report is not None else None,
            target=about.get("target", ""),
            until=about.get("until"),
        )
    return record


def report_of(told: dict[str, Any]) -> Report:
    kinds = {
        "outcome": Outcome[told["outcome"].upper()],
        "phase": Phase(told["phase"]),
        "scope": Scope(told["scope"]),
    }
    return Report(**{**told, **kinds})


async def test_what_the_page_tells_is_enough_to_decide_it_again(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS, server=ALL)
    async with running(path) as router:
        for _ in range(6):
            await asyncio.gather(
                *(router.chat("chat", stream=number % 2 > 0) for number in range(6)),
                router.chat("steady"),
                router.chat("chat", headers={"x-router-policy": "least_latency"}),
                router.chat("chat", headers={"x-router-target": "sim/other"}),
            )
        told = (await router.ask_admin("GET", "/decisions?limit=1000")).told
    assert told["requests"] == told["kept"] == len(told["decisions"]) == 54
    config = load(path, {})
    engine = Engine(
        build.routes_of(config),
        facts=build.facts_of(config),
        rng=Random(told["engine"]["seed"]),
        now=told["engine"]["started"],
    )
    sends, broken = 0, 0
    for each in replay(engine, [record_of(decision) for decision in told["decisions"]]):
        recorded: Any = each.recorded  # as JSON tells it
        if isinstance(each.replayed, Choice):
            assert recorded["send"] == each.replayed.target
            assert [target["health"] for target in recorded["targets"]] == [
                view.factors.score for view in each.replayed.targets
            ]
            sends, broken = sends + 1, broken + (recorded["send"] == "sim/broken")
        else:
            assert recorded["wait"] == each.replayed.cause.name.lower()  # type: ignore[union-attr]
            assert recorded["until"] == each.replayed.until  # type: ignore[union-attr]
    assert sends > 54
    assert broken > 2
