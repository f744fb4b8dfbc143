"""Several instances on a real server, against the simplest account of a sliding window."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from random import Random
from secrets import token_hex

import pytest

from policies import Limits, Rate
from router.quota.bounds import Bound, Settled, bounds_of
from router.quota.shared import Shared
from tests.router.quota.joined import joined, reserved
from tests.router.quota.servers import server

SPAN = 0.6
LIMIT = 1000
INSTANCES, REQUESTS = 4, 120


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


Admitted = tuple[int, int, int]
"""When, by the server's clock; what it needed, and what it used in the end."""


async def demand(shared: Shared, bound: Bound, rng: Random, admitted: list[Admitted]) -> None:
    for _ in range(REQUESTS):
        need = rng.choice((5, 20, 100, 400, 1500))
        answer = await reserved(shared, ((bound, need),))
        if answer is None or answer.taken is None:
            await asyncio.sleep(rng.uniform(0, 0.02))
            continue
        used = rng.choice((need, need // 2, 0))
        admitted.append((answer.at, need, used))
        if used != need:
            asyncio.get_running_loop().call_later(
                rng.uniform(0, 0.1), shared.settle, [Settled(bound, used - need, answer.at)]
            )


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_is_admitted_beyond_the_limit_save_one_into_an_empty_window(
    url: str, seed: int
) -> None:
    fleet, admitted = token_hex(4), list[Admitted]()
    (bound,) = bounds_of(fleet, "a", Limits(tokens=(Rate(LIMIT, SPAN),)))
    async with AsyncExitStack() as stack:
        every = [await stack.enter_async_context(joined(url, fleet)) for _ in range(INSTANCES)]
        await asyncio.gather(
            *[
                demand(one, bound, Random(10 * seed + number), admitted)
                for number, one in enumerate(every)
            ]
        )
        await asyncio.sleep(0.1)
    assert len(admitted) > 20
    for place, (at, need, _) in enumerate(admitted):
        before = [
            used
            for other, (then, _, used) in enumerate(admitted)
            if other != place and at - SPAN * 1e6 <= then and (then, other) < (at, place)
        ]
        # What was given back in the end is left out: it may have been by then.
        assert sum(before) + need <= LIMIT or sum(before) == 0
