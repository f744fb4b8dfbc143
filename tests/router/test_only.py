"""Where requests may go, over real sockets: a provider to whom one may not be sent gets no byte of
it, in whatever way it might come there, and whatever becomes of the others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.testing import Answer, Body, Provider
from tests.router.running import Answer as Told
from tests.router.running import Running, completion, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", auth: keys}}
defaults:
  timeouts: {{connect: 1s, first_token: 5s, between_tokens: 5s}}
  retry: {{attempts: 4, budget: 1}}
providers:
  eu:
    base_url: "{eu}"
    residency: [de, eu]
    tags: zdr
    models: {{m: {{price: {{input: 1, output: 1}}}}}}
  us:
    base_url: "{us}"
    residency: us
    models: {{m: {{price: {{input: 9, output: 9}}}}, own: {{tenants: free}}}}
models:
  chat:
    targets: {{eu/m: 1, us/m: 100}}
  kept: {{targets: [eu/m, us/m], only: {{residency: eu, tags: [zdr]}}}}
  away: {{targets: [us/m]}}
{more}
tenants:
  inside: {{keys: ["${{INSIDE}}"], may: [target], only: {{residency: [eu, de]}}}}
  free: {{keys: ["${{FREE}}"], may: [target]}}
"""
FAILS = Body({"error": {"message": "out of order"}}, 500)
KEYS = {"INSIDE": "key-inside", "FREE": "key-free"}
INSIDE = {"authorization": "Bearer key-inside"}
FREE = {"authorization": "Bearer key-free"}
KEEPS = "preset: openai\n    api_key: k"
JSON = {"content-type": "application/json"}


class There:
    """The router, and a provider on either side."""

    def __init__(self, router: Running, eu: Provider, us: Provider) -> None:
        self.router, self.eu, self.us = router, eu, us

    async def chat(self, model: str = "chat", **headers: str) -> Told:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        told: Told = await self.router.chat(model, {**INSIDE, **named})
        return told

    async def post(self, path: str, **fields: Any) -> Told:
        body = json.dumps({"model": "chat", **fields}).encode()
        return await self.router.ask("POST", path, body, {**JSON, **INSIDE})

    def untouched(self) -> bool:
        """Whether nothing has come to the one outside."""
        return self.us.connections == 0


@asynccontextmanager
async def there(
    folder: Path, eu: Any = None, us: Any = None, more: str = ""
) -> AsyncIterator[There]:
    """The providers by their scripts; `more` are further models."""
    async with Provider(eu) as inside, Provider(us) as outside:
        path = folder / "providers.yaml"
        path.write_text(FILE.format(eu=inside.url, us=outside.url, more=more))
        async with running(path, KEYS) as router:
            yield There(router, inside, outside)


async def test_what_must_stay_goes_nowhere_else_and_the_rest_goes_as_ever(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        for _ in range(5):
            assert (await world.chat()).status == 200
        assert world.untouched()
        for _ in range(20):
            assert (await world.router.chat(headers=FREE)).status == 200
        assert world.us.requests


async def test_while_the_only_one_inside_is_down_the_client_gets_the_error(tmp_path: Path) -> None:
    async with there(tmp_path, FAILS) as world:
        for _ in range(12):  # beyond what ejects it
            told = await world.chat()
            assert told.status in (502, 503)
            assert told.headers.get("x-should-retry") != "false"
        assert world.eu.requests
        await world.eu.down()
        assert (await world.chat()).status in (502, 503)
        assert world.untouched()


BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}]},
    "/v1/completions": {"prompt": "x"},
    "/v1/embeddings": {"input": "x"},
    "/v1/messages": {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9},
    "/v1/responses": {"input": "x"},
    "/v1/moderations": {"input": "x"},
    "/v1/rerank": {"query": "x", "documents": ["y"]},
    "/v1/images/generations": {"prompt": "x"},
    "/v1/audio/speech": {"input": "x", "voice": "y"},
}


@pytest.mark.parametrize("path", BODIES)
async def test_no_kind_of_call_leaves(path: str, tmp_path: Path) -> None:
    async with there(tmp_path, FAILS) as world:
        told = await world.post(path, **BODIES[path])
        assert told.status >= 400
        assert world.untouched()


async def test_a_stream_that_breaks_off_is_not_gone_on_with_outside(tmp_path: Path) -> None:
    more = "  long: {targets: [eu/m, us/m], interrupted: resume_any}"
    cut = Answer("one two three four").dribbled(150, 0.001).cut(after_bytes=900)
    async with there(tmp_path, cut, more=more) as world:
        body = completion("long", stream=True, temperature=0)
        told = await world.router.ask("POST", "/v1/chat/completions", body, {**JSON, **INSIDE})
        assert b"one" in told.body
        assert b"error" in told.body
        assert world.untouched()


async def test_nobody_who_is_barred_is_reached_by_name(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        for told in (
            await world.chat(x_router_target="us/m"),
            await world.chat("us/m"),
            await world.chat("away"),
        ):
            assert told.status == 403
            assert told.error["code"] == "not_permitted"
            assert told.headers["x-should-retry"] == "false"
            assert "us/m: what it is sent does not stay" in str(told.error["message"])
        assert world.untouched()


async def test_what_is_there_for_others_alone_is_not_named(tmp_path: Path) -> None:
    more = "  theirs: {targets: [us/own]}\n  both: {targets: [eu/m, us/own]}"
    async with there(tmp_path, FAILS, more=more) as world:
        told = await world.chat("theirs")
        assert (told.status, told.error["message"]) == (
            403,
            "no target of this model may be sent this request (none serves this tenant)",
        )
        for _ in range(10):
            assert "us/own" not in str((await world.chat("both")).error["message"])
        assert world.untouched()
        assert (await world.router.chat("theirs", FREE)).status == 200


async def test_nor_is_it_named_where_something_else_keeps_it_away_as_well(tmp_path: Path) -> None:
    more = (
        "  both: {targets: [eu/m, us/own]}\n"
        "  tiered: {policy: priority, tiers: [[eu/m], [us/own]], climb: [throttled]}"
    )
    async with there(tmp_path, FAILS, more=more) as world:
        for _ in range(4):
            for told in (
                await world.chat("both", x_router_target="eu/m"),
                await world.chat("tiered"),
            ):
                assert told.status in (502, 503)
                assert "us/own" not in str(told.error["message"])
        told = await world.chat("both", x_router_target="us/m")
        assert (told.status, told.error["param"]) == (400, "x-router-target")
        assert world.untouched()


LADDER = """\
  first: {targets: [eu/m], only: {residency: eu}, when_all_fail: [{model: second}, {model: third}]}
  second: {targets: [us/m]}
  third: {targets: [us/m, eu/m]}"""


async def test_a_model_that_stands_in_is_bound_by_what_binds_the_one_asked_for(
    tmp_path: Path,
) -> None:
    async with there(tmp_path, [FAILS, FAILS, FAILS], more=LADDER) as world:
        assert (await world.router.chat("first", FREE)).status in (502, 503)
        assert world.untouched()
        world.eu.script = Answer()
        assert (await world.router.chat("second", FREE)).status == 200
        assert len(world.us.requests) == 1


async def test_a_shift_moves_nobody_where_they_may_not_go(tmp_path: Path) -> None:
    more = "  moved: {targets: [eu/m], shift: {to: [us/m], steps: [99, 100]}}"
    async with there(tmp_path, more=more) as world:
        for _ in range(5):
            assert (await world.chat("moved")).status == 200
        assert world.untouched()


async def test_a_pin_of_an_operator_s_does_not_break_a_residency(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        body = json.dumps({"kind": "pin", "model": "chat", "target": "us/m"}).encode()
        told = await world.router.ask_admin("POST", "/overrides", body, JSON)
        assert told.status in (200, 201), told.body
        told = await world.chat()
        assert told.status in (403, 503)
        assert world.untouched()
        assert (await world.router.chat(headers=FREE)).status == 200


async def test_one_request_narrows_by_a_header_and_never_widens(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        for _ in range(5):
            told = await world.router.chat(
                headers={**FREE, "x-router-only": "residency=eu, tag=zdr"}
            )
            assert told.status == 200
        assert world.untouched()
        told = await world.chat(x_router_only="residency=us")
        assert told.status == 403
        told = await world.router.chat(headers={**FREE, "x-router-only": "residence=eu"})
        assert (told.status, told.error["param"]) == (400, "x-router-only")
        assert "residency=eu" in str(told.error["message"])
        assert world.untouched()
        told = await world.router.chat("away", {**FREE, "x-router-only": "residency=us"})
        assert told.status == 200


async def test_a_route_s_own_restriction_binds_everybody(tmp_path: Path) -> None:
    async with there(tmp_path, FAILS) as world:
        for _ in range(8):
            assert (await world.router.chat("kept", FREE)).status in (502, 503)
        assert world.untouched()


async def test_a_tenant_is_shown_the_models_that_may_serve_it(tmp_path: Path) -> None:
    more = (
        "  theirs: {targets: [us/own]}\n  saved: {targets: [us/m], when_all_fail: [{model: kept}]}"
    )
    async with there(tmp_path, more=more) as world:

        async def shown(who: dict[str, str]) -> set[str]:
            told = await world.router.ask("GET", "/v1/models", headers=who)
            return {one["id"] for one in told.told["data"]}

        assert await shown(INSIDE) == {"chat", "kept", "saved"}
        assert await shown(FREE) == {"chat", "kept", "away", "theirs", "saved"}
        assert (await world.router.ask("GET", "/v1/models/away", headers=INSIDE)).status == 404
        assert (await world.router.ask("GET", "/v1/models/chat", headers=INSIDE)).status == 200
        assert (await world.chat("saved")).status == 200
        assert world.untouched()


SHADOWED = "  seen: {targets: [eu/m], shadow: {to: us/m, share: 100%, rate: 6k/min}}"


async def test_nothing_is_copied_where_it_may_not_go(tmp_path: Path) -> None:
    async with there(tmp_path, more=SHADOWED) as world:
        for _ in range(5):
            assert (await world.chat("seen")).status == 200
            told = await world.router.chat("seen", {**FREE, "x-router-only": "tag=zdr"})
            assert told.status == 200
        page = (await world.router.ask_admin("GET", "/shadow/seen")).told
        assert page["sampled"] == 0
        assert world.untouched()
        assert (await world.router.chat("seen", FREE)).status == 200
        for _ in range(200):
            if world.us.requests:
                break
            await asyncio.sleep(0.005)
        assert len(world.us.requests) == 1


CASCADE = """\
  checked:
    policy: cost_tiers
    tiers: [[eu/m], [us/m]]
    cascade: {checks: [%s], audit: {by: exact, share: 100%%}}
  judges: {targets: [us/m]}"""


@pytest.mark.parametrize("check", ["{length: 500..}", "{judge: judges, budget: none}", "empty"])
async def test_no_check_climb_judge_or_audit_shows_it_outside(check: str, tmp_path: Path) -> None:
    async with there(tmp_path, more=CASCADE % check) as world:
        for _ in range(5):
            told = await world.chat("checked")
            assert told.status == 200, "the best that there is"
        await asyncio.sleep(0.1)
        assert world.untouched()
        assert (await world.router.chat("checked", FREE)).status == 200
        for _ in range(200):
            if world.us.requests:
                break
            await asyncio.sleep(0.005)
        assert world.us.requests, "others are climbed for, judged and audited"


async def test_nobody_outside_counts_the_tokens_of_what_must_stay(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        told = await world.post("/v1/messages/count_tokens", **BODIES["/v1/chat/completions"])
        assert told.status == 200
        assert told.headers["x-router-degraded"] == "estimated"
        assert world.untouched()


async def test_what_an_account_outside_keeps_is_not_asked_of_it(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel")):
            told = await world.router.ask(method, f"/v1/responses/resp_1{path}", headers=INSIDE)
            assert told.status == 404
        assert world.untouched()


async def test_who_is_barred_from_all_accounts_but_one_is_not_given_what_that_may_keep(
    tmp_path: Path,
) -> None:
    async with Provider() as eu, Provider() as us:
        path = tmp_path / "providers.yaml"
        text = FILE.format(eu=eu.url, us=us.url, more="")
        for url in (eu.url, us.url):
            text = text.replace(f'base_url: "{url}"', f'base_url: "{url}"\n    {KEEPS}')
        path.write_text(text)
        async with running(path, KEYS) as router:
            for headers in (INSIDE, FREE, {**FREE, "x-router-only": "residency=eu"}):
                told = await router.ask("GET", "/v1/responses/resp_1", headers=headers)
                assert told.status == 404
    assert not eu.connections + us.connections


async def test_status_and_explain_say_who_is_barred_and_why(tmp_path: Path) -> None:
    async with there(tmp_path) as world:
        page = (await world.router.ask_admin("GET", "/status")).told["targets"]
        assert page["eu/m"]["model"]["residency"] == ["de", "eu"]
        assert page["eu/m"]["model"]["tags"] == ["zdr"]
        assert page["us/own"]["model"]["tenants"] == ["free"]
        assert page["us/m"]["model"]["tags"] is None

        async def refused(**asked: str) -> dict[str, str | None]:
            body = json.dumps({"model": "chat", **asked}).encode()
            told = (await world.router.ask_admin("POST", "/explain", body, JSON)).told
            return {target["target"]: target["refused"] for target in told["targets"]}

        stays = "what it is sent does not stay where the request must"
        away, inside_eu = f"{stays}: eu", f"{stays}: de, eu"
        assert await refused() == {"eu/m": None, "us/m": None}
        assert await refused(only="residency=eu") == {"eu/m": None, "us/m": away}
        inside = await refused(tenant="inside")
        assert inside == {"eu/m": None, "us/m": inside_eu}
        both = await refused(tenant="inside", only="tag=hipaa")
        assert both["eu/m"] == "it lacks tags that the request needs: hipaa"
        body = completion("chat").decode()
        asked = json.dumps({"body": body, "tenant": "inside", "only": "tag=zdr"}).encode()
        told = (await world.router.ask_admin("POST", "/explain", asked, JSON)).told
        assert [target["refused"] for target in told["targets"]] == [None, inside_eu]
        wrong = json.dumps({"model": "chat", "only": "eu"}).encode()
        told = (await world.router.ask_admin("POST", "/explain", wrong, JSON)).told
        assert "residency=eu" in told["detail"]


PAGE = Path(__file__).parents[2] / "docs/policies.md"


async def test_the_tenants_on_the_page_of_policies_go_where_it_says(tmp_path: Path) -> None:
    section = PAGE.read_text().partition("## only: where a request may go")[2]
    file, tenants = (one.partition("```")[0] for one in section.split("```yaml\n")[1:3])
    path = tmp_path / "providers.yaml"
    server = "server: {listen: '127.0.0.1:0', admin: '127.0.0.1:0', auth: keys}\n"
    path.write_text(file.replace("version: 1\n", f"version: 1\n{server}") + tenants)
    async with running(path, {"CARE_KEY": "key-of-care", "SHOP_KEY": "key-of-shop"}) as router:

        async def who(model: str, name: str, **only: str) -> set[str]:
            headers = {"authorization": f"Bearer key-of-{name}", **only}
            answers = [await router.chat(model, headers, max_tokens=1) for _ in range(10)]
            assert {told.status for told in answers} == {200}
            return {told.headers["x-router-target"] for told in answers}

        assert await who("chat", "care") == await who("notes", "shop") == {"frankfurt/small"}
        assert await who("chat", "shop") == {"frankfurt/small", "virginia/small"}
        narrowed = {"x-router-only": "residency=eu|uk, tag=zdr"}
        assert await who("chat", "shop", **narrowed) == {"frankfurt/small"}
        assert not router.app.state.config.notes
