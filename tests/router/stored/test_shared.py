"""Two routers of one fleet, and what accounts keep: it is known to both who made it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from random import Random

import openai
import pytest

from router.app import App
from router.config import load
from router.telemetry.log import Log
from router.testing import Script
from tests.router.quota.servers import Process, process
from tests.router.responding import KEYS, Stage, sdk, stage
from tests.router.test_responses_kept import TENANTS, at_b, both, keeping


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    folder = tmp_path / "server"
    folder.mkdir()
    with process(folder) as server:
        yield server


@asynccontextmanager
async def two(
    folder: Path, server: Process, *native: Script, rest: str = "", key: str = "none"
) -> AsyncIterator[tuple[Stage, openai.AsyncOpenAI]]:
    """A router with its accounts, and a client of another router before the same accounts."""
    rest = f"{rest}shared: {{redis: '{server.url}'}}\n"
    async with stage(folder, *native, rest=rest, key=key) as there:
        log = Log(StringIO(), "text")
        app = App(load(there.router.path, KEYS), KEYS, log, Random(7))
        try:
            url = f"http://{(await app.start())['listen']}/v1"
            async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as other:
                yield there, other
        finally:
            await app.close()
            log.close()


async def test_an_answer_can_be_referred_to_at_any_instance(
    tmp_path: Path, server: Process
) -> None:
    async with two(tmp_path, server, *both()) as (there, other):
        made = await at_b(there)
        before = len(there.native[0].requests)
        told = await other.responses.create(model="m", input="x", previous_response_id=made.id)
        assert told.id == "resp_b"
        item = {"type": "item_reference", "id": made.output[0].id}
        told = await other.responses.create(model="m", input=[item])  # type: ignore[list-item]
        assert told.id == "resp_b"
        assert len(there.native[0].requests) == before


async def test_what_is_kept_is_looked_at_and_deleted_at_any_instance(
    tmp_path: Path, server: Process
) -> None:
    async with two(tmp_path, server, *both()) as (there, other):
        made = await at_b(there)
        before = len(there.native[0].requests)
        assert (await other.responses.retrieve(made.id)).output_text == "Hello"
        await other.responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            await other.responses.retrieve(made.id)
        assert len(there.native[0].requests) == before


async def test_it_is_nobody_s_but_the_tenant_s_at_any_instance(
    tmp_path: Path, server: Process
) -> None:
    async with two(tmp_path, server, keeping("a"), rest=TENANTS, key="key-of-two") as (
        there,
        other,
    ):
        async with sdk(there.router, "key-of-one") as owner:
            made = await owner.responses.create(model="m", input="x")
        with pytest.raises(openai.NotFoundError):
            await other.responses.create(model="m", input="x", previous_response_id=made.id)
        with pytest.raises(openai.NotFoundError):
            await other.responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            await other.responses.delete(made.id)
        assert len(there.native[0].requests) == 1


async def test_while_the_server_is_away_each_knows_its_own_and_says_so(
    tmp_path: Path, server: Process
) -> None:
    async with two(tmp_path, server, *both()) as (there, other):
        made = await at_b(there)
        server.kill()
        await asyncio.sleep(0.05)
        for _ in range(2):
            with pytest.raises(
                openai.InternalServerError, match="nobody else can be asked"
            ) as error:
                await other.responses.create(model="m", input="x", previous_response_id=made.id)
            assert error.value.status_code == 503
            assert error.value.response.headers["retry-after"] == "1"
            with pytest.raises(openai.InternalServerError, match="nobody else can be asked"):
                await other.responses.retrieve(made.id)
        asked = there.client.responses
        assert (await asked.retrieve(made.id)).id == made.id
        assert (
            await asked.create(model="m", input="x", previous_response_id=made.id)
        ).id == "resp_b"
