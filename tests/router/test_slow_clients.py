"""Slow clients are not sick providers: their time is measured apart, over real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from router.testing import Answer, Provider
from tests.router.running import Running, completion, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults: {{timeouts: {{first_token: 2s, between_tokens: {between}, client_write: {client}}}}}
providers:
  far: {{base_url: "{url}", models: [m]}}
models:
  chat: {{targets: [far/m]}}
"""
PIECE = "w" * 100_000
VAST = Answer(" ".join([PIECE] * 80))
"""8 MB: more than fits between a provider and a client that takes nothing."""


@asynccontextmanager
async def before(
    far: Provider, folder: Path, *, between: str = "5s", client: str = "200ms"
) -> AsyncIterator[Running]:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(url=far.url, between=between, client=client))
    async with running(path) as router:
        yield router


async def asked(router: Running, *, stream: bool) -> socket.socket:
    """A client with little room that has asked, and has not read anything."""
    loop = asyncio.get_running_loop()
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.setblocking(False)
    host, _, port = router.listen.partition(":")
    await loop.sock_connect(wire, (host, int(port)))
    body = completion(stream=stream)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {router.listen}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    await loop.sock_sendall(wire, head.encode() + body)
    return wire


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(3.0):
        while not happened():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.005)


def ends(router: Running) -> list[str]:
    return [end for _, _, _, end in router.app.state.counters.requests]


async def test_a_stream_of_which_nothing_is_taken_is_abandoned_and_its_target_not_blamed(
    tmp_path: Path,
) -> None:
    async with Provider(VAST) as far, before(far, tmp_path) as router:
        wire = await asked(router, stream=True)
        await until(lambda: ends(router))
        counters = router.app.state.counters
        assert ends(router) == ["slow"]
        assert list(counters.attempts) == [("far/m", "abandoned", "body")]
        assert 0.19 <= counters.client_seconds["chat"] < 1.0
        told = (await router.ask_admin("GET", "/status")).told["targets"]["far/m"]
        assert (told["availability"], told["last_failure"]) == (1.0, None)
        await until(lambda: far.requests[0].left)
        wire.close()


async def test_a_whole_answer_of_which_nothing_is_taken_is_given_up_and_was_its_targets_good_one(
    tmp_path: Path,
) -> None:
    async with Provider(VAST) as far, before(far, tmp_path) as router:
        wire = await asked(router, stream=False)
        await until(lambda: ends(router))
        counters = router.app.state.counters
        assert ends(router) == ["slow"]
        assert list(counters.attempts) == [("far/m", "ok", "")]
        assert 0.19 <= counters.client_seconds["chat"] < 1.0
        wire.close()


async def test_a_client_that_pauses_is_waited_for_and_the_time_is_not_its_providers(
    tmp_path: Path,
) -> None:
    async with Provider(VAST) as far, before(far, tmp_path, between="100ms", client="2s") as router:
        loop = asyncio.get_running_loop()
        wire = await asked(router, stream=True)
        await asyncio.sleep(0.3)  # three times what may lie between two pieces of the provider's
        taken = b""
        while b"[DONE]" not in taken[-100:]:
            taken += await loop.sock_recv(wire, 1 << 20)
        wire.close()
        await until(lambda: ends(router))
        assert ends(router) == ["ok"]
        waited = router.app.state.counters.client_seconds["chat"]
        assert waited > 0.2
        closing = json.loads(taken.partition(b": pointsman ")[2].partition(b"\n")[0])
        target = (await router.ask_admin("GET", "/status")).told["targets"]["far/m"]
        read = closing["total_ms"] / 1000 - waited
        assert target["per_token_s"] * closing["output_tokens"] <= read + 0.05
        page = (await router.ask_admin("GET", "/metrics")).body.decode()
        shown = page.partition('pointsman_client_seconds_total{model="chat"} ')[2].split("\n")[0]
        assert abs(float(shown) - waited) < 0.01
        assert await router.says("of the client's")
