"""A conversation goes where it was, as in the simulator; and what was cached is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies import LeastLatency, WeighedLatency
from policies.policy import NO_FEATURES
from router.building.choosing import make
from router.caller import Wishes
from router.config import PolicySpec, load
from tests.router.clock import in_virtual_time
from tests.router.running import running, written
from tests.router.scene import Scene
from tests.router.scripted import DONE, END, EVENTS, FINISH, Script, answer, event, text

LONG = "so it was said of them " * 90
TALK = [{"role": "user", "content": f"{turn} {LONG}"} for turn in range(9)]
MODELS = """
chat:
  policy: {name: least_latency, affinity: prefix, price: 0.3}
  targets: [sim/fast, sim/other]
plain: {targets: [sim/fast, sim/other]}
"""


def usage(cached: int) -> dict[str, Any]:
    told = {"prompt_tokens": 4_000, "completion_tokens": 3, "total_tokens": 4_003}
    return {**told, "prompt_tokens_details": {"cached_tokens": cached}}


@in_virtual_time
async def test_a_conversation_goes_on_where_it_began_and_others_go_elsewhere() -> None:
    script = [answer(usage=usage(3_500))] * 30
    scene = Scene({"a/m": script, "b/m": script}, policy=WeighedLatency("prefix"))
    for turn in range(3, 9):
        await scene.ask(messages=TALK[:turn])
    assert len(set(scene.asked)) == 1
    for number in range(12):
        await scene.ask(messages=[{"role": "system", "content": f"{number}"}, *TALK[:3]])
    assert set(scene.asked) == {"a/m", "b/m"}


@in_virtual_time
async def test_sessions_stay_where_they_are() -> None:
    script = [answer(usage=usage(3_500))] * 30
    scene = Scene({"a/m": script, "b/m": script}, policy=WeighedLatency("prefix"))
    for number in range(12):
        for turn in range(2):
            wishes = Wishes(session=f"s{number}")
            await scene.ask(messages=[TALK[turn]] * 3, wishes=wishes)
    assert scene.asked[::2] == scene.asked[1::2]
    assert set(scene.asked) == {"a/m", "b/m"}


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_what_was_cached_is_in_the_report(stream: bool) -> None:
    told = event(choices=[], usage=usage(3_500))
    streamed: Script = [EVENTS, text("Hello"), FINISH, told, DONE, END]
    scene = Scene({"a/m": [streamed if stream else answer(usage=usage(3_500))]})
    await scene.ask(stream=stream)
    (record,) = scene.kept.attempts
    assert (record.report.input_tokens, record.report.cached_tokens) == (4_000, 3_500)


@in_virtual_time
async def test_nothing_is_read_of_a_request_whose_route_does_not_ask() -> None:
    scene = Scene({"a/m": [answer()]}, policy=LeastLatency())
    assert "chat" not in scene.runtime.needs
    scene = Scene({"a/m": [answer()]}, policy=WeighedLatency(price=1.0))
    assert "chat" not in scene.runtime.needs
    assert NO_FEATURES == {}


def test_least_latency_without_options_is_what_it_was() -> None:
    assert type(make(PolicySpec("least_latency"))) is LeastLatency
    options = {"affinity": "prefix", "price": 0.3}
    assert make(PolicySpec("least_latency", options)) == WeighedLatency("prefix", 0.3)


def test_options_are_read_from_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, MODELS), {})
    assert dict(config.models["chat"].policy.options) == {"affinity": "prefix", "price": 0.3}
    assert dict(config.models["plain"].policy.options) == {}


async def test_without_keys_conversations_are_read_from_caches_and_stay(tmp_path: Path) -> None:
    went, cached = [], []
    async with running(written(tmp_path, MODELS)) as router:
        for number in range(20):
            asked = [*TALK, {"role": "user", "content": f"and {number}"}]
            answer = await router.chat(messages=asked, max_tokens=1)
            went.append(answer.headers["x-router-target"])
            usage = answer.told["usage"]
            cached.append(usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"])
    assert len(set(went)) == 1
    assert cached[0] == 0
    assert min(cached[1:]) > 0.8


async def test_explain_says_what_is_warm(tmp_path: Path) -> None:
    body = {"model": "chat", "messages": TALK}
    async with running(written(tmp_path, MODELS)) as router:
        sent = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        answer = await router.ask("POST", "/v1/chat/completions", sent, headers)
        assert answer.status == 200
        went = answer.headers["x-router-target"]
        asked = json.dumps({"body": body}).encode()
        told = (await router.ask_admin("POST", "/explain", asked)).told
    words = {target["target"]: target["words"] for target in told["targets"]}
    assert "tokens warm here" in words[went]
    assert all("nothing of it is warm here" in words[name] for name in words if name != went)
    assert all("no price is known" in said for said in words.values())
