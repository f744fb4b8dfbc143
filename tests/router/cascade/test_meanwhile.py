import asyncio

import pytest

from router.cascade.meanwhile import meanwhile


async def test_what_comes_in_time_is_given_and_nothing_is_said() -> None:
    assert (
        await meanwhile(asyncio.sleep(0, "it"), lambda: 10.0, lambda: pytest.fail("said")) == "it"
    )


async def test_who_waits_long_is_told_each_time_that_it_is_due() -> None:
    said: list[str] = []
    over = asyncio.Event()

    async def say() -> None:
        said.append("here")
        if len(said) == 3:
            over.set()

    await meanwhile(over.wait(), lambda: 0.0, say)
    assert said == ["here"] * 3


async def test_who_is_cut_off_ends_what_it_waits_for() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)
            ended.append("long")

    waiting = asyncio.create_task(meanwhile(long(), lambda: 10.0, lambda: asyncio.sleep(0)))
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["long"]


async def test_what_saying_raises_ends_it_too() -> None:
    done = asyncio.get_running_loop().create_future()

    async def say() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await meanwhile(done, lambda: 0.0, say)
    assert done.cancelled()
