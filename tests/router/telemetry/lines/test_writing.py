"""What is written keeps no request waiting; what cannot be is counted, and said once."""

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from policies import Engine, Outcome, Report, Request, Route, Send, Target
from router.telemetry.decisions import Decision, Decisions, Origin
from router.telemetry.journal import RequestRecord
from router.telemetry.lines import writing
from router.telemetry.lines.reading import Lines, written_beside
from router.telemetry.lines.writing import Writer
from tests.router.telemetry.records import REQUEST, changed

SOON = 100
"""Twentieths of a second."""


def decided() -> tuple[Decision, RequestRecord]:
    """A decision that is over."""
    made: list[tuple[Decision, RequestRecord]] = []
    engine = Engine({"chat": Route([Target("a/m")])}, rng=Random(7), now=0.0)
    decisions = Decisions(
        Origin("e", 7, 0.0), 0, write=lambda decision, end: made.append((decision, end))
    )
    course = engine.start(
        Request("chat", 9.0), 0.0, record=decisions.sample("req_1", 0.0, 1.0, "r1")
    )
    send = course.next(0.0)
    assert isinstance(send, Send)
    send.attempt.settle(Report(Outcome.OK), 1.0)
    course.close(1.0)
    decisions.request(changed(REQUEST))
    [one] = made
    return one


@asynccontextmanager
async def writer(
    path: Path, rotate: int = 10**7, keep: int = 1000
) -> AsyncIterator[tuple[Writer, list[str]]]:
    """One that runs, and what it says."""
    said: list[str] = []
    one = Writer(path, rotate, keep, "5f0c", lambda message, **_: said.append(message))
    await one.start()
    try:
        yield one, said
    finally:
        await one.close()


async def soon(true: Callable[[], object]) -> None:
    for _ in range(SOON):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true")


async def test_lines_are_in_the_file_a_moment_later_and_none_is_dropped(tmp_path):
    path = tmp_path / "decisions.jsonl"
    async with writer(path) as (one, said):
        for _ in range(10):
            one.write(*decided())
        await soon(lambda: one.written == 10)
        assert len(list(Lines([path]))) == 10
    assert (one.dropped, one.waiting, said) == (0, 0, [])


async def test_what_waits_when_all_ends_is_written(tmp_path):
    path = tmp_path / "decisions.jsonl"
    made = decided()
    async with writer(path) as (one, _):
        for _ in range(3000):
            one.write(*made)
    assert len(list(Lines([path]))) == 3000


async def test_many_small_files_hold_all_and_are_packed(tmp_path):
    path = tmp_path / "decisions.jsonl"
    made = decided()
    async with writer(path, rotate=2000) as (one, _):
        for _ in range(100):
            one.write(*made)
        await soon(lambda: len(list(tmp_path.glob("*.gz"))) > 10)
    lines = Lines(written_beside(path))
    assert (len(list(lines)), lines.broken) == (100, 0)


async def test_a_folder_that_is_not_there_is_said_once_and_written_to_once_it_is(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(writing, "AGAIN", 0.05)
    monkeypatch.setattr(writing, "GATHER", 0.01)
    path = tmp_path / "later" / "decisions.jsonl"
    made = decided()
    async with writer(path) as (one, said):
        for _ in range(5):
            one.write(*made)
            await asyncio.sleep(0.03)
        await soon(lambda: one.problem)
        assert said == ["decisions cannot be written:"]
        assert one.problem == "No such file or directory"
        path.parent.mkdir()
        await soon(lambda: one.written == 5)
        assert said == ["decisions cannot be written:", "decisions are written again:"]
        assert one.problem == ""
    assert len(list(Lines([path]))) == 5


async def test_what_does_not_fit_meanwhile_is_dropped_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MOST_WAITING", 10_000)
    made = decided()
    async with writer(tmp_path / "no" / "decisions.jsonl") as (one, said):
        for _ in range(100):
            one.write(*made)
        assert one.waiting <= 10_000
        kept = 100 - one.dropped
        assert 10 < kept < 90
    assert one.dropped == 100
    assert said[-1] == "the last lines of decisions are lost:"


async def test_a_disk_that_hangs_keeps_no_request_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "LAST_LINES", 0.1)
    path = tmp_path / "decisions.jsonl"
    made = decided()
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)  # whoever wants to write waits for this
        async with writer(path) as (one, _):
            longest = 0.0
            for _ in range(200):
                began = time.perf_counter()
                one.write(*made)
                longest = max(longest, time.perf_counter() - began)
                await asyncio.sleep(0.001)
            assert one.written == 0
            assert longest < 0.1
        assert one.dropped == 200
        fcntl.flock(other, fcntl.LOCK_UN)
    await soon(lambda: not one._thread.is_alive())


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_share_of_requests_is_written_and_each_says_of_which(share):
    made: list[Decision] = []
    decisions = Decisions(
        Origin("e", 7, 0.0),
        0,
        write=lambda decision, _: made.append(decision),
        chance=Random(3).random,
    )
    for n in range(4000):
        decisions.sample(f"req_{n}", 0.0, share, "r1")
        decisions.request(changed(REQUEST, request_id=f"req_{n}"))
    assert abs(len(made) / 4000 - share) < 0.03
    assert {one.share for one in made} == {share}
    assert len(decisions) == 0  # nothing was to be kept
    assert decisions.find(made[-1].request_id) is None


def test_what_is_written_is_also_shown_and_what_is_only_shown_is_not_written():
    made: list[Decision] = []
    decisions = Decisions(Origin("e", 7, 0.0), 10, 1, write=lambda one, _: made.append(one))
    for name, share in (("a", 0.0), ("b", 0.0), ("c", 1.0)):
        decisions.sample(name, 0.0, share, "r1")
        decisions.request(changed(REQUEST, request_id=name))
    assert [one.request_id for one in decisions.newest()] == ["c", "a"]
    assert [(one.request_id, one.share, one.revision) for one in made] == [("c", 1.0, "r1")]


async def test_what_no_disk_says_is_reported_costs_its_batch_and_the_next_is_written(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(writing, "AGAIN", 0.01)
    monkeypatch.setattr(writing, "GATHER", 0.01)
    faults = [MemoryError(), OverflowError("timestamp out of range")]
    path = tmp_path / "decisions.jsonl"
    made = decided()
    async with writer(path) as (one, said):
        append = one._file.append

        def failing(lines: bytes, wall: float) -> Path | None:
            if faults:
                raise faults.pop()
            return append(lines, wall)

        monkeypatch.setattr(one._file, "append", failing)
        one.write(*made)
        await soon(lambda: one.dropped == 1)
        one.write(*made)
        await soon(lambda: one.dropped == 2)
        one.write(*made)
        await soon(lambda: one.written == 1)
        assert (one.waiting, one.problem) == (0, "")
    assert said == ["decisions cannot be written:", "decisions are written again:"]


async def test_what_cannot_be_packed_for_any_reason_stops_nobody(tmp_path, monkeypatch):
    def broken(_: Path):
        raise ValueError("no stream of zlib")
        yield

    monkeypatch.setattr(writing, "pack", broken)
    monkeypatch.setattr(writing, "AGAIN", 0.01)
    path = tmp_path / "decisions.jsonl"
    made = decided()
    async with writer(path, rotate=2000) as (one, said):
        for _ in range(20):
            one.write(*made)
        await soon(lambda: one.written == 20)
        one.write(*made)
        await soon(lambda: one.written == 21)
    assert "decisions cannot be written:" in said
