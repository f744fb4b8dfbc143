"""Lines stand whole in their file, whoever else writes to it, and rotation loses none."""

import os
import re
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from router.telemetry.lines.files import File, pack, packed, part
from router.telemetry.lines.reading import Lines, rotated, written_beside
from tests.house.source import ROOT
from tests.router.telemetry.lines.made import LINE

WALL = 1_795_353_427.25
STAMP = r"decisions\.\d{8}T\d{9}Z\.jsonl"


def line(name: str) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(LINE, request=name)) + b"\n"


def names(path: Path) -> list[str]:
    """The requests of all lines, in order; none is broken."""
    lines = Lines(written_beside(path))
    found = [one.request for one in lines]
    assert lines.broken == 0
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


def test_the_file_is_its_owner_s_alone(path):
    file = File(path, 10**6, 5)
    file.append(line("a"), WALL)
    file.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path) == ["a"]


def test_a_full_file_gets_the_name_of_the_instant_and_nothing_is_lost(path):
    file = File(path, 3 * len(line("000")), 100)
    full = [file.append(line(f"{n:03d}"), WALL + n / 1000) for n in range(20)]
    file.close()
    assert [one is not None for one in full].count(True) == 6
    assert all(re.fullmatch(STAMP, one.name) for one in full if one is not None)
    assert names(path) == [f"{n:03d}" for n in range(20)]
    assert all(one.stat().st_size <= 3 * len(line("000")) for one in written_beside(path))


def test_two_that_are_full_within_a_millisecond_have_two_names(path):
    file = File(path, 1, 100)
    for n in range(5):
        file.append(line(str(n)), WALL)
    file.close()
    assert names(path) == [str(n) for n in range(5)]


def test_the_oldest_full_ones_are_removed_with_what_was_left_of_packing_them(path):
    file = File(path, 1, 2)
    for n in range(6):
        full = file.append(line(str(n)), WALL + n)
        if n == 2 and full is not None:
            part(full).write_bytes(b"begun")
    file.close()
    assert names(path) == ["3", "4", "5"]
    assert len(list(path.parent.iterdir())) == 3


def test_packing_replaces_the_file_once_the_packed_one_is_whole(path):
    file = File(path, 1, 5)
    file.append(line("a") * 5000, WALL)
    full = file.append(line("b"), WALL)
    file.close()
    assert full is not None
    steps = pack(full)
    next(steps)
    assert (full.exists(), packed(full).exists()) == (True, False)
    list(steps)
    assert (full.exists(), packed(full).exists(), part(full).exists()) == (False, True, False)
    assert packed(full).stat().st_size < 5000 * len(line("a")) / 10
    assert stat.S_IMODE(packed(full).stat().st_mode) == 0o600
    assert names(path) == ["a"] * 5000 + ["b"]


def test_packing_that_is_given_up_leaves_the_file_as_it_was(path):
    file = File(path, 1, 5)
    file.append(line("a") * 5000, WALL)
    full = file.append(line("b"), WALL)
    file.close()
    assert full is not None
    steps = pack(full)
    next(steps)
    with pytest.raises(FileExistsError):  # another process packs it
        next(pack(full))
    steps.close()
    assert list(rotated(path).values()) == [full]
    assert not part(full).exists()


def test_what_another_left_unfinished_costs_its_own_line_alone(path):
    path.write_bytes(line("a") + line("torn")[:40])
    file = File(path, 10**6, 5)
    file.append(line("b"), WALL)
    file.append(line("c"), WALL)
    file.close()
    lines = Lines([path])
    assert [one.request for one in lines] == ["a", "b", "c"]
    assert lines.broken == 1


def test_a_file_that_was_moved_away_is_begun_anew(path):
    file = File(path, 10**6, 5)
    file.append(line("a"), WALL)
    path.rename(path.with_name("taken"))
    file.append(line("b"), WALL)
    file.close()
    assert names(path) == ["b"]


def test_while_its_folder_is_gone_nothing_is_written_and_afterwards_it_is(tmp_path):
    folder = tmp_path / "away"
    folder.mkdir()
    file = File(folder / "decisions.jsonl", 10**6, 5)
    file.append(line("a"), WALL)
    (folder / "decisions.jsonl").unlink()
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        file.append(line("b"), WALL)
    folder.mkdir()
    file.append(line("b"), WALL)
    file.close()
    assert names(folder / "decisions.jsonl") == ["b"]


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_written_to(path, kind):
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(OSError, match=r"directory|regular"):
        File(path, 10**6, 5).append(line("a"), WALL)


FULL = """
import resource, sys
from pathlib import Path
from router.telemetry.lines.files import File
path, whole = Path(sys.argv[1]), sys.argv[2].encode() + b"\\n"
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
file = File(path, 10**6, 5)
resource.setrlimit(resource.RLIMIT_FSIZE, (2 * len(whole) + 10, hard))
file.append(whole, 0.0)
try:
    file.append(whole * 2, 0.0)
except OSError as error:
    print(type(error).__name__, path.stat().st_size // len(whole))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
file.append(whole * 2, 0.0)
"""


def test_a_disk_that_is_full_takes_all_of_a_batch_or_none(path):
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(path), line("a").decode().strip()],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert ended.stdout.split() == ["OSError", "1"]
    assert names(path) == ["a"] * 3


MANY = """
import sys, time
from pathlib import Path
from router.telemetry.lines.files import File, pack
path, who, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
line = sys.argv[4]
file = File(path, 20_000, 1000)
for n in range(count):
    full = file.append(line.replace("WHO", f"{who}.{n}").encode() + b"\\n", time.time())
    if full is not None:
        list(pack(full))
"""


def test_several_processes_write_and_rotate_one_file_and_lose_nothing(path):
    told = line("WHO").decode().strip()
    command = [sys.executable, "-c", MANY, str(path)]
    running = [subprocess.Popen([*command, str(who), "400", told], cwd=ROOT) for who in range(3)]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    found = names(path)
    assert Counter(found) == Counter(f"{who}.{n}" for who in range(3) for n in range(400))
    assert len(written_beside(path)) > 20
    for who in range(3):  # each one's in its order
        assert [one for one in found if one.startswith(f"{who}.")] == [
            f"{who}.{n}" for n in range(400)
        ]
