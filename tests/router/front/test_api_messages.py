"""What the router itself says at the paths of Anthropic's dialect, in that dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.dialects.estimate import estimated_tokens
from tests.router.front.keyed import ENVIRON, PART, keyed
from tests.router.running import JSON, Answer, running, written

MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
BODY = b'{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
VERSION = {"anthropic-version": "2023-06-01"}
PART_KEY = {"x-api-key": "part-key"}


def error_of(answer: Answer) -> Any:
    """The error, in the dialect."""
    assert answer.headers["content-type"] == "application/json"
    told = answer.told
    assert (sorted(told), told["type"]) == (["error", "type"], "error")
    assert told["error"]["message"]
    return told["error"]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "kind"),
    [
        ("POST", MESSAGES, BODY, {}, 401, "authentication_error"),
        ("POST", COUNT, BODY, {"x-api-key": "wrong"}, 401, "authentication_error"),
        ("POST", MESSAGES, BODY, {"x-api-key": " "}, 401, "authentication_error"),
        ("GET", "/v1/models", None, VERSION, 401, "authentication_error"),
        ("POST", MESSAGES, b"{", PART_KEY, 400, "invalid_request_error"),
        ("POST", MESSAGES, b'{"model":"nobody","messages":[]}', PART_KEY, 404, "not_found_error"),
        ("POST", COUNT, b'{"model":"nobody","messages":[]}', PART_KEY, 404, "not_found_error"),
        ("GET", "/v1/models/nobody", None, {**PART_KEY, **VERSION}, 404, "not_found_error"),
        ("POST", "/v1/messages/batches", BODY, PART_KEY, 404, "not_found_error"),
        ("GET", MESSAGES, None, PART_KEY, 405, "invalid_request_error"),
        ("DELETE", COUNT, None, PART_KEY, 405, "invalid_request_error"),
        (
            "POST",
            MESSAGES,
            BODY,
            {**PART_KEY, "x-router-target": "sim/fast"},
            403,
            "permission_error",
        ),
        ("POST", MESSAGES, b"x" * 2000, PART_KEY, 413, "request_too_large"),
        (
            "POST",
            MESSAGES,
            BODY,
            {**PART_KEY, "content-type": "text/plain"},
            415,
            "invalid_request_error",
        ),
    ],
)
async def test_errors_are_in_the_dialect_of_their_path(
    tmp_path: Path,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    kind: str,
) -> None:
    file = keyed(tmp_path)
    file.write_text(file.read_text().replace("auth: keys", "auth: keys, max_body: 1KiB"))
    async with running(file, ENVIRON) as router:
        answer = await router.ask(method, path, body, {**JSON, **headers})
    assert answer.status == status
    assert error_of(answer)["type"] == kind
    assert answer.headers["x-request-id"].startswith("req_")


async def test_models_are_in_the_dialect_that_their_client_names(tmp_path: Path) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        ours = (await router.ask("GET", "/v1/models", headers={**PART_KEY, **VERSION})).told
        theirs = (await router.ask("GET", "/v1/models", headers=PART)).told
        one = (await router.ask("GET", "/v1/models/chat", headers={**PART, **VERSION})).told
    assert [model["id"] for model in ours["data"]] == ["chat"]
    assert (ours["data"][0]["type"], ours["has_more"]) == ("model", False)
    assert theirs["object"] == "list"
    assert one == ours["data"][0]


async def test_a_target_by_name_counts_too_and_a_body_may_come_late(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:

        async def slowly() -> Any:
            yield BODY[:20].replace(b"chat", b"sim/fast")
            yield BODY[20:]

        url = f"http://{router.listen}{COUNT}"
        async with router.client.post(url, data=slowly(), headers=JSON) as response:
            told = await response.json()
            assert response.headers["x-router-degraded"] == "estimated"
    assert told == {"input_tokens": estimated_tokens(BODY.replace(b"chat", b"sim/fast", 1))}
