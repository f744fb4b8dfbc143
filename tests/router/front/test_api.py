"""What clients of the API are told, over a real connection to a whole router."""

import asyncio
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.caller import Wishes
from router.dialects.contract import ClientError
from router.front.wishes import wishes_of
from tests.router.front.keyed import CHAT, ENVIRON, MODELS, PART, WHOLE, keyed
from tests.router.front.wire import read_answer
from tests.router.running import JSON, completion, running, written

# Paths and methods.


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/chat/completions/", "/v2/models", "/v1/%zz"])
async def test_a_path_that_is_none_is_404_and_told_which_are_known(
    tmp_path: Path, path: str
) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask("GET", path)
    assert (answer.status, answer.error["code"]) == (404, "unknown_path")
    assert answer.error["type"] == "invalid_request_error"
    assert CHAT in str(answer.error["message"])
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("HEAD", CHAT, "POST"),
        ("DELETE", "/v1/models/chat", "GET"),
        ("POST", "/v1/models", "GET"),
        ("OPTIONS", "/healthz", "GET"),
    ],
)
async def test_another_method_is_405_and_told_which_is_taken(
    tmp_path: Path, method: str, path: str, allowed: str
) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert answer.error["code"] == "method_not_allowed"
        assert allowed in str(answer.error["message"])


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/chat", "/healthz", "/readyz"])
async def test_head_is_answered_as_get_is_without_the_body(tmp_path: Path, path: str) -> None:
    async with running(written(tmp_path)) as router:
        whole, head = await router.ask("GET", path), await router.ask("HEAD", path)
    assert head.status == whole.status == 200
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert (head.body, len(whole.body)) == (b"", int(whole.headers["content-length"]))


# Bodies.


@pytest.mark.parametrize(
    ("body", "param", "word"),
    [
        (b"", None, "not valid JSON"),
        (b'{"model": "chat"', None, "not valid JSON"),
        (b"[]", None, "must be a JSON object"),
        (b"null", None, "must be a JSON object"),
        (b"[" * 100_000, None, "JSON"),
        (b'{"model": "\\ud800", "messages": []}', None, "not valid JSON"),  # half a character
        (b'{"messages": []}', "model", "`model` is missing"),
        (b'{"model": 7, "messages": []}', "model", "`model` must be"),
        (b'{"model": "\xff", "messages": []}', None, "not valid JSON"),
        (b'{"model": "chat", "messages": ["\xff"]}', None, "not valid JSON"),
        (b'{"model": "chat"}', "messages", "`messages` is missing"),
        (b'{"model": "chat", "messages": "hello"}', "messages", "must be a list"),
        (b'{"model": "chat", "messages": [], "stream": "yes"}', "stream", "true or false"),
        (b'{"model": "chat", "messages": [], "max_tokens": 1.5}', "max_tokens", "whole number"),
    ],
)
async def test_a_body_that_is_no_request_is_400_and_told_where_it_is_wrong(
    tmp_path: Path, body: bytes, param: str | None, word: str
) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask("POST", CHAT, body, JSON)
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert (answer.error["type"], answer.error["param"]) == ("invalid_request_error", param)
    assert word in str(answer.error["message"])
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-type": "text/plain"}, "unsupported_content_type"),
        ({**JSON, "content-encoding": "gzip"}, "unsupported_content_encoding"),
    ],
)
async def test_a_body_of_another_kind_is_415(
    tmp_path: Path, headers: dict[str, str], code: str
) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask("POST", CHAT, completion(), headers)
    assert (answer.status, answer.error["code"]) == (415, code)


async def test_a_body_over_the_limit_is_413_before_a_byte_of_it_is_sent(tmp_path: Path) -> None:
    async with running(written(tmp_path, server="max_body: 1KiB")) as router:
        reader, writer = await asyncio.open_connection(*router.listen.split(":"))
        writer.write(
            f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: 1025\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        answer = await read_answer(reader)
        writer.close()
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert b"server.max_body" in answer.body


# Models.


async def test_models_are_those_that_can_serve_and_that_the_tenant_may_ask_for(
    tmp_path: Path,
) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        whole, part = [
            (await router.ask("GET", "/v1/models", headers=key)).told for key in (WHOLE, PART)
        ]
    assert whole["object"] == part["object"] == "list"
    assert [model["id"] for model in whole["data"]] == ["chat", "chat-large", "org/model"]
    assert [model["id"] for model in part["data"]] == ["chat"]
    (model,) = part["data"]
    assert model.keys() == {"id", "object", "created", "owned_by"}
    assert isinstance(model["created"], int)


async def test_every_listed_model_is_found_by_its_name_and_answers(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        for listed in (await router.ask("GET", "/v1/models")).told["data"]:
            found = await router.ask("GET", f"/v1/models/{listed['id']}")
            assert (found.status, found.told) == (200, listed)
            assert (await router.chat(listed["id"])).status == 200


async def test_a_models_name_may_come_percent_encoded(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        assert (await router.ask("GET", "/v1/models/org%2Fmodel")).told["id"] == "org/model"


async def test_an_unknown_model_is_404_with_the_nearest_names(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        for answer in (await router.chat("chta"), await router.ask("GET", "/v1/models/chta")):
            assert (answer.status, answer.error["code"]) == (404, "model_not_found")
            assert (answer.error["type"], answer.error["param"]) == (
                "invalid_request_error",
                "model",
            )
            assert "did you mean 'chat'" in str(answer.error["message"])
        far = await router.chat("zzzzzz")
        assert "GET /v1/models" in str(far.error["message"])


async def test_a_model_that_is_off_says_why(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        answer = await router.chat("gpt")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert "off" in str(answer.error["message"])
    assert "DEAR_KEY is not set" in str(answer.error["message"])


async def test_a_tenant_learns_nothing_of_models_that_it_may_not_ask_for(tmp_path: Path) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        for name in ("chat-large", "gpt"):
            answer = await router.chat(name, headers=PART)
            assert answer.status == 404
            assert "does not exist" in str(answer.error["message"])
            assert "DEAR_KEY" not in str(answer.error["message"])
        assert "'chat-large'?" not in str((await router.chat("chat-larg", headers=PART)).error)


async def test_a_name_as_long_as_a_body_is_unknown_and_not_repeated(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.chat("chat" * 250_000)
    assert answer.status == 404
    assert len(answer.body) < 1000


# Timeouts.


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "-inf", "0", "-1", "86401", "1s", "1,5"])
async def test_a_timeout_that_is_no_number_of_seconds_is_400(tmp_path: Path, text: str) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.chat(headers={"x-router-timeout": text})
    assert (answer.status, answer.error["code"]) == (400, "invalid_header")
    assert answer.error["param"] == "x-router-timeout"
    assert "seconds" in str(answer.error["message"])


async def test_a_timeout_ends_a_request_that_would_go_on(tmp_path: Path) -> None:
    async with running(written(tmp_path, "chat: {targets: [sim/silent]}")) as router:
        answer = await router.chat(headers={"x-router-timeout": "0.05"})
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")


@given(st.text() | st.floats().map(str))
def test_a_timeout_is_a_bounded_number_or_refused(text: str) -> None:
    with suppress(ClientError):
        timeout = wishes_of({"x-router-timeout": text}).timeout
        assert (timeout is None) == (text == "")
        if timeout is None:
            return
        assert isfinite(timeout)
        assert 0 < timeout <= 86_400


def test_who_wishes_nothing_gets_what_the_route_says() -> None:
    assert wishes_of({}) == Wishes()
    empty = {"x-router-timeout": "", "x-router-target": "", "x-router-policy": ""}
    assert wishes_of(empty) == Wishes()


# The official client.


@pytest.mark.parametrize(
    ("key", "asked", "raised", "code", "param"),
    [
        ("whole-key", {"model": "caht"}, openai.NotFoundError, "model_not_found", "model"),
        ("nobody's", {"model": "chat"}, openai.AuthenticationError, "invalid_api_key", None),
        (
            "part-key",
            {"model": "chat", "extra_headers": {"x-router-target": "sim/fast"}},
            openai.PermissionDeniedError,
            "not_allowed",
            None,
        ),
        ("whole-key", {"model": ""}, openai.BadRequestError, "invalid_request", "model"),
        (
            "whole-key",
            {"model": "chat", "extra_headers": {"content-type": "text/plain"}},
            openai.APIStatusError,
            "unsupported_content_type",
            None,
        ),
    ],
)
async def test_the_sdk_reads_every_error(
    tmp_path: Path,
    key: str,
    asked: dict[str, Any],
    raised: type[openai.APIStatusError],
    code: str,
    param: str | None,
) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        base_url = f"http://{router.listen}/v1"
        async with openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
            with pytest.raises(raised) as caught:
                await client.chat.completions.create(
                    messages=[{"role": "user", "content": "hello"}], **asked
                )
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.type


async def test_the_sdk_lists_and_finds_models(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        base_url = f"http://{router.listen}/v1"
        async with openai.AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
            names = [model.id async for model in client.models.list()]
            assert names == ["chat", "chat-large", "org/model"]
            for name in names:
                assert (await client.models.retrieve(name)).id == name
