"""Which proxy leads where, and what goes through it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from policies import Phase
from router.upstream.proxy import Proxy, proxy_at, proxy_of
from router.upstream.transport import UpstreamError
from tests.router.front.wire import on_both_loops
from tests.router.upstream.provider import asking, client, provider, saying, whole

ENVIRON = {"HTTPS_PROXY": "http://p:1", "no_proxy": "inner.example,.corp,10.0.0.7"}


@pytest.mark.parametrize(
    ("environ", "scheme", "host", "leads"),
    [
        ({}, "https", "api.example", None),
        (ENVIRON, "https", "api.example", "http://p:1"),
        (ENVIRON, "http", "api.example", None),
        (ENVIRON, "https", "inner.example", None),
        (ENVIRON, "https", "deep.inner.example", None),
        (ENVIRON, "https", "a.corp", None),
        (ENVIRON, "https", "10.0.0.7", None),
        (ENVIRON, "https", "10.0.0.8", "http://p:1"),
        ({"all_proxy": "http://q:2"}, "https", "api.example", "http://q:2"),
        ({"http_proxy": "", "ALL_PROXY": "http://q:2"}, "http", "x", "http://q:2"),
        ({"https_proxy": "http://a", "HTTPS_PROXY": "http://b"}, "https", "x", "http://a"),
        ({**ENVIRON, "no_proxy": "*"}, "https", "api.example", None),
        (ENVIRON, "https", "localhost", None),
        (ENVIRON, "https", "127.0.0.1", None),
        (ENVIRON, "https", "::1", None),
    ],
)
def test_the_environment_is_followed_as_everybody_follows_it(
    environ: dict[str, str], scheme: str, host: str, leads: str | None
) -> None:
    assert proxy_of(environ, scheme, host, 443) == leads


def test_a_proxys_url_is_read() -> None:
    assert proxy_at("http://squid:3128") == Proxy("squid", 3128)
    assert proxy_at("squid:3128") == Proxy("squid", 3128)
    assert proxy_at("http://me:p%40ss@squid").authorization == "Basic bWU6cEBzcw=="
    assert "p@ss" not in repr(proxy_at("http://me:p%40ss@squid"))
    for wrong in ("socks5://squid:1080", "https://squid", "http://", ""):
        with pytest.raises(ValueError, match="http://host:port"):
            proxy_at(wrong)


@asynccontextmanager
async def tunnelling(answer: bytes) -> AsyncIterator[tuple[Proxy, list[bytes]]]:
    """A proxy that answers `CONNECT` so; and the heads of what it was asked."""
    heads: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield Proxy("127.0.0.1", server.sockets[0].getsockname()[1], "Basic eA=="), heads


@on_both_loops
async def test_plain_http_goes_through_a_proxy_as_a_whole_url() -> None:
    async with provider(saying(whole(b"{}"))) as seen, client() as http:
        host, port = seen.origin.removeprefix("http://").split(":")
        proxy = Proxy(host, int(port), "Basic eA==")
        async with asking(http, "http://api.example", proxy=proxy) as ask:
            assert await ask.body() == b"{}"
    (request,) = seen.requests
    assert request.line == "POST http://api.example/v1/chat/completions HTTP/1.1"
    assert request.header("host") == ["api.example"]
    assert request.header("proxy-authorization") == ["Basic eA=="]


@on_both_loops
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", "407: write its user and password"),
        (b"HTTP/1.1 403 No\r\n\r\n", "the proxy answered 403"),
        (b"what?\r\n\r\n", "the proxy answered nonsense"),
        (b"x" * 20_000, "the proxy answered nonsense"),
        (b"", "no connection within"),
    ],
)
async def test_a_proxy_that_refuses_is_a_failure_to_connect(answer: bytes, told: str) -> None:
    async with tunnelling(answer) as (proxy, heads), client() as http:
        async with asking(http, "https://api.example", proxy=proxy, connect=0.2) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        assert caught.value.phase is Phase.CONNECT
        assert told in caught.value.detail
        assert "eA==" not in caught.value.detail
    assert heads[0].startswith(b"CONNECT api.example:443 HTTP/1.1\r\nhost: api.example:443\r\n")
    assert b"proxy-authorization: Basic eA==\r\n" in heads[0]
