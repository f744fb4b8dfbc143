"""What is in force stays where what is new cannot be, and that is tried again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router import force as room
from router.building import assembly
from router.building.choosing import BuildFault
from tests.router.running import running, written


async def test_what_cannot_be_put_in_force_changes_nothing_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = assembly.runtime_of
    faults = [BuildFault("a policy cannot be made")]

    def runtime_of(*given: Any) -> Any:
        if faults:
            raise faults.pop()
        return make(*given)

    async with running(written(tmp_path)) as router:
        force, told = router.app.state.force, []
        force.event = lambda text, **details: told.append((text, details))
        before = force.runtime
        monkeypatch.setattr(room, "AGAIN", 0.01)
        monkeypatch.setattr(room, "runtime_of", runtime_of)
        force.again()
        assert force.runtime is before
        assert (await router.chat()).status == 200
        [(_, details)] = told
        assert details == {"why": "a policy cannot be made"}
        for _ in range(500):
            if force.runtime is not before:
                break
            await asyncio.sleep(0.01)
        assert force.runtime is not before
        assert (await router.chat()).status == 200
