"""Two routers that share a server: what one has answered, the other says again; what they say of
the server in their logs.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.router.quota.servers import Process, process
from tests.router.running import running, written

KEY = {"idempotency-key": "once"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    with process(tmp_path) as own:
        yield own


def sharing(folder: Path, url: str) -> Path:
    return written(folder, rest=f"shared: {{redis: '{url}'}}\n")


async def test_a_key_is_one_key_at_every_instance(tmp_path: Path, own: Process) -> None:
    path = sharing(tmp_path, own.url)
    async with running(path) as one, running(path) as other:
        first = await one.chat(headers=KEY)
        again = await other.chat(headers=KEY)
        assert (first.status, again.status) == (200, 200)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.body == first.body
        refused = await other.chat(headers=KEY, temperature=0.5)
        assert (refused.status, refused.error["code"]) == (422, "idempotency_key_reused")


async def test_a_server_that_is_away_is_named_once_and_costs_no_request_its_answer(
    tmp_path: Path, own: Process
) -> None:
    own.say("CONFIG", "SET", "requirepass", "correct-horse")
    url = own.url.replace("//", "//:hunter2@")
    async with running(sharing(tmp_path, url)) as one:
        for _ in range(3):
            assert (await one.chat(headers=KEY)).status == 200
        await asyncio.sleep(0.3)
        status = await one.ask_admin("GET", "/status")
        log = one.stream.getvalue()
    assert log.count("it refuses the user or the password of shared.redis") == 1
    assert "hunter2" not in log + status.body.decode()


async def test_a_server_that_may_drop_what_it_counts_is_named_at_start(
    tmp_path: Path, own: Process
) -> None:
    own.say("CONFIG", "SET", "maxmemory", 100_000_000)
    own.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    async with running(sharing(tmp_path, own.url)) as one:
        log = one.stream.getvalue()
    assert log.count("set it to noeviction") == 1
    assert "Valkey" in log
