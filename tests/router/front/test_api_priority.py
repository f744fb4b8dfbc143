"""Who goes first, and who may say so; and where a hard request starts."""

import json
from pathlib import Path

import pytest

from policies import Band
from router.caller import Wishes
from router.dialects.contract import ClientError
from router.front.wishes import wishes_of
from tests.router.front.keyed import ENVIRON, PART, WHOLE, keyed
from tests.router.running import running, written

SMART = """
smart:
  policy: cost_tiers
  tiers: [[sim/fast], [sim/other]]
  start: [{if: {tools: true}, tier: 2}, {if: {input_tokens: '>1k', stream: true}, tier: 2}]
"""
TOOL = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize("band", Band)
def test_a_priority_is_asked_for_by_its_name(band: Band) -> None:
    assert wishes_of({"x-router-priority": band.name.lower()}).priority is band


@pytest.mark.parametrize("text", ["high", "Critical", "1", "critical,standard"])
def test_an_unknown_priority_is_400_and_names_the_three(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        wishes_of({"x-router-priority": text})
    error = caught.value
    assert (error.status, error.code, error.param) == (400, "invalid_header", "x-router-priority")
    assert error.message == "x-router-priority: one of critical, standard, sheddable"
    assert error.hopeless


def test_an_empty_priority_asks_for_nothing() -> None:
    assert wishes_of({"x-router-priority": ""}) == Wishes()


async def test_a_priority_is_for_tenants_that_may_choose_one(tmp_path: Path) -> None:
    header = {"x-router-priority": "critical"}
    async with running(keyed(tmp_path), ENVIRON) as router:
        refused = await router.chat(headers=PART | header)
        allowed = await router.chat(headers=WHOLE | header)
    assert (refused.status, refused.error["code"]) == (403, "not_allowed")
    assert "may: [priority]" in str(refused.error["message"])
    assert allowed.status == 200


async def test_where_auth_is_open_everyone_may(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        assert (await router.chat(headers={"x-router-priority": "sheddable"})).status == 200
        assert (await router.chat(headers={"x-router-priority": "luck"})).status == 400


async def test_a_request_starts_in_the_tier_that_the_file_s_rules_name(tmp_path: Path) -> None:
    async with running(written(tmp_path, SMART)) as router:
        easy = await router.chat("smart", tools=[])
        hard = await router.chat("smart", tools=[TOOL])
        named = await router.chat("smart", tools=[TOOL], headers={"x-router-target": "sim/fast"})
        freed = await router.chat("smart", tools=[TOOL], headers={"x-router-policy": "priority"})
    answers = [easy, hard, named, freed]
    assert [answer.status for answer in answers] == [200] * 4
    targets = [answer.headers["x-router-target"] for answer in answers]
    assert targets == ["sim/fast", "sim/other", "sim/fast", "sim/fast"]


async def test_after_a_reload_the_new_rules_count(tmp_path: Path) -> None:
    path = written(tmp_path, SMART)
    async with running(path) as router:
        path.write_text(path.read_text().replace("tools: true", "schema: true"))
        await router.app.reload()
        tools = await router.chat("smart", tools=[TOOL])
        schema = await router.chat("smart", response_format={"type": "json_schema"})
    assert tools.headers["x-router-target"] == "sim/fast"
    assert schema.headers["x-router-target"] == "sim/other"


async def test_explain_shows_which_tier_a_request_would_start_in(tmp_path: Path) -> None:
    rule = SMART.replace("tools: true", "input_tokens: '>2k'")
    async with running(written(tmp_path, rule)) as router:
        body = json.dumps({"model": "smart", "input_tokens": 3_000}).encode()
        told = (await router.ask_admin("POST", "/explain", body)).told
    first, second = told["targets"]
    assert (first["tier"], first["refused"]) == (1, "its tier is not open to the request")
    assert (second["tier"], second["odds"]) == (2, 1.0)
