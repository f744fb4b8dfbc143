"""What a client is told when nobody answers it, over real sockets and by the official client: the
error of which it learns most, in its own dialect, with a true time to come back or none.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from router.testing import Answer, Body, Provider, Script, Status, Stream, event
from tests.router.running import Running, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  first: {{base_url: "{first}", {extra} models: [m]}}
  second: {{base_url: "{second}", {extra} models: [m]}}
models:
  chat: {{policy: priority, tiers: [[first/m], [second/m]]}}
"""
MESSAGES: Any = [{"role": "user", "content": "hello"}]
GOOD = Answer("one two three")
TOO_LONG = Status(400, "too long for first", code="context_length_exceeded")
WRONG = Status(400, "temperature is no number", type="invalid_request_error", code="invalid_type")
BUSY = Status(429, "slow down, org-1234", code="rate_limit_exceeded", retry_after=40)
KEY = Status(401, "Incorrect API key provided: sk-1234", code="invalid_api_key")
BROKE = Status(500, "it broke")
FLAGGED = Body({"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["x"]}}}, 403)
PAGE = Body("<html>Request Header Or Cookie Too Large</html>", 400)


@asynccontextmanager
async def between(
    folder: Path, first: Script, second: Script, extra: str = ""
) -> AsyncIterator[tuple[Running, AsyncOpenAI, Provider, Provider]]:
    async with Provider(first) as one, Provider(second) as other:
        path = folder / "providers.yaml"
        path.write_text(FILE.format(first=one.url, second=other.url, extra=extra))
        async with (
            running(path) as router,
            AsyncOpenAI(
                base_url=f"http://{router.listen}/v1", api_key="unused", max_retries=0
            ) as client,
        ):
            yield router, client, one, other


async def refused(client: AsyncOpenAI, *, stream: bool = False) -> openai.APIStatusError:
    """The error that the official client raises; no header of it contradicts another."""
    with pytest.raises(openai.APIStatusError) as raised:
        await client.chat.completions.create(model="chat", messages=MESSAGES, stream=stream)
    error = raised.value
    headers = error.response.headers
    assert not ("retry-after" in headers and "x-should-retry" in headers)
    assert ("retry-after" in headers) or error.status_code not in (429, 503)
    for secret in ("sk-1234", "org-1234"):
        assert secret not in error.response.text
    assert headers["content-type"].startswith("application/json")
    return error


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("first", "second", "status", "code", "message"),
    [
        (TOO_LONG, BROKE, 400, "context_length_exceeded", "too long for first"),
        (TOO_LONG, KEY, 400, "context_length_exceeded", "too long for first"),
        (TOO_LONG, BUSY, 429, "no_capacity", "pause"),
        (TOO_LONG, TOO_LONG, 400, "context_length_exceeded", "too long for first"),
        (TOO_LONG, WRONG, 400, "invalid_type", "temperature is no number"),
        (BROKE, TOO_LONG, 400, "context_length_exceeded", "too long for first"),
        (BUSY, TOO_LONG, 429, "no_capacity", "pause"),
        (KEY, FLAGGED, 400, "403", "flagged"),
        (BUSY, BROKE, 429, "no_capacity", "rate|pause"),
        (BUSY, BUSY, 429, "no_capacity", "pause"),
        (BUSY, KEY, 429, "no_capacity", "pause"),
        (BROKE, KEY, 502, "upstream_failed", "500"),
        (KEY, BROKE, 502, "upstream_failed", "500"),
        (KEY, KEY, 503, "no_target", "no target"),
        (PAGE, BUSY, 429, "no_capacity", "pause"),
        (PAGE, PAGE, 400, "invalid_request", "refused the request: 400"),
    ],
)
async def test_of_all_attempts_the_error_is_told_of_which_the_client_learns_most(
    first: Script, second: Script, status: int, code: object, message: str, stream: bool, tmp_path
) -> None:
    async with between(tmp_path, first, second) as (_, client, _, _):
        error = await refused(client, stream=stream)
    assert (error.status_code, error.code) == (status, code)
    assert any(word in error.message for word in message.split("|")), error.message


async def test_a_wrong_request_is_told_once_and_at_once(tmp_path: Path) -> None:
    async with between(tmp_path, WRONG, GOOD) as (_, client, first, second):
        error = await refused(client.with_options(max_retries=2))
        assert (len(first.requests), len(second.requests)) == (1, 0)
    assert isinstance(error, openai.BadRequestError)
    assert error.response.headers["x-should-retry"] == "false"


async def test_what_lies_between_is_no_reason_to_give_up(tmp_path: Path) -> None:
    async with between(tmp_path, PAGE, PAGE) as (_, client, _, _):
        assert "x-should-retry" not in (await refused(client)).response.headers


async def test_coming_back_is_hopeless_only_where_no_target_could_take_it(tmp_path: Path) -> None:
    for second, hopeless in ((TOO_LONG, True), (BROKE, False), (BUSY, False), (KEY, False)):
        async with between(tmp_path, TOO_LONG, second) as (_, client, _, _):
            headers = (await refused(client)).response.headers
        assert headers.get("x-should-retry") == ("false" if hopeless else None)
        if second is BUSY:
            assert 38 <= int(headers["retry-after"]) <= 40


async def test_the_time_to_come_back_is_that_of_the_first_who_could_serve(tmp_path: Path) -> None:
    soon = Status(429, code="rate_limit_exceeded", retry_after=20)
    async with between(tmp_path, BUSY, soon) as (_, client, first, second):
        for _ in range(2):
            headers = (await refused(client)).response.headers
            assert 18 <= int(headers["retry-after"]) <= 20
        assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_a_date_to_come_back_at_is_understood(tmp_path: Path) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=31), usegmt=True)
    dated = Status(429, code="rate_limit_exceeded", retry_after=at)
    async with between(tmp_path, dated, dated) as (_, client, _, _):
        headers = (await refused(client)).response.headers
    assert 28 <= int(headers["retry-after"]) <= 32


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "the text alone"}, "the text alone"),
        ({"error": {"message": "a number", "type": "BadRequestError", "code": 400}}, "a number"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ({"object": "error", "message": "an older shape", "code": 40001}, "an older shape"),
        ([{"error": {"code": 400, "message": "in a list", "status": "INVALID_ARGUMENT"}}], "list"),
    ],
)
async def test_a_refusal_in_another_shape_is_told_in_the_clients(
    body: Any, message: str, tmp_path: Path
) -> None:
    async with between(tmp_path, Body(body, 422), GOOD) as (_, client, _, _):
        error = await refused(client)
    assert isinstance(error, openai.UnprocessableEntityError)
    assert isinstance(error.body, dict)
    assert message in error.body["message"]
    assert error.type in ("invalid_request_error", "BadRequestError")
    assert isinstance(error.code, str | None)


QUIRKS: dict[str, Any] = {
    "gemini": {"error": {"code": 400, "message": "API key not valid.", "status": "x"}},
    "openrouter": {"error": {"code": 400, "message": "m is not a valid model ID"}},
}


@pytest.mark.parametrize("preset", QUIRKS)
async def test_what_only_looks_like_the_callers_fault_is_anothers_answer(
    preset: str, tmp_path: Path
) -> None:
    extra = f"preset: {preset}, dialect: openai, api_key: k,"
    async with between(tmp_path, Body(QUIRKS[preset], 400), GOOD, extra) as (router, client, *_):
        told = await client.chat.completions.create(model="chat", messages=MESSAGES)
        targets = (await router.ask_admin("GET", "/status")).told["targets"]
    assert told.choices[0].message.content == "one two three"
    assert targets["first/m"]["state"] == "denied"


async def test_a_refusal_inside_a_success_has_a_status_that_says_so(tmp_path: Path) -> None:
    told = {"error": {"code": 400, "message": "no such parameter"}}
    named = b"event: error\n" + event(**told["error"])
    for wrong in (Body(told, 200), Stream([event(**told)]), Stream([named])):
        async with between(tmp_path, wrong, GOOD) as (_, client, _, second):
            error = await refused(client, stream=isinstance(wrong, Stream))
            assert second.requests == []
        assert isinstance(error, openai.BadRequestError)
        assert "no such parameter" in error.message


async def test_an_error_inside_a_success_is_never_the_answer(tmp_path: Path) -> None:
    for body in (
        {"error": {"code": 502, "message": "Provider returned error", "metadata": {}}},
        {"error": {"code": "402", "message": "no credits"}, "choices": []},
        [{"error": {"code": 503, "message": "x"}}],
    ):
        async with between(tmp_path, Body(body, 200), GOOD) as (_, client, _, _):
            told = await client.chat.completions.create(model="chat", messages=MESSAGES)
            assert told.choices[0].message.content == "one two three"
            pieces = await client.chat.completions.create(
                model="chat", messages=MESSAGES, stream=True
            )
            words = [piece.choices[0].delta.content or "" async for piece in pieces]
        assert "".join(words) == "one two three"


@pytest.mark.parametrize(
    "page",
    [
        Body("<!doctype html><p>Log in</p>", 200),
        Body("\n  <html>\n\n<p>Log in</p>", 200, kind="text/event-stream"),
        Body("Please log in.", 200),
    ],
)
async def test_a_page_instead_of_a_stream_is_told_as_what_it_is(page: Body, tmp_path: Path) -> None:
    async with between(tmp_path, page, GOOD) as (router, client, _, _):
        pieces = await client.chat.completions.create(model="chat", messages=MESSAGES, stream=True)
        words = [piece.choices[0].delta.content or "" async for piece in pieces]
        metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
    assert "(first_token): a page instead of a stream" in router.stream.getvalue()
    assert "".join(words) == "one two three"
    assert 'pointsman_unclassified_total{provider="first",status="200"}' in metrics


async def test_a_stream_under_the_type_of_a_page_is_one_all_the_same(tmp_path: Path) -> None:
    sloppy = GOOD.with_headers({"content-type": "text/html"})
    async with between(tmp_path, sloppy, PAGE) as (_, client, _, second):
        pieces = await client.chat.completions.create(model="chat", messages=MESSAGES, stream=True)
        words = [piece.choices[0].delta.content or "" async for piece in pieces]
        assert second.requests == []
    assert "".join(words) == "one two three"


async def test_what_nobody_understands_is_counted_by_provider_and_status(tmp_path: Path) -> None:
    strange = Body({"error": {"message": "?", "code": "nobody_knows"}}, 418)
    async with between(tmp_path, PAGE, strange) as (router, client, _, _):
        for _ in range(2):
            assert (await refused(client)).status_code == 400
        await asyncio.sleep(0)
        page = (await router.ask_admin("GET", "/metrics")).body.decode()
    assert 'pointsman_unclassified_total{provider="first",status="400"} 2' in page
    assert 'pointsman_unclassified_total{provider="second",status="418"} 2' in page
