"""The paths of completions and embeddings, over a real connection to a whole router."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.router.front.keyed import ENVIRON, WHOLE, keyed
from tests.router.running import JSON, Running, running, written

BODIES: dict[str, dict[str, Any]] = {
    "/v1/completions": {"model": "chat", "prompt": "Once"},
    "/v1/embeddings": {"model": "chat", "input": "Once"},
}


async def ask(router: Running, path: str, **more: Any) -> Any:
    return await router.ask("POST", path, json.dumps({**BODIES[path], **more}).encode(), JSON)


@pytest.mark.parametrize("path", BODIES)
async def test_a_path_takes_what_chat_takes_and_refuses_what_chat_refuses(
    tmp_path: Path, path: str
) -> None:
    async with running(written(tmp_path)) as router:
        good = await ask(router, path)
        assert good.status == 200
        assert good.headers["x-router-target"] == "sim/fast"
        assert good.headers["x-request-id"].startswith("req_")
        get = await router.ask("GET", path)
        assert (get.status, get.headers["allow"]) == (405, "POST")
        plain = await router.ask("POST", path, b"{}", {"content-type": "text/plain"})
        assert (plain.status, plain.error["code"]) == (415, "unsupported_content_type")
        unknown = await ask(router, path, model="chta")
        assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")
        name = list(BODIES[path])[1]
        wrong = await router.ask("POST", path, b'{"model":"chat"}', JSON)
        assert (wrong.status, wrong.error["param"]) == (400, name)
        timeout = {**JSON, "x-router-timeout": "soon"}
        header = await router.ask("POST", path, b"{}", timeout)
        assert header.error["code"] == "invalid_header"


@pytest.mark.parametrize("path", BODIES)
async def test_a_key_is_asked_for_and_a_target_may_be_named(tmp_path: Path, path: str) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        nobody = await ask(router, path)
        assert (nobody.status, nobody.error["code"]) == (401, "invalid_api_key")
        body = json.dumps(BODIES[path]).encode()
        named = {**JSON, **WHOLE, "x-router-target": "sim/fast"}
        answer = await router.ask("POST", path, body, named)
        assert answer.headers["x-router-target"] == "sim/fast"


async def test_the_route_s_key_binds_and_a_reload_lifts_it(tmp_path: Path) -> None:
    mixed = "chat: {policy: weighted_round_robin, targets: [sim/fast, sim/other]%s}"
    path = written(tmp_path, mixed % "")
    async with running(path) as router:

        async def used() -> set[str]:
            told = [await ask(router, "/v1/embeddings") for _ in range(6)]
            return {answer.headers["x-router-target"] for answer in told}

        assert await used() == {"sim/fast"}
        written(tmp_path, mixed % ", embeddings: any_model")
        await router.app.reload()
        assert await used() == {"sim/fast", "sim/other"}
        assert await router.says("chat: embeddings one_model → any_model")
