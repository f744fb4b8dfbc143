"""Answers that instances keep together, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import pytest

from router.dialects.contract import ClientError
from router.idempotency.claim import Claim, claim_of
from router.idempotency.fleet import LARGEST, Fleet
from router.idempotency.store import LIFETIME, KeyInUse, KeyReused, Memory, WholeAnswer
from router.redis.address import address_of
from router.redis.link import Link
from tests.router.quota.servers import Process, process
from tests.router.scene import Scene
from tests.router.scripted import answer, refusal

ANSWER = WholeAnswer(200, {"x-request-id": "one"}, b"data: hello\n\n", streamed=True)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def fleet() -> str:
    """A fleet that no other test has met."""
    return token_hex(4)


@asynccontextmanager
async def instance(one: Process, fleet: str, **options: float) -> AsyncIterator[Fleet]:
    store = Fleet(Link(address_of(one.url), fleet), fleet, Memory(), **options)  # type: ignore[arg-type]
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def claim(key: str = "k", body: bytes = b"{}") -> Claim:
    return claim_of("tenant", "/v1/chat/completions", key, body)


async def test_what_one_instance_answered_any_other_says_again(one: Process, fleet: str):
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        assert await here.claim(claim(), 0.0) is None
        with pytest.raises(KeyInUse):
            await there.claim(claim(), 0.0)
        with pytest.raises(KeyReused):
            await there.claim(claim(body=b"[]"), 0.0)
        here.keep(claim(), ANSWER, 0.0)
        assert await here.claim(claim(), 0.0) == ANSWER
        assert await there.claim(claim(), 0.0) == ANSWER
        with pytest.raises(KeyReused):
            await there.claim(claim(body=b"[]"), 0.0)


async def test_other_fleets_tenants_and_endpoints_share_no_key(one: Process, fleet: str):
    async with instance(one, fleet) as here, instance(one, f"{fleet}2") as elsewhere:
        assert await here.claim(claim(), 0.0) is None
        assert await elsewhere.claim(claim(), 0.0) is None
    async with instance(one, fleet) as there:
        for name in (("other", "/v1/chat/completions"), ("tenant", "/v1/messages")):
            assert await there.claim(claim_of(*name, "k", b"{}"), 0.0) is None


async def test_a_key_that_was_freed_may_be_claimed_anywhere(one: Process, fleet: str):
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        assert await here.claim(claim(), 0.0) is None
        here.free(claim())
        assert await here.claim(claim("other"), 0.0) is None  # by then it has been said
        assert await there.claim(claim(body=b"[]"), 0.0) is None


async def test_a_claim_holds_while_its_instance_lives_and_no_longer(one: Process, fleet: str):
    async with instance(one, fleet) as there:
        async with instance(one, fleet, life=0.15) as here:
            assert await here.claim(claim(), 0.0) is None
            await asyncio.sleep(0.25)
            with pytest.raises(KeyInUse):
                await there.claim(claim(), 0.0)
        await asyncio.sleep(0.2)
        assert await there.claim(claim(), 0.0) is None


async def test_who_lost_its_claim_to_another_neither_keeps_nor_frees(one: Process, fleet: str):
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        assert await here.claim(claim(), 0.0) is None
        assert await here.claim(claim("second"), 0.0) is None
        one.say("FLUSHALL")
        assert await there.claim(claim(), 0.0) is None
        assert await there.claim(claim("second"), 0.0) is None
        here.keep(claim(), ANSWER, 0.0)
        here.free(claim("second"))
        assert await here.claim(claim("third"), 0.0) is None
        async with instance(one, fleet) as third:
            for key in ("k", "second"):
                with pytest.raises(KeyInUse):
                    await third.claim(claim(key), 0.0)


async def test_a_request_that_is_left_while_it_claims_frees_what_it_claimed(
    one: Process, fleet: str
):
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        asked = asyncio.ensure_future(here.claim(claim(), 0.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        assert await here.claim(claim("other"), 0.0) is None
        assert await there.claim(claim(), 0.0) is None


async def test_without_the_server_an_instance_has_its_own_memory(tmp_path: Path):
    with process(tmp_path) as own:
        async with instance(own, "test") as here:
            assert await here.claim(claim(), 0.0) is None
            own.kill()
            here.keep(claim(), ANSWER, 0.0)
            assert await here.claim(claim(), 0.0) == ANSWER
            assert await here.claim(claim("new"), 0.0) is None
            with pytest.raises(KeyInUse):
                await here.claim(claim("new"), 0.0)
            here.free(claim("new"))
            assert await here.claim(claim("new"), 0.0) is None


async def test_an_answer_that_is_too_large_is_its_instance_s_alone(one: Process, fleet: str):
    large = ANSWER._replace(body=b"x" * (LARGEST + 1))
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        assert await here.claim(claim(), 0.0) is None
        here.keep(claim(), large, 0.0)
        assert await here.claim(claim(), 0.0) == large
        assert await here.claim(claim("other"), 0.0) is None
        assert await there.claim(claim(), 0.0) is None


async def test_the_oldest_answers_go_when_all_are_too_large_together(one: Process, fleet: str):
    answer = ANSWER._replace(body=b"x" * 1000)
    async with instance(one, fleet, most_bytes=3500) as here, instance(one, fleet) as there:
        for number in range(6):
            assert await here.claim(claim(str(number)), 0.0) is None
            here.keep(claim(str(number)), answer, 0.0)
            await asyncio.sleep(0.002)  # their ends are told apart by milliseconds
        assert await here.claim(claim("last"), 0.0) is None
        kept = [await there.claim(claim(str(number)), 0.0) for number in range(6)]
    assert [told is not None for told in kept] == [False, False, False, True, True, True]
    held = int(one.say("GET", f"{{pm:{fleet}}}:once-bytes"))
    assert 3000 < held <= 3500


async def test_what_is_kept_tells_nothing_of_the_request_and_has_its_end(one: Process, fleet: str):
    async with instance(one, fleet) as here:
        what = claim_of("the-tenant", "/v1/secret-path", "the-key", b'{"the": "prompt"}')
        assert await here.claim(what, 0.0) is None
        here.keep(what, ANSWER, 0.0)
        assert await here.claim(claim("other"), 0.0) is None
    names = one.say("KEYS", f"{{pm:{fleet}}}:once*")
    assert len(names) == 4
    for name in names:
        assert 0 < one.say("PTTL", name) <= LIFETIME * 1000
        told = name + one.say("DUMP", name)
        for word in (b"the-tenant", b"secret-path", b"the-key", b"prompt"):
            assert word not in told


async def test_two_pipelines_answer_one_key_once(one: Process, fleet: str):
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        first = Scene({"a/m": [[0.1, *answer("one")]]}, answers=here)
        second = Scene({"a/m": [answer("another")]}, answers=there)
        running = asyncio.ensure_future(first.ask(key="k", stream=False, request_id="req_1"))
        await asyncio.sleep(0.03)
        with pytest.raises(ClientError, match="still running"):
            await second.ask(key="k", stream=False)
        told = await running
        again = await second.ask(key="k", stream=False, request_id="req_2")
        assert again.body == told.body
        assert again.headers["idempotent-replayed"] == "true"
        assert (len(first.transport.sent), len(second.transport.sent)) == (1, 0)


async def test_a_request_that_failed_at_one_instance_is_made_at_another(one: Process, fleet: str):
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        first = Scene({"a/m": [refusal(400)]}, answers=here)
        second = Scene({"a/m": [answer("another")]}, answers=there)
        assert (await first.ask(key="k", stream=False)).status == 400
        assert (await second.ask(key="k", stream=False)).status == 200
        assert len(second.transport.sent) == 1
