"""What goes wrong is said in the words and types of the official client, whoever says it."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.e2e.running import Router, ask, body, serving

CONFIG = """\
version: 1
server: {auth: keys, max_body: 4KiB, drain: {announce: 0s, wait: 1s}}
providers:
  sim:
    dialect: simulated
    models:
      fast: {first_token: 1ms, tokens_per_second: 1000, output_tokens: 2}
      broken: {first_token: 1ms, error_rate: 1}
models:
  chat: {targets: [sim/fast]}
  chart: {targets: [sim/fast]}
  broken: {targets: [sim/broken]}
tenants:
  team: {keys: ["${TEAM_KEY}"], models: [chat, broken]}
"""
KEY = "key-of-the-team"
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
CHAT = "/v1/chat/completions"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with serving(tmp_path_factory.mktemp("errors"), CONFIG, {"TEAM_KEY": KEY}) as running:
        yield running
        assert KEY not in running.said
        assert KEY not in ask(running.admin, "GET", "/status").text


@pytest.fixture
def client(router: Router) -> Iterator[OpenAI]:
    with OpenAI(base_url=router.base_url, api_key=KEY, max_retries=0) as client:
        yield client


def test_with_its_key_a_tenant_sees_its_models(client):
    assert [model.id for model in client.models.list()] == ["chat", "broken"]
    assert client.chat.completions.create(model="chat", messages=MESSAGES).choices


def test_an_unknown_model_is_not_found_and_the_nearest_names_are_told(client):
    with pytest.raises(openai.NotFoundError, match="did you mean 'chat'") as raised:
        client.chat.completions.create(model="chatt", messages=MESSAGES)
    assert raised.value.code == "model_not_found"
    assert raised.value.param == "model"


def test_a_model_of_somebody_else_does_not_exist(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="chart", messages=MESSAGES)
    assert "'chart'" not in raised.value.message.partition(";")[2]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("chart")


@pytest.mark.parametrize("key", ["another-key", KEY[:-1], "sha256:"])
def test_without_its_key_nobody_gets_anything(router, key):
    with (
        OpenAI(base_url=router.base_url, api_key=key, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        client.chat.completions.create(model="chat", messages=MESSAGES)
    assert raised.value.code == "invalid_api_key"
    assert key not in str(raised.value)
    assert ask(router.listen, "POST", CHAT, None, body("chat")).status == 401
    assert ask(router.listen, "GET", "/v1/models").status == 401


def test_what_the_request_itself_gets_wrong_names_the_parameter(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="chat", messages=MESSAGES, max_tokens="many")
    assert raised.value.param == "max_tokens"


def test_choosing_a_target_without_leave_is_forbidden(client):
    with pytest.raises(openai.PermissionDeniedError, match="may"):
        client.chat.completions.create(model="sim/fast", messages=MESSAGES)


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_fails_is_an_error_of_the_server(client, stream):
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="broken", messages=MESSAGES, stream=stream)
    assert raised.value.status_code in (502, 503)


@pytest.mark.parametrize(
    ("method", "path", "headers", "sent", "status", "code"),
    [
        ("POST", CHAT, {}, "{", 400, "invalid_request"),
        ("POST", CHAT, {}, "[]", 400, "invalid_request"),
        ("POST", CHAT, {"x-router-timeout": "soon"}, body("chat"), 400, "invalid_header"),
        ("POST", CHAT, {}, body("chat", user="a" * 5000), 413, "body_too_large"),
        ("POST", CHAT, {"Content-Type": "text/plain"}, "{}", 415, "unsupported_content_type"),
        (
            "POST",
            CHAT,
            {"Content-Encoding": "gzip"},
            "{}",
            415,
            "unsupported_content_encoding",
        ),
        ("POST", "/v1/chat", {}, "{}", 404, "unknown_path"),
        ("GET", CHAT, {}, None, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", {}, None, 405, "method_not_allowed"),
        ("POST", CHAT, {"Host": "rebound.example"}, body("chat"), 403, "host_not_allowed"),
        (
            "POST",
            CHAT,
            {"Origin": "https://page.example"},
            body("chat"),
            403,
            "origin_not_allowed",
        ),
    ],
)
def test_what_a_client_gets_wrong_has_its_status_and_code(
    router, method, path, headers, sent, status, code
):
    answer = ask(router.listen, method, path, {**BEARER, **headers}, sent)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.error["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers


def test_a_method_that_a_path_does_not_take_is_answered_with_those_it_does(router):
    answer = ask(router.listen, "GET", CHAT, BEARER)
    assert answer.headers["allow"] == "POST"


def test_a_router_that_fails_its_clients_serves_the_next(router, client):
    assert client.chat.completions.create(model="chat", messages=MESSAGES).choices
    assert router.status()["targets"]["sim/fast"]["in_flight"] == 0
