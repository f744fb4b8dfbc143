"""A tenant's limits, kept together by the routers of a fleet on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.router.quota.servers import server
from tests.router.running import Running, running, written

KEY = {"authorization": "Bearer k"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@asynccontextmanager
async def fleet(
    folder: Path, url: str, limits: str, models: str = "chat: {targets: [sim/fast]}", many: int = 2
) -> AsyncIterator[list[Running]]:
    """Instances of one router, each with this tenant."""
    rest = f"shared: {{redis: {url}, fleet: {folder.name}}}\n"
    rest += f"tenants:\n  team: {{keys: ['${{KEY}}'], {limits}}}\n"
    async with AsyncExitStack() as stack:
        found = []
        for number in range(many):
            (folder / str(number)).mkdir()
            path = written(folder / str(number), models, server="auth: keys", rest=rest)
            found.append(await stack.enter_async_context(running(path, {"KEY": "k"})))
        yield found


def tenant_of(router: Running) -> Any:
    state = router.app.state
    return state.runtime.tenants.known()["team"].allowances


async def test_a_limit_is_one_for_all_instances_and_used_up_to_the_last(
    tmp_path: Path, url: str
) -> None:
    async with fleet(tmp_path, url, "limits: {requests: 10/min}") as (one, two):
        statuses = []
        for number in range(12):
            answer = await (one, two)[number % 2].chat(headers=KEY)
            statuses.append(answer.status)
        refused = answer
        targets = [
            router.app.state.runtime.engine.snapshot(router.app.state.clock())["sim/fast"]
            for router in (one, two)
        ]
    assert statuses == [200] * 10 + [429] * 2
    assert refused.error["code"] == "rate_limit_exceeded"
    assert "10 requests in any minute; 0 are left" in str(refused.error["message"])
    assert 58 <= int(refused.headers["retry-after"]) <= 61
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert {target.state for target in targets} == {"healthy"}
    assert "429 error (rate_limit_exceeded)" in two.stream.getvalue()


async def test_the_headers_tell_what_is_left_in_the_fleet(tmp_path: Path, url: str) -> None:
    async with fleet(tmp_path, url, "limits: {requests: 10/min}") as (one, two):
        left = [
            (await router.chat(headers=KEY)).headers["x-ratelimit-remaining-requests"]
            for router in (one, one, two, one)
        ]
    assert left == ["9", "8", "7", "6"]


async def test_a_refusal_tells_what_is_left_in_the_fleet_too(tmp_path: Path, url: str) -> None:
    limits = "limits: {requests: 10/min, tokens: 1000/min}, per_user: {requests: 3/min}"
    async with fleet(tmp_path, url, limits) as (one, two):
        for _ in range(3):
            assert (await one.chat(headers=KEY, user="u", max_tokens=4)).status == 200
        await asyncio.sleep(0.05)
        refused = await two.chat(headers=KEY, user="u")
        assert refused.status == 429
        assert '"user-requests-per-minute";r=0;' in refused.headers["ratelimit"]
        assert '"tenant-requests-per-minute";r=7;' in refused.headers["ratelimit"]
        refused = await two.chat(headers=KEY, user="v", max_tokens=990)
        assert refused.status == 429
        left = refused.headers["x-ratelimit-remaining-tokens"]
        assert 900 < int(left) < 1000
        assert f"{left} are left and this request needs about" in str(refused.error["message"])


async def test_tokens_are_settled_to_what_was_used_and_a_refused_request_took_nothing(
    tmp_path: Path, url: str
) -> None:
    async with fleet(tmp_path, url, "limits: {tokens: 1000/min}") as (one, two):
        assert (await one.chat(headers=KEY, max_tokens=700)).status == 200
        await asyncio.sleep(0.05)
        assert (await two.chat(headers=KEY, max_tokens=900)).status == 200
        await asyncio.sleep(0.05)
        assert tenant_of(two).refusals == {}
        assert (await two.chat(headers=KEY, max_tokens=990)).status == 429
        assert (await one.chat(headers=KEY, max_tokens=800)).status == 200


async def test_places_are_the_fleet_s_and_come_back_when_a_stream_ends(
    tmp_path: Path, url: str
) -> None:
    models = "chat: {targets: [sim/endless]}\nquick: {targets: [sim/fast]}"
    async with fleet(tmp_path, url, "limits: {concurrent: 1}", models) as (one, two):
        async with one.client.post(
            f"http://{one.listen}/v1/chat/completions",
            json={"model": "chat", "messages": [{"role": "user", "content": "x"}], "stream": True},
            headers=KEY,
        ) as response:
            await response.content.readany()
            refused = await two.chat("quick", headers=KEY)
        await asyncio.sleep(0.2)
        answer = await two.chat("quick", headers=KEY)
    assert (refused.status, answer.status) == (429, 200)
    assert "1 requests under way at once" in str(refused.error["message"])


async def test_many_at_once_on_all_instances_never_exceed_it_and_use_it_up(
    tmp_path: Path, url: str
) -> None:
    limits = "limits: {requests: 30/min}, per_user: {requests: 4/min}"
    async with fleet(tmp_path, url, limits, many=3) as routers:
        asked = [
            router.chat(headers=KEY, user=f"user {number % 10}")
            for number in range(20)
            for router in routers
        ]
        statuses = [answer.status for answer in await asyncio.gather(*asked)]
        in_flight = [scope.quota.in_flight for one in routers for scope in tenant_of(one).scopes()]
    assert (statuses.count(200), statuses.count(429)) == (30, 30)
    assert in_flight == [0, 0, 0]


async def test_an_instance_that_knows_of_no_other_keeps_to_nine_tenths(
    tmp_path: Path,
) -> None:
    away = "redis://127.0.0.1:1"
    async with fleet(tmp_path, away, "limits: {requests: 3/min}", many=1) as (one,):
        statuses = [(await one.chat(headers=KEY)).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]  # nine tenths
