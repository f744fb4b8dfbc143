"""What a fleet said last, in a file: for a start while its server is away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.kept import heard as room
from router.kept.file import documents
from router.kept.heard import LastHeard


class Told:
    """A log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str, **more: Any) -> None:
        self.lines.append(f"{text} {more}")


async def test_what_was_heard_is_there_for_the_next_and_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.json"
    one = LastHeard(path, "f", Told())
    assert (one.instances, one.documents) == (1, {})
    one.count(3)
    one.keep({"overrides": {"a": 1}})
    one.keep({"overrides": {"a": 2}})
    await one.close()
    assert path.stat().st_mode & 0o777 == 0o600
    later = LastHeard(path, "f", Told())
    assert (later.instances, later.documents) == (3, {"overrides": {"a": 2}})


async def test_of_another_fleet_nothing_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    one = LastHeard(path, "f", Told())
    one.keep({"overrides": {"a": 1}})
    one.count(3)
    await one.close()
    other = LastHeard(path, "g", Told())
    assert (other.instances, other.documents) == (1, {})


@pytest.mark.parametrize(
    "told",
    ["", "[]", "{", '{"form": 1, "documents": {"fleet": {"name": "f", "instances": "many"}}}'],
)
async def test_what_cannot_be_read_was_not_heard_and_is_written_anew(
    tmp_path: Path, told: str
) -> None:
    path = tmp_path / "state.json"
    path.write_text(told)
    one = LastHeard(path, "f", Told())
    assert (one.instances, one.documents) == (1, {})
    one.count(2)
    await one.close()
    assert documents(path)[0]["fleet"] == {"name": "f", "instances": 2}


async def test_a_fleet_that_is_stopped_is_not_taken_for_a_smaller_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    one = LastHeard(path, "f", Told())
    for count in (1, 2, 4, 3, 2, 1):
        one.count(count)
    await one.close()
    assert LastHeard(path, "f", Told()).instances == 4
    monkeypatch.setattr(room, "FEWER", 0.02)
    one.count(2)
    await asyncio.sleep(0.05)
    await one.close()
    assert LastHeard(path, "f", Told()).instances == 2


async def test_a_file_that_cannot_be_written_is_said_once_and_costs_nothing(
    tmp_path: Path,
) -> None:
    said = Told()
    one = LastHeard(tmp_path / "nowhere" / "state.json", "f", said)
    for count in (2, 3):
        one.count(count)
        await one.close()
    [line] = said.lines
    assert "No such file or directory" in line
    assert one.instances == 3
