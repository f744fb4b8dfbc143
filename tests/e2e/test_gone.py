"""A client that leaves costs nothing more: its provider's work ends, its place is free."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from router.testing import Answer, Provider, Silence
from tests.e2e.running import Router, body, serving

CONFIG = """\
version: 1
server: {{drain: {{announce: 0s, wait: 1s}}}}
providers:
  slow: {{base_url: "{url}", models: [m]}}
models:
  m: {{targets: [slow/m]}}
"""
SOON = 0.5  # seconds
ENDLESS = Answer("word " * 5000).paced(0.01)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def router(tmp_path, provider) -> Iterator[Router]:
    with serving(tmp_path, CONFIG.format(url=provider.url)) as running:
        yield running


@pytest.mark.parametrize(
    ("reply", "stream"), [(ENDLESS, True), (Silence(), True), (Silence(), False)],
    ids=["within a stream", "before a stream", "before a whole answer"],
)  # fmt: skip
async def test_the_providers_connection_ends_with_the_clients(provider, router, reply, stream):
    provider.script = reply
    host, port = router.listen.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    sent = body("m", stream=stream).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n")
    writer.write(b"Content-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(sent), sent))
    if reply is ENDLESS:
        async with asyncio.timeout(5):
            await reader.readuntil(b"word")
    await happens(lambda: provider.requests, within=5)
    assert (await asyncio.to_thread(router.status))["targets"]["slow/m"]["in_flight"] == 1
    writer.close()
    await happens(lambda: provider.requests[0].left, within=SOON)
    status = await asyncio.to_thread(router.status)
    assert status["running"] == 0
    assert status["targets"]["slow/m"]["in_flight"] == 0
    assert status["targets"]["slow/m"]["health"] == 1.0
    assert [(row["end"], row["count"]) for row in status["requests"]] == [("gone", 1)]
    assert [(row["outcome"], row["count"]) for row in status["attempts"]] == [("abandoned", 1)]


async def happens(happened: Callable[[], object], within: float) -> None:
    """Wait until it has happened; the provider is in another thread."""
    async with asyncio.timeout(within):
        while not happened():  # noqa: ASYNC110 - and has no event for this one
            await asyncio.sleep(0.005)
