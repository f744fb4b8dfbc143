"""A bad network in front of a good provider."""

import asyncio
import ssl
import time
from random import Random

import pytest

from router.testing import Answer, Authority, Body, Chaos, Provider, Raw, Silence
from tests.router.front.wire import on_both_loops
from tests.router.testing.asking import calling, content, request, told

SMALL = Body(b"ok")


@on_both_loops
async def test_without_faults_everything_passes() -> None:
    big = bytes(3_000_000)
    async with Provider([Body(big), Answer("a b")]) as provider, Chaos(provider.url) as chaos:
        assert chaos.url.endswith("/v1")
        assert chaos.url != provider.url
        async with calling(chaos.url) as caller:
            assert (await caller.answer(padding="x" * 1_000_000)).body == big
            assert (await caller.answer(stream=True)).whole
            assert (chaos.connections, chaos.connections_open) == (1, 1)
        assert provider.requests[0].fields["padding"] == "x" * 1_000_000
        assert [each.reused for each in provider.requests] == [False, True]


async def test_tls_passes_too():
    authority = Authority()
    context = authority.trusted_by(ssl.create_default_context())
    async with (
        Provider(SMALL, tls=authority.server()) as provider,
        Chaos(provider.url) as chaos,
        calling(chaos.url, context) as caller,
    ):
        assert chaos.url.startswith("https://")
        assert (await caller.answer()).body == b"ok"


@on_both_loops
async def test_what_is_late_is_late_each_way_and_in_order() -> None:
    async with (
        Provider(Answer("a b c d")) as provider,
        Chaos(provider.url, latency=0.04, jitter=0.02, rng=Random(7)) as chaos,
        calling(chaos.url) as caller,
    ):
        began = time.monotonic()
        answer = await caller.answer(stream=True)
        assert 0.08 <= time.monotonic() - began < 1
        assert content(answer.body) == "a b c d"
        chaos.latency = chaos.jitter = 0.0
        took = []
        for _ in range(5):
            began = time.monotonic()
            await caller.answer(stream=True)
            took.append(time.monotonic() - began)
        assert min(took) < 0.06


async def test_a_bandwidth_is_not_exceeded():
    async with (
        Provider(Body(bytes(20_000))) as provider,
        Chaos(provider.url, bandwidth=100_000) as chaos,
        calling(chaos.url) as caller,
    ):
        began = time.monotonic()
        caller.send()
        await caller.reader.readexactly(10_000)
        assert 0.08 <= time.monotonic() - began < 0.6
        await caller.reader.readexactly(10_000)
        assert 0.19 <= time.monotonic() - began < 1


@on_both_loops
async def test_a_connection_is_reset_after_so_many_bytes_of_the_answer() -> None:
    async with Provider(SMALL) as provider, Chaos(provider.url) as chaos:
        whole = await told(chaos.url)
        assert whole.end == "open"
        for count in (0, 1, 20, len(whole.data) - 1):
            chaos.reset_after = count
            assert await told(chaos.url) == (whole.data[:count], "reset")
        chaos.reset_after = None
        assert await told(chaos.url) == whole


@on_both_loops
async def test_what_is_open_can_be_reset_cut_or_half_closed() -> None:
    async with Provider(Silence()) as provider, Chaos(provider.url) as chaos:
        for verb, end in [(chaos.reset, "reset"), (chaos.cut, "closed")]:
            async with calling(chaos.url) as caller:
                caller.send()
                assert (await caller.everything(0.05)).end == "open"
                verb()
                assert (await caller.everything()).end == end
                async with asyncio.timeout(0.2):
                    assert await provider.requests[-1].until_over()
        async with calling(chaos.url) as caller:
            caller.writer.write(request()[:50])
            assert (await caller.everything(0.05)).end == "open"
            chaos.half_close()
            assert (await caller.everything()).end == "closed"
            caller.writer.write(request()[50:])
            await asyncio.sleep(0.05)
            assert provider.requests[-1].whole.is_set()
            assert not provider.requests[-1].left


@on_both_loops
async def test_in_a_black_hole_bytes_vanish_and_nobody_learns_of_it() -> None:
    async with Provider(SMALL) as provider, Chaos(provider.url) as chaos:
        async with calling(chaos.url) as caller:
            assert (await caller.answer()).body == b"ok"
            chaos.black_hole = True
            caller.send()
            assert await caller.everything() == (b"", "open")
            assert len(provider.requests) == 1
        await asyncio.sleep(0.02)
        assert provider.connections_open == 1
        chaos.black_hole = False
        assert (await told(chaos.url)).data.endswith(b"ok")


@on_both_loops
async def test_who_connects_is_refused_or_not_even_answered_until_taken_again() -> None:
    async with Provider(SMALL) as provider, Chaos(provider.url) as chaos:
        async with calling(chaos.url) as caller:
            assert (await caller.answer()).body == b"ok"
            await chaos.refuse()
            with pytest.raises(ConnectionRefusedError):
                await told(chaos.url)
            await chaos.ignore()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await told(chaos.url)
            assert (await caller.answer()).body == b"ok"
        await chaos.take()
        assert (await told(chaos.url)).data.endswith(b"ok")


@on_both_loops
async def test_how_the_server_ends_it_is_how_the_client_sees_it_end() -> None:
    replies = [SMALL.reset(after=1), SMALL.cut(after=1), SMALL]
    async with Provider(replies) as provider, Chaos(provider.url, latency=0.01) as chaos:
        ends = [await told(chaos.url) for _ in replies]
        assert [end.data[-2:] for end in ends] == [b"ok"] * 3
        assert [end.end for end in ends] == ["reset", "closed", "open"]
        await provider.down()
        assert await told(chaos.url) == (b"", "reset")


@on_both_loops
async def test_a_client_that_leaves_is_gone_for_the_server_too() -> None:
    async with Provider(Silence()) as provider, Chaos(provider.url) as chaos:
        async with calling(chaos.url) as caller:
            caller.send()
            await caller.everything(0.03)
        async with asyncio.timeout(0.1):
            assert await provider.requests[0].until_over()
            while chaos.connections_open:  # noqa: ASYNC110 - a number has no event
                await asyncio.sleep(0.001)


@on_both_loops
async def test_who_takes_nothing_holds_the_server_back_through_it() -> None:
    size = 30_000_000
    async with (
        Provider(Raw([bytes(size)])) as provider,
        Chaos(provider.url, latency=0.001) as chaos,
        calling(chaos.url) as caller,
    ):
        caller.send()
        await asyncio.sleep(0.2)
        assert 0 < provider.requests[0].sent < size / 2
        assert len(await caller.reader.readexactly(size)) == size


@on_both_loops
async def test_who_has_only_just_connected_leaves_nothing_behind() -> None:
    async with Provider(SMALL) as provider, Chaos(provider.url) as chaos:
        for gone in (provider.down, chaos.refuse):
            async with calling(chaos.url), calling(provider.url):
                await gone()
            await provider.up()
            await chaos.take()
        assert (await told(chaos.url)).data.endswith(b"ok")
