"""Whatever a provider does on the wire, the client gets a whole answer or an honest error, in time.

Real routers, real sockets, providers that do what they are told; time limits of fractions of a
second.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.testing import (
    ERROR_EVENT,
    Answer,
    Authority,
    Body,
    HangUp,
    Provider,
    Raw,
    Reply,
    Reset,
    Script,
    Silence,
    Status,
    event,
    stale,
)
from tests.router.running import Running, running

TEXT = "one two three four five"
GOOD = Answer(TEXT)
FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults:
  timeouts: {{connect: 1s, first_token: 200ms, between_tokens: 200ms}}
providers:
  first: {{base_url: "{first}", {extra} models: [m]}}
  second: {{base_url: "{second}", models: [m]}}
models:
  chat: {{policy: priority, tiers: [[first/m], [second/m]]}}
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = event(choices=[{"index": 0, "delta": {"content": "one two"}}])
MOST = 2.0
"""Seconds: every limit above, one retry on the spot, and a slow machine."""


@asynccontextmanager
async def between(
    folder: Path, first: str, second: Provider, extra: str = ""
) -> AsyncIterator[Running]:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(first=first, second=second.url, extra=extra))
    async with running(path) as router:
        yield router


async def streamed(router: Running) -> tuple[Mapping[str, str], list[Any]]:
    """The head, and the events that are JSON."""
    async with asyncio.timeout(MOST), router.streamed() as answer:
        assert answer.status == 200
        lines = (await answer.read()).decode().splitlines()
    told = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert told[-1] == "[DONE]" or "error" in json.loads(told[-1])
    return answer.headers, [json.loads(line) for line in told if line != "[DONE]"]


def text_of(events: list[Any]) -> str:
    choices = [event["choices"][0] for event in events if event.get("choices")]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


BEFORE: dict[str, Script] = {
    "refuses with 500": Status(500),
    "refuses with 503": Status(503, retry_after=1),
    "is throttled": Status(429, retry_after=1),
    "knows no such key": Status(401, code="invalid_api_key"),
    "resets": Reset(),
    "hangs up": HangUp(),
    "says nothing": Silence(),
    "speaks no HTTP": Raw([b"\x16\x03\x01 what?\r\n\r\n"]),
    "says half a head": Raw([b"HTTP/1.1 200 OK\r\nContent-Ty"]),
    "sends endless headers": Raw([b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 0123456789\r\n" * 20_000]),
    "dribbles its head": GOOD.slow_head(0.05),
    "shows a page": Body("<html>Bad gateway</html>"),
    "shows a page as an error": Body("<html>Bad gateway</html>", 502),
    "is empty": Body(b"", kind="application/json"),
    "errs inside a 200": Status(200),
    "errs in an array": Body([{"error": {"message": "no", "code": 500}}], 500),
    "is no JSON": Body(b"{", kind="application/json"),
    "breaks off in its head": GOOD.cut(after_bytes=10),
    "resets in its body": GOOD.reset(after_bytes=150),
    "stalls in its body": GOOD.stalled(after_bytes=150),
    "switches protocols": Raw([b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"]),
}
STREAMS: dict[str, Script] = {
    "ends before content": GOOD.cut(after=1),
    "resets before content": GOOD.reset(after=1),
    "stalls before content": GOOD.stalled(after=1),
    "errs before content": GOOD.inserting(ERROR_EVENT, after=1),
    "is malformed, and no more": GOOD.inserting(4 * b"data: what?\n\n", after=1),
    "ends without anything": Raw(
        [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n"]
    ),
}


@pytest.mark.parametrize("fault", [*BEFORE, *STREAMS])
async def test_a_stream_that_fails_before_content_is_anothers_whole_answer(
    fault: str, tmp_path: Path
) -> None:
    script = {**BEFORE, **STREAMS}[fault]
    async with Provider(script) as bad, Provider(GOOD) as good:
        async with between(tmp_path, bad.url, good) as router:
            headers, events = await streamed(router)
    assert text_of(events) == TEXT
    assert headers["x-router-target"] == "second/m"


@pytest.mark.parametrize("fault", BEFORE)
async def test_an_answer_in_one_piece_that_fails_is_anothers_whole_answer(
    fault: str, tmp_path: Path
) -> None:
    async with Provider(BEFORE[fault]) as bad, Provider(GOOD) as good:
        async with between(tmp_path, bad.url, good) as router, asyncio.timeout(MOST):
            answer = await router.chat()
    assert answer.status == 200
    assert answer.told["choices"][0]["message"]["content"] == TEXT
    assert answer.headers["x-router-target"] == "second/m"


AFTER: dict[str, Script] = {
    "ends": GOOD.cut(after=3),
    "resets": GOOD.reset(after=3),
    "stalls": GOOD.stalled(after=3),
    "errs": GOOD.inserting(ERROR_EVENT, after=3).paced(0.02),
    "breaks its chunks": Raw([HEAD, b"%x\r\n%b\r\n" % (len(EVENTS), EVENTS), 0.02, b"zz\r\n"]),
}


@pytest.mark.parametrize("fault", AFTER)
async def test_a_stream_that_fails_after_content_ends_in_an_error_event(
    fault: str, tmp_path: Path
) -> None:
    async with Provider(AFTER[fault]) as bad, Provider(GOOD) as good:
        async with between(tmp_path, bad.url, good) as router:
            headers, events = await streamed(router)
            assert good.requests == []
    assert headers["x-router-target"] == "first/m"
    assert TEXT.startswith(text_of(events[:-1]))
    assert events[-1]["error"]["code"] == "stream_interrupted"


@pytest.mark.parametrize("streams", [True, False])
async def test_a_refused_connection_is_anothers_whole_answer(streams: bool, tmp_path: Path) -> None:
    async with Provider(GOOD) as good, Provider() as gone:
        await gone.down()
        async with between(tmp_path, gone.url, good) as router:
            answer = await router.chat(stream=streams)
    assert answer.status == 200
    assert answer.headers["x-router-target"] == "second/m"
    assert "one" in answer.body.decode()


@pytest.mark.parametrize("fault", ["unknown", "expired", "another name"])
async def test_tls_that_is_wrong_is_anothers_answer_and_says_the_remedy(
    fault: str, tmp_path: Path
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    contexts = {
        "unknown": lambda: Authority().server(),
        "expired": lambda: authority.server(expired=True),
        "another name": lambda: authority.server("elsewhere.example"),
    }
    remedies = {
        "unknown": "tls: {ca: FILE}",
        "expired": "must renew it",
        "another name": "write the name that the certificate has",
    }
    async with Provider(tls=contexts[fault]()) as bad, Provider(GOOD) as good:
        async with between(tmp_path, bad.url, good, "tls: {ca: ca.pem},") as router:
            answer = await router.chat()
            assert await router.says(remedies[fault])
    assert answer.headers["x-router-target"] == "second/m"


async def test_tls_that_is_right_is_used(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    async with Provider(GOOD, tls=authority.server()) as secure, Provider(GOOD) as other:
        async with between(tmp_path, secure.url, other, "tls: {ca: ca.pem},") as router:
            for _ in range(3):
                headers, events = await streamed(router)
                assert headers["x-router-target"] == "first/m"
                assert text_of(events) == TEXT
            assert secure.connections == 1


async def test_a_connection_that_closes_when_it_is_used_again_costs_no_attempt(
    tmp_path: Path,
) -> None:
    async with Provider(stale(GOOD)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second) as router:
            for _ in range(4):
                headers, events = await streamed(router)
                assert text_of(events) == TEXT
                assert headers["x-router-target"] == "first/m"
                assert headers["x-router-attempts"] == "1"
        assert second.requests == []


async def test_a_missing_formal_end_is_no_failure(tmp_path: Path) -> None:
    async with Provider(Answer(TEXT, done=False)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second) as router:
            headers, events = await streamed(router)
    assert headers["x-router-target"] == "first/m"
    assert text_of(events) == TEXT


@pytest.mark.parametrize(
    "reply",
    [
        GOOD.preceded(103),
        GOOD.chunked(extension=b";a=b", trailers={"x-sum": "1"}),
        GOOD.until_close(),
        GOOD.closing(),
        GOOD.dribbled(),
    ],
)
async def test_what_http_allows_is_a_whole_answer(reply: Reply, tmp_path: Path) -> None:
    async with Provider(reply) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second) as router:
            for _ in range(2):
                headers, events = await streamed(router)
                assert headers["x-router-target"] == "first/m"
                assert text_of(events) == TEXT
                assert (await router.chat()).headers["x-router-target"] == "first/m"
