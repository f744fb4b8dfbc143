"""TLS to providers: who is trusted, who is not, and what is said of it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Event

import pytest

from policies import Phase
from router.testing import Authority
from router.upstream.proxy import Proxy
from router.upstream.tls import Tls
from router.upstream.transport import UpstreamError
from tests.router.front.wire import on_both_loops
from tests.router.upstream.provider import Act, asking, client, read_request, saying, whole

ANSWER = saying(whole(b"{}"))


@asynccontextmanager
async def secure(
    context: ssl.SSLContext, act: Act = ANSWER
) -> AsyncIterator[tuple[str, list[bool]]]:
    """A provider with TLS: its port as text, and for each connection whether it was resumed."""
    resumed: list[bool] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            resumed.append(writer.get_extra_info("ssl_object").session_reused)
            while True:
                await read_request(reader)
                await act(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield str(server.sockets[0].getsockname()[1]), resumed
    finally:
        server.close()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> Tls:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.pem)
    return Tls(ca=str(path))


@on_both_loops
async def test_an_authority_of_ones_own_is_trusted(authority: Authority, ca: Tls) -> None:
    async with secure(authority.server("localhost")) as (port, _), client() as http:
        for _ in range(2):
            async with asking(http, f"https://localhost:{port}", tls=ca) as ask:
                assert await ask.body() == b"{}"
        assert http.connections == 1


@on_both_loops
@pytest.mark.parametrize(
    ("fault", "host", "remedy"),
    [
        ("unknown", "localhost", "trust its authority with `tls: {ca: FILE}`"),
        ("expired", "localhost", "whoever runs it must renew it"),
        ("name", "127.0.0.1", "write the name that the certificate has into base_url"),
        ("self", "localhost", "trust it with `tls: {ca: FILE}`"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said_with_its_remedy(
    fault: str, host: str, remedy: str, authority: Authority, ca: Tls
) -> None:
    other = Authority()
    contexts = {
        "unknown": lambda: other.server("localhost"),
        "expired": lambda: authority.server("localhost", expired=True),
        "name": lambda: authority.server("localhost"),
        "self": other.self_signed,
    }
    async with secure(contexts[fault]()) as (port, _), client() as http:
        async with asking(http, f"https://{host}:{port}", tls=ca) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        assert remedy in caught.value.detail
        assert caught.value.phase is Phase.CONNECT
        assert http.connections == 0


@on_both_loops
async def test_a_certificate_of_ones_own_is_shown_when_it_is_asked_for(
    authority: Authority, ca: Tls, tmp_path: Path
) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(authority.client_pem())
    tls = Tls(ca=ca.ca, cert=str(own))
    context = authority.server("localhost", asks_for_client=True)
    async with (
        secure(context) as (port, _),
        client() as http,
        asking(http, f"https://localhost:{port}", tls=tls) as ask,
    ):
        assert await ask.body() == b"{}"


@on_both_loops
async def test_who_shows_no_certificate_where_one_is_asked_for_is_told_so(
    authority: Authority, ca: Tls
) -> None:
    context = authority.server("localhost", asks_for_client=True)

    def accept(listening: socket.socket) -> None:
        """As other servers do, and not asyncio's: with an alert that says why."""
        wire, _ = listening.accept()
        with context.wrap_socket(wire, True, do_handshake_on_connect=False) as secured:
            with suppress(ssl.SSLError):
                secured.do_handshake()
            done.wait(1)

    done = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://localhost:{listening.getsockname()[1]}"
        accepting = asyncio.get_running_loop().run_in_executor(None, accept, listening)
        async with client() as http, asking(http, url, tls=ca) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        done.set()
        await accepting
    assert "`tls: {cert: FILE, key: FILE}`" in caught.value.detail


@on_both_loops
async def test_a_new_connection_resumes_the_session_of_the_last_one(
    authority: Authority, ca: Tls
) -> None:
    last = saying(whole(b"{}", headers="Connection: close\r\n"))
    async with secure(authority.server("localhost"), last) as (port, resumed), client() as http:
        for _ in range(3):
            async with asking(http, f"https://localhost:{port}", tls=ca) as ask:
                assert await ask.body() == b"{}"
    assert resumed == [False, True, True]


@on_both_loops
async def test_files_that_are_no_pem_are_a_failure_to_connect(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("nothing of the kind")
    async with client() as http:
        for tls in (Tls(ca=str(path)), Tls(ca=str(tmp_path / "absent.pem"))):
            async with asking(http, "https://127.0.0.1:9", tls=tls) as ask:
                with pytest.raises(UpstreamError) as caught:
                    await ask.body()
            assert caught.value.phase is Phase.CONNECT


@on_both_loops
async def test_tls_goes_through_the_tunnel_of_a_proxy(authority: Authority, ca: Tls) -> None:
    asked: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    async with (
        secure(authority.server("api.example")) as (port, _),
        await asyncio.start_server(connected, "127.0.0.1", 0) as server,
        client() as http,
    ):
        proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
        for _ in range(2):
            async with asking(http, "https://api.example", tls=ca, proxy=proxy) as ask:
                assert await ask.body() == b"{}"
        assert len(asked) == http.connections == 1
        await http.close()
        await asyncio.sleep(0.02)
