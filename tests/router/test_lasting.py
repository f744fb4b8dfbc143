"""What must last goes on after a fault, which is told."""

import asyncio
from typing import Any

import pytest

from router import lasting as room
from router.lasting import lasting


async def test_a_fault_is_told_and_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AGAIN", 0.0)
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise KeyError(begun)

    await lasting(work)
    assert begun == 3
    assert [type(context["exception"]) for context in told] == [KeyError, KeyError]


async def test_it_ends_when_it_is_cancelled() -> None:
    task = lasting(asyncio.Event().wait)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
