"""What a request brings that not every target can take: images, tools, a form, a kind of call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.router.running import JSON, Running, running, written

MODELS = """\
chat: {policy: weighted_round_robin, targets: [blind/one, blind/two, seeing/one]}
blind: {targets: [blind/one]}
"""
PROVIDERS = """\
  blind:
    dialect: simulated
    models:
      one: {lacks: [images, audio], first_token: 1ms, tokens_per_second: 10000}
      two: {lacks: [images, documents], first_token: 1ms, tokens_per_second: 10000}
  seeing:
    dialect: simulated
    models: {one: {first_token: 1ms, tokens_per_second: 10000}}
"""
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
PAPER = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}


def file(folder: Path) -> Path:
    path = written(folder, MODELS)
    text = path.read_text().replace("providers:\n", f"providers:\n{PROVIDERS}", 1)
    path.write_text(text)
    return path


async def targets(router: Running, *parts: Any) -> set[str]:
    content = [{"type": "text", "text": "what is it?"}, *parts]
    messages = [{"role": "user", "content": content}]
    answers = [await router.chat(messages=messages) for _ in range(12)]
    return {answer.headers["x-router-target"] for answer in answers}


async def test_a_request_goes_to_who_can_take_what_it_brings(tmp_path: Path) -> None:
    async with running(file(tmp_path)) as router:
        assert await targets(router) == {"blind/one", "blind/two", "seeing/one"}
        assert await targets(router, IMAGE) == {"seeing/one"}
        assert await targets(router, SOUND) == {"blind/two", "seeing/one"}
        assert await targets(router, PAPER) == {"blind/one", "seeing/one"}
        assert await targets(router, PAPER, SOUND) == {"seeing/one"}


async def test_what_no_target_can_take_is_the_callers_error_and_says_what(tmp_path: Path) -> None:
    async with running(file(tmp_path)) as router:
        messages = [{"role": "user", "content": [IMAGE]}]
        answer = await router.chat("blind", messages=messages)
        assert (answer.status, answer.error["code"]) == (400, "unsupported")
        assert "blind/one: it lacks what the request requires: images" in str(answer.error)
        assert "retry-after" not in answer.headers


@pytest.mark.parametrize(("asked", "odds"), [({"images": True}, 0.0), ({}, 1.0)])
async def test_explain_knows_it_too(tmp_path: Path, asked: dict[str, Any], odds: float) -> None:
    async with running(file(tmp_path)) as router:
        body = json.dumps({"model": "blind", **asked}).encode()
        told = (await router.ask_admin("POST", "/explain", body, JSON)).told
        assert told["targets"][0]["odds"] == odds
