"""Kinds of calls that a provider has no endpoint for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.testing import Provider
from tests.router.running import JSON, running, written

MODELS = "claude: {targets: [claude/one]}\nmixed: {targets: [claude/one, sim/fast]}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/completions", {"prompt": "Once"}),
        ("/v1/embeddings", {"input": "Once"}),
        ("/v1/moderations", {"input": "Once"}),
        ("/v1/images/generations", {"prompt": "Once"}),
    ],
)
async def test_a_call_that_no_target_has_an_endpoint_for_is_the_callers_error(
    tmp_path: Path, path: str, fields: dict[str, str], stream: bool
) -> None:
    file = written(tmp_path, MODELS)
    async with Provider() as claude:
        own = f"  claude: {{dialect: anthropic, base_url: {claude.url}, models: [one]}}\n"
        file.write_text(file.read_text().replace("providers:\n", f"providers:\n{own}", 1))
        async with running(file) as router:
            body = json.dumps({"model": "claude", "stream": stream, **fields}).encode()
            answer = await router.ask("POST", path, body, JSON)
            assert (answer.status, answer.error["code"]) == (400, "unsupported")
            if path in ("/v1/completions", "/v1/embeddings"):
                body = json.dumps({"model": "mixed", "stream": stream, **fields}).encode()
                answer = await router.ask("POST", path, body, JSON)
                assert answer.headers["x-router-target"] == "sim/fast"
        assert claude.requests == []
