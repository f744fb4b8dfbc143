"""Explained by a request's own body: read as when a client sends it, and nothing comes of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.router.running import Answer, Running, running, written

MODELS = """
chat: {policy: weighted_round_robin, targets: {sim/fast: 3, sim/other: 1}}
ruled:
  policy: cost_tiers
  tiers: [{sim/fast: 1}, {sim/other: 1}]
  start: [{if: {tools: true}, tier: 2}]
"""
ALL = "decisions: {rate: all}"
SECRET = "abracadabra of mine"
CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": f"{SECRET}: " + "what is the weather like? " * 20}]
TOOL = {"name": "weather", "parameters": {"type": "object"}}
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"messages": MESSAGES, "max_tokens": 77},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 77, "system": "be kind"},
    "/v1/responses": {"input": MESSAGES, "max_output_tokens": 77},
    "/v1/completions": {"prompt": MESSAGES[0]["content"], "max_tokens": 77},
    "/v1/embeddings": {"input": [MESSAGES[0]["content"]]},
}


async def explained(router: Running, body: object, **beside: object) -> Answer:
    told = json.dumps({"body": body, **beside}).encode()
    return await router.ask_admin("POST", "/explain", told)


async def sent(router: Running, path: str, body: object, **headers: str) -> Answer:
    told = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return await router.ask("POST", path, told, {"content-type": "application/json", **headers})


@pytest.mark.parametrize("path", BODIES)
async def test_a_body_is_read_as_when_it_is_sent(path: str, tmp_path: Path) -> None:
    body = {"model": "chat", **BODIES[path]}
    async with running(written(tmp_path, MODELS, server=ALL)) as router:
        told = (await explained(router, body, path=path)).told
        await sent(router, path, body)
        [decision] = (await router.ask_admin("GET", "/decisions")).told["decisions"]
    for count in ("input_tokens", "output_tokens", "stream"):
        assert told["request"][count] == decision["request"][count]
    assert told["request"]["input_tokens"] > 50
    assert told["model"] == "chat"
    # Embeddings of two models cannot be compared.
    odds = [1, 0] if path == "/v1/embeddings" else [0.75, 0.25]
    assert [target["odds"] for target in told["targets"]] == odds


async def test_what_a_body_brings_decides_as_it_will(tmp_path: Path) -> None:
    plain = {"model": "ruled", "messages": MESSAGES}
    brings = {**plain, "stream": True, "tools": [{"type": "function", "function": TOOL}]}
    async with running(written(tmp_path, MODELS)) as router:
        first = (await explained(router, plain)).told
        second = (await explained(router, brings)).told
        assert first["request"]["brings"] == []
        assert (second["request"]["brings"], second["request"]["stream"]) == (["tools"], True)
        for body, told in ((plain, first), (brings, second)):
            [chosen] = [t["target"] for t in told["targets"] if t["odds"] == 1]
            answer = await router.ask(
                "POST", CHAT, json.dumps(body).encode(), {"content-type": "application/json"}
            )
            assert answer.headers["x-router-target"] == chosen


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, "{"),
        (CHAT, "not JSON"),
        (CHAT, ""),
        (CHAT, []),
        (CHAT, {}),
        (CHAT, {"model": "caht", "messages": MESSAGES}),
        (CHAT, {"model": "chat", "messages": MESSAGES, "max_tokens": "many"}),
        (CHAT, {"model": 7, "messages": MESSAGES}),
        ("/v1/messages", {"model": "chat", "messages": MESSAGES, "max_tokens": "few"}),
        ("/v1/embeddings", {"model": "chat"}),
    ],
)
async def test_a_wrong_body_is_the_error_that_its_client_would_get(
    path: str, body: object, tmp_path: Path
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        theirs = await sent(router, path, body)
        ours = await explained(router, body, path=path)
        assert ours.status == theirs.status >= 400
        assert ours.told["detail"] == theirs.told["error"]["message"]


async def test_what_stands_beside_it_is_what_headers_say(tmp_path: Path) -> None:
    tenants = 'tenants: {team: {keys: ["${KEY}"], models: [chat]}}\n'
    path = written(tmp_path, MODELS, server="auth: keys", rest=tenants)
    key = {"authorization": "Bearer marked-key-of-team"}
    async with running(path, {"KEY": "marked-key-of-team"}) as router:
        body = {"model": "chat", "messages": MESSAGES}
        assert (await explained(router, body, tenant="team")).status == 200
        for header, field, value in (
            ("x-router-priority", "priority", "critical"),
            ("x-router-target", "target", "sim/fast"),
        ):
            theirs = await sent(router, CHAT, body, **{header: value}, **key)
            ours = await explained(router, body, tenant="team", **{field: value})
            assert (ours.status, theirs.status) == (403, 403)
            assert ours.told["detail"] == theirs.told["error"]["message"]
        confined = (await explained(router, body, target="sim/other", priority="critical")).told
        assert confined["request"]["confined_to"] == ["sim/other"]
        assert [target["odds"] for target in confined["targets"]] == [0, 1]
        nobody = await explained(router, body, tenant="taem")
        assert (nobody.status, nobody.told["title"]) == (400, "invalid_question")
        assert 'did you mean "team"' in nobody.told["detail"]


async def test_nothing_of_the_text_is_told_or_logged_and_nothing_is_taken(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        before = (await router.ask_admin("GET", "/metrics")).body
        said = b""
        for path, body in BODIES.items():
            said += (await explained(router, {"model": "chat", **body}, path=path)).body
            said += (await explained(router, {"model": "none", **body}, path=path)).body
            said += (await explained(router, json.dumps(body)[:-1], path=path)).body
        assert (await router.ask_admin("GET", "/metrics")).body == before
    assert SECRET not in said.decode() + router.stream.getvalue()
