"""Which arm of a shift a request is in, and that nobody else notices."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest

from policies import Engine
from router.admin.decisions import one
from router.admin.explain import explain
from router.admin.question import Question
from router.barring import Barring
from router.building import build
from router.building.assembly import runtime_of
from router.caller import Caller, Wishes
from router.config import Config, Only, Place, load
from router.dialects.contract import ClientError
from router.dialects.openai.dialect import OPENAI
from router.pipeline import Pipeline
from router.telemetry.decisions import Decisions, Origin
from router.telemetry.journal import Journal
from router.tenants.identity import EVERYTHING, Tenant
from router.upstream.http import Http
from tests.router.running import written
from tests.router.scene import ALL, MESSAGES, Kept
from tests.router.scripted import Client

CHAT = """
chat:
  targets: [sim/fast]
  shift: {to: {sim/other: 1}}
"""
LIMITED = Tenant("limited", EVERYTHING, frozenset({"chat"}))


def moved(config: Config, share: float) -> Config:
    """Every shift of the file has come so far."""
    models = dict(config.models)
    for name, route in config.models.items():
        if route.shift is not None:
            models[name] = replace(route, shift=replace(route.shift, share=share))
    return replace(config, models=MappingProxyType(models))


class Asked:
    """A pipeline over simulated providers, whose shifts have come so far."""

    def __init__(self, config: Config, http: Http) -> None:
        loop = asyncio.get_running_loop()
        self.config, self.kept = config, Kept()
        self.decisions = Decisions(Origin("e", 1, loop.time()), most=None)
        routes = build.routes_of(config)
        engine = Engine(routes, facts=build.facts_of(config), rng=Random(1), now=loop.time())
        self.runtime = runtime_of(config, routes, engine, build.upstreams_of(config, {}, http))
        journal = Journal([self.kept, self.decisions], failed)
        self.pipeline = Pipeline(lambda: self.runtime, journal, loop, self.decisions)
        self._count = 0

    async def ask(
        self,
        model: str = "chat",
        wishes: Wishes = Wishes(),  # noqa: B008 - a value
        tenant: Tenant = ALL,
        **fields: Any,
    ) -> str:
        """Ask, and say who answered."""
        self._count += 1
        body = json.dumps({"model": model, "messages": MESSAGES} | fields)
        call = OPENAI.parse(body.encode(), "chat")
        client = Client()
        caller = Caller(f"req_{self._count}", tenant, OPENAI, {}, wishes)
        assert await self.pipeline.run(call, caller, client), client.body
        return client.headers["x-router-target"]

    async def session(self, name: str) -> str:
        return await self.ask(wishes=Wishes(session=name))


def failed(reader: str, error: Exception) -> None:
    raise AssertionError(reader) from error


@asynccontextmanager
async def asked(folder: Path, models: str = CHAT, share: float = 0.0) -> AsyncIterator[Asked]:
    http = Http()
    yield Asked(moved(load(written(folder, models), {}), share), http)
    await http.close()


async def test_before_it_has_begun_nobody_is_in_the_canary(tmp_path: Path):
    async with asked(tmp_path) as router:
        assert {await router.session(str(n)) for n in range(50)} == {"sim/fast"}


async def test_at_its_end_everybody_is(tmp_path: Path):
    async with asked(tmp_path, share=1.0) as router:
        assert {await router.session(str(n)) for n in range(50)} == {"sim/other"}


async def test_a_session_stays_on_its_side_while_the_share_grows(tmp_path: Path):
    sides = []
    for share in (0.05, 0.25, 0.5):
        async with asked(tmp_path, share=share) as router:
            names = [f"s{n}" for n in range(200)]
            sides.append({name for name in names if await router.session(name) == "sim/other"})
            again = {name for name in names if await router.session(name) == "sim/other"}
            assert again == sides[-1]
    assert sides[0] < sides[1] < sides[2]
    assert 0.15 < len(sides[1]) / 200 < 0.35


@pytest.mark.parametrize("by", ["session", "user"])
async def test_a_user_stays_on_its_side(tmp_path: Path, by: str):
    models = CHAT.replace("{to:", f"{{by: {by}, to:")
    async with asked(tmp_path, models, 0.5) as router:
        for user in map(str, range(20)):
            assert len({await router.ask(user=user) for _ in range(4)}) == 1
        who = Counter([await router.ask(user=str(n)) for n in range(100)])
    assert 30 < who["sim/other"] < 70


async def test_a_user_of_another_tenant_is_somebody_else(tmp_path: Path):
    async with asked(tmp_path, share=0.5) as router:
        pairs = [
            (await router.ask(user=str(n)), await router.ask(user=str(n), tenant=LIMITED))
            for n in range(40)
        ]
    assert any(one != other for one, other in pairs)


@pytest.mark.parametrize("by", ["session", "request"])
async def test_who_names_nobody_is_drawn_request_by_request(tmp_path: Path, by: str):
    models = CHAT.replace("{to:", f"{{by: {by}, to:")
    async with asked(tmp_path, models, 0.5) as router:
        who = Counter([await router.ask() for _ in range(200)])
    assert 70 < who["sim/other"] < 130


async def test_whom_the_canary_fails_the_other_targets_serve(tmp_path: Path):
    async with asked(tmp_path, CHAT.replace("sim/other", "sim/broken"), 1.0) as router:
        assert {await router.ask() for _ in range(20)} == {"sim/fast"}
        firsts = [record for record in router.kept.attempts if record.number == 1]
        assert {record.model for record in firsts} == {"chat→to"}
        assert firsts[0].target == "sim/broken"
        assert {record.model for record in router.kept.requests} == {"chat"}


async def test_a_canary_that_is_new_to_the_router_is_asked_by_all_who_are_in_it(tmp_path: Path):
    async with asked(tmp_path, share=1.0) as router:
        engine, now = router.runtime.engine, asyncio.get_running_loop().time()
        routes, facts = build.routes_of(router.config), build.facts_of(router.config)
        engine.replace({"chat": routes["chat"]}, facts, now)
        engine.replace(routes, facts, now)
        assert engine.snapshot(now)["sim/other"].state == "recovering"
        assert {await router.ask() for _ in range(50)} == {"sim/other"}


async def test_the_canary_s_own_route_cannot_be_asked_for_or_seen(tmp_path: Path):
    async with asked(tmp_path, share=1.0) as router:
        with pytest.raises(ClientError) as refused:
            await router.ask("chat→to")
        assert refused.value.status == 404
        assert "chat→to" not in refused.value.message.partition("; ")[2]
        assert list(router.runtime.models(ALL)) == ["chat"]


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_a_target_that_is_named_is_asked_in_whichever_arm_it_is(tmp_path: Path, share: float):
    async with asked(tmp_path, share=share) as router:
        for target in ("sim/fast", "sim/other"):
            assert await router.ask(wishes=Wishes(target=target)) == target
            assert await router.ask(target, tenant=LIMITED) == target


async def test_who_is_confined_to_targets_of_both_arms_is_drawn_as_anybody(tmp_path: Path):
    models = CHAT.replace("{sim/other: 1}", "{sim/other: 1, sim/fast: 1}")
    async with asked(tmp_path, models, 0.5) as router:
        arms = router.runtime.shifts["chat"]
        call = OPENAI.parse(b'{"model": "chat", "messages": []}', "chat")
        only = frozenset({"sim/fast"})
        callers = [Caller(f"req_{n}", ALL, OPENAI, {}) for n in range(100)]
        assert 25 < sum(arms.takes(call, caller, only) for caller in callers) < 75
        assert all(arms.takes(call, caller, frozenset({"sim/other"})) for caller in callers)


async def test_a_policy_that_is_wished_for_is_the_control_s(tmp_path: Path):
    async with asked(tmp_path, share=1.0) as router:
        assert await router.ask(wishes=Wishes(policy="least_latency")) == "sim/fast"


async def test_a_model_that_others_fall_back_on_moves_for_them_as_well(tmp_path: Path):
    models = f"{CHAT}first: {{targets: [sim/broken], when_all_fail: [{{model: chat}}]}}"
    async with asked(tmp_path, models, 1.0) as router:
        assert await router.ask("first") == "sim/other"


async def test_a_canary_falls_back_on_the_model_s_own_ladder(tmp_path: Path):
    models = """
chat: {targets: [sim/broken], shift: {to: {sim/broken: 2}}, when_all_fail: [{model: spare}]}
spare: {targets: [sim/fast]}
"""
    async with asked(tmp_path, models, 1.0) as router:
        assert await router.ask() == "sim/fast"


async def test_a_decision_says_which_arm_it_was_made_in(tmp_path: Path):
    async with asked(tmp_path, share=1.0) as router:
        await router.ask()
        [decision] = router.decisions.newest(model="chat")
        shown = one(decision)
        assert (shown["model"], shown["arm"]) == ("chat", "canary")
        assert (shown["request"]["model"], shown["request"]["arm"]) == ("chat", "canary")


async def test_explain_tells_the_odds_of_both_arms(tmp_path: Path):
    async with asked(tmp_path, share=0.25) as router:
        now = asyncio.get_running_loop().time()
        told = explain(router.runtime, router.config, now, Question("chat"))
        assert [(each["target"], each["odds"]) for each in told["targets"]] == [("sim/fast", 1.0)]
        shift = told["shift"]
        assert (shift["share"], shift["by"]) == (0.25, "session")
        assert [(each["target"], each["tier"], each["odds"]) for each in shift["targets"]] == [
            ("sim/other", 1, 1.0),
            ("sim/fast", 2, 0.0),
        ]
        named = Question("chat", target="sim/other")
        told = explain(router.runtime, router.config, now, named)
        assert told["shift"]["targets"][0]["odds"] == 1


async def test_where_the_canary_is_off_nothing_moves(tmp_path: Path):
    async with asked(tmp_path, CHAT.replace("sim/other", "dear/gpt"), 1.0) as router:
        assert router.runtime.shifts == {}
        assert await router.ask() == "sim/fast"


async def test_vectors_of_another_model_wait_for_the_end(tmp_path: Path):
    async with asked(tmp_path, share=1.0) as router:
        assert router.runtime.embedders("chat") == frozenset({"sim/fast"})
    models = CHAT.replace("shift:", "embeddings: any_model\n  shift:")
    async with asked(tmp_path, models, 1.0) as router:
        assert router.runtime.embedders("chat") is None


async def test_whoever_may_not_go_where_it_moves_stays_and_who_may_not_stay_goes(tmp_path: Path):
    only = Wishes(only=Only(residency=frozenset({"eu"})))
    for share in (0.0, 0.5, 1.0):
        async with asked(tmp_path, share=share) as router:
            places = {"sim/fast": Place(residency=frozenset({"eu"})), "sim/other": Place()}
            router.runtime = replace(router.runtime, barring=Barring(places))
            assert {await router.ask(wishes=only) for _ in range(20)} == {"sim/fast"}
            places = {"sim/other": Place(residency=frozenset({"eu"})), "sim/fast": Place()}
            router.runtime = replace(router.runtime, barring=Barring(places))
            assert {await router.ask(wishes=only) for _ in range(20)} == {"sim/other"}
