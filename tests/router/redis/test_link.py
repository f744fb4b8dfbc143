"""A connection that is kept up, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from router.redis.address import address_of
from router.redis.down import Down, Refused
from router.redis.link import LOOK_AGAIN, PATIENCE, Link
from router.testing import Authority, Chaos
from tests.router.quota.servers import Process, process


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("server")
    with process(folder, "--unixsocket", str(folder / "socket")) as one:
        yield one


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[Link]:
    link = Link(address_of(url), "test")
    try:
        yield link
    finally:
        await link.close()


async def until_up(link: Link) -> None:
    async with asyncio.timeout(3):
        while not link.up:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.005)


async def test_many_ask_at_once_and_each_gets_its_own_answer(one: Process):
    async with linked(one.url) as link:
        await link.ready()
        told = await asyncio.gather(*[link.ask("ECHO", number) for number in range(100)])
    assert told == [str(number).encode() for number in range(100)]


async def test_before_the_first_connection_nobody_waits(one: Process):
    async with linked(one.url) as link:
        with pytest.raises(Down, match="has not been asked yet"):
            await link.ask("PING")
        await link.ready()
        assert await link.ask("PING") == b"PONG"


async def test_an_answer_that_comes_too_late_is_given_to_nobody(one: Process):
    rng = Random(5)
    wrong, late = [], 0
    async with Chaos(one.url) as network, linked(network.url) as link:
        for number in range(24):
            network.latency = rng.choice([0.0, 0.0, 0.0, PATIENCE * 0.7])
            asked = [f"{number}/{each}" for each in range(3)]
            told = await asyncio.gather(
                *[link.ask("ECHO", word) for word in asked], return_exceptions=True
            )
            late += sum(isinstance(answer, Down) for answer in told)
            wrong += [
                (word, answer)
                for word, answer in zip(asked, told, strict=True)
                if not isinstance(answer, Down) and answer != word.encode()
            ]
            network.latency = 0.0
            await until_up(link)
    assert late
    assert not wrong


async def test_who_leaves_before_the_answer_takes_nobody_elses(one: Process):
    async with linked(one.url) as link:
        await link.ready()
        gone = asyncio.ensure_future(link.ask("ECHO", "gone"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await link.ask("ECHO", "here") == b"here"


async def test_a_loop_that_was_late_itself_reads_what_has_come(one: Process):
    async with linked(one.url) as link:
        await link.ready()
        asked = asyncio.ensure_future(link.ask("ECHO", "there"))
        await asyncio.sleep(0)
        time.sleep(PATIENCE * 2)  # noqa: ASYNC251 - a loop that somebody blocks
        assert await asked == b"there"


async def test_silence_costs_those_who_wait_their_patience_and_no_other_anything(one: Process):
    async with Chaos(one.url) as network, linked(network.url) as link:
        await link.ready()
        network.black_hole = True
        began = time.monotonic()
        told = await asyncio.gather(
            *[link.ask("ECHO", word) for word in range(5)], return_exceptions=True
        )
        waited = time.monotonic() - began
        assert [str(error) for error in told] == ["it did not answer within 20 ms"] * 5
        assert waited < PATIENCE * 5  # once, not for each
        began = time.monotonic()
        with pytest.raises(Down, match="within 20 ms"):
            await link.ask("PING")
        assert time.monotonic() - began < PATIENCE * 0.9


async def test_a_connection_that_the_server_ended_is_made_again_before_anyone_asks(one: Process):
    async with linked(one.url) as link:
        await link.ready()
        await asyncio.sleep(LOOK_AGAIN)
        one.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await asyncio.sleep(0.05)
        assert await link.ask("PING") == b"PONG"


async def test_a_refused_command_leaves_the_connection_as_it_is(one: Process):
    async with linked(one.url) as link:
        await link.ready()
        with pytest.raises(Refused, match="ERR unknown command"):
            await link.ask("NO-SUCH")
        assert await link.ask("PING") == b"PONG"


async def test_a_socket_of_the_machine_is_spoken_to(one: Process):
    folder = Path(str(one.say("CONFIG", "GET", "unixsocket")[1].decode()))
    async with linked(f"unix://{folder}?db=2&client_name=pm") as link:
        await link.ready()
        assert await link.ask("CLIENT", "GETNAME") == b"pm"


async def test_a_name_that_can_be_none_is_said_to_be_so():
    async with linked(f"redis://{'x' * 70}.example") as link:
        with pytest.raises(Down):
            await link.ready()


@asynccontextmanager
async def in_tls(one: Process, authority: Authority) -> AsyncIterator[int]:
    """TLS before a server that has none; its port."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", one.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    sink.write(data)
            except OSError:
                pass
            finally:
                sink.close()

        await asyncio.gather(pump(reader, outer), pump(inner, writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=authority.server())
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_tls_verifies_whom_it_speaks_to(one: Process, tmp_path: Path):
    authority = Authority()
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.pem)
    async with in_tls(one, authority) as port:
        url = f"rediss://127.0.0.1:{port}"
        async with linked(url) as link:
            with pytest.raises(Refused, match="its certificate is not trusted"):
                await link.ready()
        async with linked(f"{url}?ssl_ca_certs={tmp_path}/none.pem") as link:
            with pytest.raises(Refused, match="ssl_ options cannot be used: No such file"):
                await link.ready()
        async with linked(f"{url}?ssl_ca_certs={trusted}") as link:
            await link.ready()
            assert await link.ask("PING") == b"PONG"
            assert len(str(await link.ask("ECHO", "x" * 200_000))) > 200_000


async def test_a_server_without_tls_is_said_to_speak_none(one: Process):
    async with linked(f"rediss://127.0.0.1:{one.port}") as link:
        with pytest.raises(Down, match="TLS"):
            await link.ready()
