"""What a target cannot be told of a request: left out and named, or refused, as the route says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from router.testing import Body, Provider
from tests.router.running import running, written

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Left."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
MODELS = """\
loose: {targets: [claude/one]}
strict: {targets: [claude/one], unsupported: refuse}
mixed: {policy: priority, tiers: [[claude/one], [sim/fast]], unsupported: refuse}
"""
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Which way?"}], "seed": 7}


def file(folder: Path, provider: Provider) -> Path:
    path = written(folder, MODELS)
    own = f"  claude: {{dialect: anthropic, base_url: {provider.url}, models: [one]}}\n"
    path.write_text(path.read_text().replace("providers:\n", f"providers:\n{own}", 1))
    return path


async def test_what_is_left_out_is_named_to_the_client_in_the_record_and_in_the_log(
    tmp_path: Path,
) -> None:
    async with Provider(Body(MESSAGE)) as claude, running(file(tmp_path, claude)) as router:
        answer = await router.chat("loose", **ASKED)
        assert (answer.status, answer.headers["x-router-dropped"]) == (200, "seed")
        told = await router.ask_admin("GET", f"/decisions/{answer.headers['x-request-id']}")
        assert told.told["dropped"] == "seed"
        assert "seed" not in json.loads(claude.requests[0].body)
    assert ", without seed [" in router.stream.getvalue()


async def test_a_strict_route_sends_nothing_that_would_lose_something(tmp_path: Path) -> None:
    async with Provider(Body(MESSAGE)) as claude, running(file(tmp_path, claude)) as router:
        async with openai.AsyncOpenAI(
            base_url=f"http://{router.listen}/v1", api_key="unused", max_retries=2
        ) as client:
            with pytest.raises(openai.BadRequestError, match="cannot be told its seed"):
                await client.chat.completions.create(model="strict", **ASKED)
        assert claude.requests == []
        whole = await router.chat("strict", messages=ASKED["messages"])
        assert (whole.status, whole.told["choices"][0]["message"]["content"]) == (200, "Left.")


async def test_a_strict_route_goes_to_who_can_be_told_all(tmp_path: Path) -> None:
    async with Provider(Body(MESSAGE)) as claude, running(file(tmp_path, claude)) as router:
        answer = await router.chat("mixed", **ASKED)
        assert answer.headers["x-router-target"] == "sim/fast"
        assert "x-router-dropped" not in answer.headers
        answer = await router.chat("mixed", messages=ASKED["messages"])
        assert answer.headers["x-router-target"] == "claude/one"
