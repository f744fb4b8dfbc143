"""Which reply a request gets."""

from itertools import cycle

from router.testing import Answer, Body, Provider, Reply, Request, flapping, stale
from tests.router.testing.asking import calling

UP, DOWN = Body(b"up"), Body(b"down", 503)


async def bodies(provider: Provider, count: int) -> list[bytes]:
    async with calling(provider.url) as caller:
        return [(await caller.answer()).body for _ in range(count)]


async def test_without_a_script_everything_is_answered():
    async with Provider() as provider, calling(provider.url) as caller:
        assert b"scripted provider" in (await caller.answer()).body


async def test_replies_come_in_their_order_and_the_last_one_stays():
    async with Provider([DOWN, UP]) as provider:
        assert await bodies(provider, 4) == [b"down", b"up", b"up", b"up"]


async def test_replies_may_come_again_and_again():
    async with Provider(cycle([UP, DOWN, DOWN])) as provider:
        assert await bodies(provider, 5) == [b"up", b"down", b"down", b"up", b"down"]


async def test_a_function_decides_by_the_whole_request():
    def by_model(request: Request) -> Reply:
        return UP if request.json["model"] == "good" else DOWN

    async with Provider(by_model) as provider, calling(provider.url) as caller:
        assert (await caller.answer(model="good")).body == b"up"
        assert (await caller.answer(model="bad")).body == b"down"


async def test_a_new_script_holds_from_the_next_request_on():
    async with Provider(UP) as provider:
        assert await bodies(provider, 2) == [b"up", b"up"]
        provider.script = [DOWN, UP]
        assert await bodies(provider, 2) == [b"down", b"up"]


async def test_flapping_goes_by_the_clock():
    now = 10.0
    async with Provider(flapping(UP, DOWN, seconds=5.0, clock=lambda: now)) as provider:
        assert await bodies(provider, 2) == [b"up", b"up"]
        now = 15.0
        assert await bodies(provider, 2) == [b"down", b"down"]
        now = 20.0
        assert await bodies(provider, 2) == [b"up", b"up"]


async def test_a_stale_connection_is_closed_when_it_is_used_again():
    async with Provider(stale(Answer())) as provider:
        for _ in range(2):
            async with calling(provider.url) as caller:
                assert (await caller.answer()).status == 200
                caller.send()
                assert await caller.everything() == (b"", "closed")
    assert [request.reused for request in provider.requests] == [False, True] * 2
