import asyncio

import pytest

from router.stage import FEW, give_way


@pytest.mark.parametrize(("others", "told"), [(FEW, "a1 a2 b1 b2"), (FEW + 1, "a1 b1 a2 b2")])
async def test_only_among_many_is_the_same_stage_done_for_all_first(others: int, told: str) -> None:
    done: list[str] = []

    async def request(name: str) -> None:
        done.append(f"{name}1")
        await give_way(range(others))
        done.append(f"{name}2")

    await asyncio.gather(request("a"), request("b"))
    assert " ".join(done) == told
