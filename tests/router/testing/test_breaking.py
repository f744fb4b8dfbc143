"""How it is framed, when it comes, and how it breaks."""

import asyncio
from typing import Any

import pytest

from router.testing import Answer, Body, HangUp, Provider, Raw, Reply, Reset, Silence, Stream, Then
from tests.router.front.wire import on_both_loops
from tests.router.testing.asking import calling, content, events, told

TEXT = "one two three"
CHUNKED = Answer(TEXT)


@on_both_loops
async def test_an_answer_is_cut_or_reset_after_so_many_events() -> None:
    for count in range(7):
        async with Provider([CHUNKED.cut(after=count), CHUNKED.reset(after=count)]) as provider:
            cut = await told(provider.url, stream=True)
            reset = await told(provider.url, stream=True)
        assert (len(events(cut.data)), cut.end) == (min(count, 6), "closed")
        assert (len(events(reset.data)), reset.end) == (min(count, 6), "reset")
        assert not cut.data.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_cut_after_any_byte(stream: bool) -> None:
    async with Provider(Answer(TEXT)) as provider, calling(provider.url) as caller:
        caller.send(stream=stream)
        whole = (await caller.everything()).data
    for count in range(0, len(whole), 7):
        async with Provider(Answer(TEXT).cut(after_bytes=count)) as provider:
            cut = await told(provider.url, stream=stream)
        assert cut == (whole[:count], "closed")


@on_both_loops
async def test_an_answer_stalls_for_a_while_or_for_good() -> None:
    async with Provider([CHUNKED.stalled(after=2, seconds=0.15), CHUNKED.stalled(after=2)]) as p:
        async with calling(p.url) as caller:
            caller.send(stream=True)
            assert content((await caller.everything()).data) == "one"
            assert content((await caller.everything()).data) == " two three"
        stalled = await told(p.url, stream=True)
        assert (content(stalled.data), stalled.end) == ("one", "open")
        assert await p.requests[1].until_over()


async def test_half_a_head_can_stall_too() -> None:
    async with Provider(Answer().stalled(after_bytes=12)) as provider:
        assert await told(provider.url) == (b"HTTP/1.1 200", "open")


@on_both_loops
async def test_instead_of_an_answer_there_may_be_silence_a_reset_or_an_end() -> None:
    async with Provider([Silence(), Reset(), HangUp()]) as provider:
        assert [await told(provider.url) for _ in range(3)] == [
            (b"", "open"),
            (b"", "reset"),
            (b"", "closed"),
        ]


async def test_any_bytes_can_be_said_at_any_time() -> None:
    reply = Raw([b"SSH-2.0", 0.12, b"-no\r\n", Then.CLOSE])
    async with Provider(reply) as provider, calling(provider.url) as caller:
        caller.send()
        assert await caller.everything() == (b"SSH-2.0", "open")
        assert await caller.everything() == (b"-no\r\n", "closed")


async def test_a_body_may_end_with_its_connection() -> None:
    async with Provider(Answer(TEXT).until_close()) as provider:
        answer = await told(provider.url, stream=True)
    assert answer.end == "closed"
    assert b"content-length" not in answer.data
    assert b"transfer-encoding" not in answer.data
    assert answer.data.endswith(b"data: [DONE]\n\n")


async def test_chunks_may_have_extensions_and_trailers() -> None:
    reply = Body(b"body").chunked(extension=b";a=b", trailers={"x-late": "1"})
    async with Provider(reply) as provider:
        answer = await told(provider.url)
    assert answer.data.endswith(b"\r\n\r\n4;a=b\r\nbody\r\n0\r\nx-late: 1\r\n\r\n")


async def test_an_informational_answer_may_come_first() -> None:
    async with Provider(Body(b"").preceded(103).preceded(100)) as provider:
        answer = await told(provider.url)
    assert answer.data.startswith(
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
    )


async def test_the_last_answer_of_a_connection_may_say_so_or_not() -> None:
    async with Provider([Body(b"1").closing(), Body(b"2").hung_up(0.0)]) as provider:
        said, unsaid = await told(provider.url), await told(provider.url)
    assert (said.end, unsaid.end) == ("closed", "closed")
    assert b"connection: close" in said.data
    assert b"connection" not in unsaid.data


@on_both_loops
async def test_a_connection_may_be_closed_while_a_client_thinks_it_is_free() -> None:
    async with Provider(Body(b"1").hung_up(0.05)) as provider, calling(provider.url) as caller:
        assert (await caller.answer()).body == b"1"
        caller.send()
        told = await caller.everything()
        assert told.data == b""
        assert told.end != "open"
        assert len(provider.requests) == 2
        assert provider.requests[1].left


PACES: list[tuple[Reply, float]] = [
    (Answer(TEXT).delayed(0.1), 0.1),
    (Answer(TEXT).paced(0.02), 0.1),
    (Body(b"0123456789").slow_head(0.01, size=10), 0.08),
    (Stream([b"data: 1\n\n"] * 2).dribbled(9, 0.01), 0.08),
]


@pytest.mark.parametrize(("reply", "seconds"), PACES)
async def test_an_answer_takes_its_time(reply: Reply, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    async with Provider(reply) as provider, calling(provider.url) as caller:
        began = loop.time()
        assert (await caller.answer(stream=True)).whole
        assert seconds <= loop.time() - began < seconds + 0.15


async def test_bytes_may_come_one_at_a_time() -> None:
    async with Provider([Answer(TEXT), Answer(TEXT).dribbled()]) as provider:
        whole = await told(provider.url, stream=True)
        async with calling(provider.url) as caller:
            caller.send(stream=True)
            pieces = [await caller.reader.read(1000) for _ in range(50)]
    # Those that come while the reading task is being woken are read together.
    assert max(map(len, pieces)) <= 3
    assert whole.data.startswith(b"".join(pieces))


async def test_faults_can_be_had_together() -> None:
    reply = Answer(TEXT).with_headers({"x-a": "b"}).dribbled(5).cut(after=2).delayed(0.01)
    async with Provider(reply) as provider:
        answer = await told(provider.url, stream=True)
    assert b"x-a: b\r\n" in answer.data
    assert (len(events(answer.data)), answer.end) == (2, "closed")


async def test_a_reply_is_never_changed() -> None:
    good: Any = Answer(TEXT)
    good.cut().dribbled().closing().malformed()
    assert good == Answer(TEXT)


@on_both_loops
async def test_a_client_that_takes_nothing_holds_a_big_body_back() -> None:
    size = 30_000_000
    async with Provider(Body(bytes(size))) as provider, calling(provider.url) as caller:
        caller.send()
        await asyncio.sleep(0.2)
        [request] = provider.requests
        assert 0 < request.sent < size / 2
        while len(await caller.reader.read(1_000_000)):
            if request.over.is_set():
                break
        assert request.sent > size
        assert not request.left
