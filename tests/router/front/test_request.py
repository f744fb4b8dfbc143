import asyncio

from router.front.request import PACE_BYTES
from tests.router.front.wire import POST, on_both_loops, read_answer, read_head, serving

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@on_both_loops
async def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_read() -> None:
    async with serving(max_body=1000) as served:
        answer = await served.ask(POST + b"Content-Length: 1001\r\n\r\n")
        assert (answer.status, answer.code) == (413, "body_too_large")
        assert answer.headers["connection"] == "close"
        assert b"1000" in answer.body
        assert b"server.max_body" in answer.body


@on_both_loops
async def test_a_client_that_waits_for_leave_is_refused_without_it() -> None:
    async with serving(max_body=1000) as served:
        head = POST + b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
        answer = await served.ask(head)
        assert answer.status == 413


@on_both_loops
async def test_a_client_that_waits_for_leave_gets_it() -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert await read_head(reader) == (100, {})
        writer.write(b"hello")
        answer = await read_answer(reader)
        assert (answer.status, answer.body) == (200, b"hello")
        assert "connection" not in answer.headers
        writer.close()


@on_both_loops
async def test_a_client_that_sent_its_body_unasked_is_not_told_to_go_on() -> None:
    async with serving() as served:
        head = POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        answer = await served.ask(head + b"hello")
        assert (answer.status, answer.body) == (200, b"hello")


@on_both_loops
async def test_a_chunked_body_is_joined() -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        writer.write(CHUNKED + b"5\r\nhello\r\n")
        await asyncio.sleep(0.02)
        writer.write(b"6\r\n world\r\n0\r\n\r\n")
        assert (await read_answer(reader)).body == b"hello world"
        writer.close()


@on_both_loops
async def test_a_chunked_body_is_refused_once_it_passes_the_limit() -> None:
    async with serving(max_body=1000) as served:
        endless = CHUNKED + b"400\r\n" + b"x" * 1024 + b"\r\n"
        answer = await served.ask(endless)
        assert (answer.status, answer.code) == (413, "body_too_large")
        assert answer.headers["connection"] == "close"
        at_once = await served.ask(endless + b"0\r\n\r\n")
        assert at_once.status == 413


@on_both_loops
async def test_a_client_still_sending_a_refused_body_reads_the_answer() -> None:
    async with serving(max_body=1000) as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: 30000000\r\n\r\n")
        writer.write(b"x" * 30_000_000)
        assert (await read_answer(reader)).status == 413
        writer.close()


@on_both_loops
async def test_a_body_larger_than_the_buffers_arrives_whole() -> None:
    sent = bytes(range(256)) * 12_000  # 3 MB
    async with serving(max_body=len(sent)) as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(sent) + sent)
        assert (await read_answer(reader)).body == sent
        writer.close()


@on_both_loops
async def test_a_compressed_body_is_not_inflated() -> None:
    async with serving() as served:
        head = POST + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
        assert (await served.ask(head + b"hello")).body == b"hello"


@on_both_loops
async def test_a_body_that_is_not_framed_as_http_asks_is_refused() -> None:
    async with serving() as served:
        answer = await served.ask(CHUNKED + b"five\r\nhello\r\n")
        assert (answer.status, answer.code) == (400, "malformed_request")


@on_both_loops
async def test_a_client_that_trickles_its_body_is_refused() -> None:
    async with serving(body_pace=0.1) as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: 900\r\n\r\n")
        for _ in range(15):
            writer.write(b"x")
            await asyncio.sleep(0.01)
        answer = await read_answer(reader)
        assert (answer.status, answer.code) == (408, "body_too_slow")
        assert answer.headers["connection"] == "close"
        writer.close()


@on_both_loops
async def test_a_client_that_sends_a_long_body_steadily_is_not() -> None:
    size = 6 * PACE_BYTES
    async with serving(max_body=size, body_pace=0.2) as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(6):
            await asyncio.sleep(0.05)
            writer.write(b"x" * PACE_BYTES)
        assert (await read_answer(reader)).status == 200
        writer.close()
