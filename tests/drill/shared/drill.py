"""Runs failures, one after the other, each on a fleet of its own; what takes long runs beside the
others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drill.shared.failure import Failure, Sight
from tests.drill.shared.outage import outage
from tests.drill.shared.stage import staged

AT_ONCE = 4
"""Fleets that are started at the same time."""


@dataclass
class Row:
    """One failure, and what was seen of it."""

    fault: Failure
    sight: Sight

    @property
    def wrong(self) -> list[str]:
        """What should not have been."""
        return self.sight.wrong

    @property
    def passes(self) -> bool:
        """Whether all of it was as it must be."""
        return not self.wrong


async def drill(failures: Iterable[Failure], tell: Callable[[Row], None]) -> list[Row]:
    """Run these failures; each row is told as soon as it is there, in their order."""
    chosen = list(failures)
    places, turn = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
    all_there = asyncio.Barrier(len(chosen))

    async def run(failure: Failure, folder: Path) -> Row:
        async with staged(failure.setting, folder, places) as stage:
            await all_there.wait()
            if failure.scene is None:
                return Row(failure, await outage(stage, failure, turn))
            async with nullcontext() if failure.long else turn:
                return Row(failure, await failure.scene(stage))

    rows = []
    with TemporaryDirectory() as root:
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number, failure in enumerate(chosen):
                tasks.append(group.create_task(run(failure, Path(root, str(number)))))
            for task in tasks:
                rows.append(await task)
                tell(rows[-1])
    return rows
