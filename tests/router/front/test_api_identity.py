"""Who may ask the API, and for what, over a real connection to a whole router."""

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from tests.router.front.keyed import CHAT, ENVIRON, MODELS, PART, WHOLE, keyed
from tests.router.front.wire import read_answer
from tests.router.running import running, written

# Who asks.


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer whole-ke",
        "Bearer whole-key2",
        "Basic whole-key",
        "whole-key",
        "Bearer sha256:" + sha256(b"part-key").hexdigest(),
        "Bearer " + sha256(b"part-key").hexdigest(),
        "Bearer sch\u00f6n",
    ],
)
async def test_who_has_no_key_is_401_wherever_a_model_is_named(
    tmp_path: Path, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    async with running(keyed(tmp_path), ENVIRON) as router:
        for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("GET", "/v1/models/chat")):
            answer = await router.ask(method, path, headers=headers)
            assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
            assert answer.error["type"] == "authentication_error"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "Authorization: Bearer" in str(answer.error["message"])
        assert router.app.state.counters.refusals == {(401, "invalid_api_key"): 3}


async def test_401_comes_before_the_body_and_says_nothing_of_the_path_or_the_model(
    tmp_path: Path,
) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        reader, writer = await asyncio.open_connection(*router.listen.split(":"))
        writer.write(
            f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            f"x-router-timeout: nonsense\r\nContent-Length: 100\r\n\r\n".encode()
        )
        answer = await read_answer(reader)
        writer.close()
    assert (answer.status, answer.code) == (401, "invalid_api_key")


async def test_a_key_whose_bytes_are_no_text_is_nobodys(tmp_path: Path) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        reader, writer = await asyncio.open_connection(*router.listen.split(":"))
        writer.write(
            b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
        )
        answer = await read_answer(reader)
        writer.close()
    assert answer.status == 401


@pytest.mark.parametrize("header", [WHOLE, PART, {"authorization": "bearer  whole-key "}])
async def test_a_key_opens_whether_its_text_or_its_hash_is_written(
    tmp_path: Path, header: dict[str, str]
) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        assert (await router.chat(headers=header)).status == 200


async def test_where_auth_is_open_everyone_is_the_default_tenant_whatever_they_send(
    tmp_path: Path,
) -> None:
    async with running(written(tmp_path)) as router:
        for headers in ({}, {"authorization": "Bearer anything"}, {"authorization": "Basic x"}):
            assert (await router.chat(headers=headers)).status == 200
        assert {tenant for tenant, *_ in router.app.state.counters.requests} == {"default"}


async def test_a_file_may_say_what_the_default_tenant_may(tmp_path: Path) -> None:
    rest = "tenants: {default: {models: [chat]}}"
    async with running(written(tmp_path, MODELS, rest=rest)) as router:
        assert (await router.chat("chat-large")).status == 404
        assert (await router.chat(headers={"x-router-target": "sim/fast"})).status == 403


async def test_health_is_asked_without_a_key(tmp_path: Path) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        assert (await router.ask("GET", "/healthz")).told == {"status": "ok"}
        assert (await router.ask("GET", "/readyz")).told == {"ready": True}


async def test_readyz_is_false_while_draining_and_healthz_is_not(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        router.app.state.ready = False
        answer = await router.ask("GET", "/readyz")
        assert (answer.status, answer.told) == (503, {"ready": False})
        assert (await router.ask("GET", "/healthz")).status == 200


# What a tenant may.


@pytest.mark.parametrize(
    ("header", "what"),
    [({"x-router-target": "sim/fast"}, "target"), ({"x-router-policy": "priority"}, "policy")],
)
async def test_a_choice_is_403_for_a_tenant_that_may_not_make_it(
    tmp_path: Path, header: dict[str, str], what: str
) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        refused = await router.chat(headers=PART | header)
        allowed = await router.chat(headers=WHOLE | header)
    assert (refused.status, refused.error["code"]) == (403, "not_allowed")
    assert refused.error["type"] == "permission_error"
    assert f"may: [{what}]" in str(refused.error["message"])
    assert (allowed.status, allowed.headers["x-router-target"]) == (200, "sim/fast")


async def test_a_target_is_asked_for_by_its_full_name_by_those_who_may(tmp_path: Path) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        allowed, refused = [await router.chat("sim/other", headers=key) for key in (WHOLE, PART)]
    assert (allowed.status, allowed.headers["x-router-target"]) == (200, "sim/other")
    assert refused.status == 403


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ({"x-router-target": "sim/none"}, "no target"),
        ({"x-router-target": "dear/gpt"}, "no target"),  # declared, and off
        ({"x-router-policy": "luck"}, "known: weighted_round_robin"),
    ],
)
async def test_a_choice_of_what_is_not_there_is_400_and_names_the_header(
    tmp_path: Path, header: dict[str, str], names: str
) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.chat(headers=header)
    assert (answer.status, answer.error["code"]) == (400, "invalid_header")
    assert answer.error["param"] == next(iter(header))
    assert names in str(answer.error["message"])


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"host": "evil.example"}, "host_not_allowed"),
        ({"origin": "https://evil.example"}, "origin_not_allowed"),
    ],
)
async def test_a_foreign_host_or_origin_is_403(
    tmp_path: Path, header: dict[str, str], code: str
) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.chat(headers=header)
    assert (answer.status, answer.error["code"]) == (403, code)
    assert answer.error["type"] == "permission_error"
