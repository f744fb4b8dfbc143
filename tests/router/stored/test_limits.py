"""Requests about what is kept count against their tenant's limits, as all others do."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.router.quota.servers import server
from tests.router.responding import stage
from tests.router.test_responses_kept import keeping

TENANTS = """\
tenants:
  one: {keys: ["${ONE}"], limits: {requests: 3/min, concurrent: 1}, per_user: {requests: 9/min}}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.mark.parametrize("shared", [False, True])
async def test_asking_for_what_is_kept_takes_a_request_and_is_refused_like_any_other(
    tmp_path: Path, url: str, shared: bool
) -> None:
    rest = TENANTS + (f"shared: {{redis: {url}, fleet: {tmp_path.name}}}\n" if shared else "")
    async with stage(tmp_path, keeping("a"), rest=rest, key="key-of-one") as there:
        made = await there.client.responses.create(model="m", input="x")
        asked = there.client.responses.with_raw_response
        assert (await asked.retrieve(made.id)).headers["x-ratelimit-remaining-requests"] == "1"
        await asyncio.sleep(0.05)  # the place comes back with the next batch
        await there.client.responses.delete(made.id)
        before = len(there.native[0].requests)
        await asyncio.sleep(0.05)
        with pytest.raises(openai.RateLimitError) as error:
            await there.client.responses.retrieve(made.id)
        with pytest.raises(openai.RateLimitError):
            await there.client.responses.create(model="m", input="x")
        tenant = there.router.app.state.runtime.tenants.known()["one"]
        assert tenant.allowances is not None
        (scope,) = tenant.allowances.scopes()
        assert scope.quota.in_flight == 0
        assert len(there.native[0].requests) == before
    assert 57 <= int(error.value.response.headers["retry-after"]) <= 61
