"""What the kernel knows of a process: its time on a core, its memory. And where processes run."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Time(NamedTuple):
    """Seconds of a process: on a core, waiting for a core that others had, and seconds that went
    by.
    """

    on: float
    waiting: float
    wall: float

    def since(self, before: Time) -> Time:
        return Time(self.on - before.on, self.waiting - before.waiting, self.wall - before.wall)

    @property
    def busy(self) -> float:
        """The share of the time in which it had something to do: 1 is a saturated process."""
        return (self.on + self.waiting) / self.wall


def time(pid: int) -> Time:
    """The time of all threads that a process has: the scheduler's own nanoseconds, or ticks of a
    hundredth of a second, without the waiting, where it does not tell them.
    """
    try:
        told = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except FileNotFoundError:
        told = []
    if told:
        on, waiting = (sum(int(fields[at]) for fields in told) / 1e9 for at in (0, 1))
        return Time(on, waiting, perf_counter())
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Time((int(fields[11]) + int(fields[12])) / TICKS, 0.0, perf_counter())


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def cores() -> tuple[int, int]:
    """The core of what is measured, and that of everything else: one, where there is no other."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextmanager
def started_on(core: int) -> Iterator[None]:
    """Processes started within run on `core`, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def descriptors(wanted: int) -> int:
    """Raise the limit of open files towards `wanted`; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
