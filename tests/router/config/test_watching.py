"""Files are read once they are others, and whoever writes them has paused."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from router.config.watching import LONGEST, OFTEN, QUIET, SELDOM, SURE, Watch, stamp


def rewritten(path: Path) -> None:
    path.write_text("b: 2")


def renamed_over(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_text(path.read_text())
    beside.rename(path)


def copied_with_its_times(path: Path) -> None:
    """As `cp -p` and `rsync -t` do: the same size, and the same time."""
    before = path.stat()
    path.write_text("c: 3")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def led_elsewhere(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")
    path.with_name("other").write_text("a: 1")
    beside = path.with_name("beside")
    beside.symlink_to("other")
    beside.rename(path)


CHANGES = (rewritten, renamed_over, copied_with_its_times, led_elsewhere, Path.unlink)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text("a: 1")
    return path


def watch(path: Path) -> Watch:
    return Watch({path: stamp(path)}, 0.0)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen_and_read_once_it_has_come_to_rest(
    path: Path, change: Callable[[Path], None]
) -> None:
    watched = watch(path)
    assert not watched.look(1.0)
    assert watched.pause == SELDOM
    change(path)
    assert not watched.look(2.0)
    assert watched.pause == OFTEN
    assert watched.look(2.0 + QUIET)


def test_what_was_read_is_not_read_again(path: Path) -> None:
    watched = watch(path)
    rewritten(path)
    watched.look(1.0)
    assert watched.look(2.0)
    watched.settle({path: stamp(path)}, 2.0)
    assert not watched.look(3.0)
    assert watched.pause == SELDOM


def test_a_change_between_reading_and_settling_is_seen(path: Path) -> None:
    watched = watch(path)
    read = {path: stamp(path)}
    rewritten(path)
    watched.settle(read, 1.0)
    assert not watched.look(1.2)
    assert watched.look(1.2 + QUIET)


def test_what_is_doubted_is_read_again_only_when_it_is_sure(path: Path) -> None:
    watched = watch(path)
    rewritten(path)
    watched.look(1.0)
    assert watched.look(1.0 + QUIET)
    watched.doubt()
    assert not watched.look(1.0 + SURE - OFTEN)
    assert watched.look(1.0 + SURE)
    assert watched.sure(1.0 + SURE)


def test_what_was_doubted_and_has_changed_is_read_as_soon_as_any_other(path: Path) -> None:
    watched = watch(path)
    rewritten(path)
    watched.look(1.0)
    watched.look(1.0 + QUIET)
    watched.doubt()
    renamed_over(path)
    assert not watched.look(1.2)
    assert watched.look(1.2 + QUIET)
    assert not watched.sure(1.2 + QUIET)


def test_files_that_never_come_to_rest_are_read_all_the_same(path: Path) -> None:
    watched = watch(path)
    read = []
    for step in range(40):
        path.write_text("x" * step)
        now = 1.0 + step * OFTEN
        if watched.look(now):
            read.append(now)
            watched.settle({path: stamp(path)}, now)
    assert 1.0 + LONGEST <= read[0] <= 1.0 + LONGEST + OFTEN
    assert len(read) >= 3


def test_what_went_and_came_back_is_nothing_new(path: Path) -> None:
    watched = watch(path)
    path.rename(path.with_name("away"))
    assert not watched.look(1.0)
    path.with_name("away").rename(path)
    watched.look(1.1)
    # Renaming is a change of state: it is read, and found to say the same.
    assert watched.look(1.1 + QUIET)


def test_there_is_nothing_at_a_path_that_cannot_be() -> None:
    assert stamp(Path("a\0b")) is None
