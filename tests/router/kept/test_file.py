"""Documents of one process, in a real file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from router.kept.contract import LARGEST, Document, TooLarge
from router.kept.file import MOST_BYTES, File


class Process(File):
    """One that keeps documents there. `events` is its log."""

    def __init__(self, path: Path | None) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        super().__init__(path, lambda text, **more: self.events.append((text, more)))


@asynccontextmanager
async def process(path: Path | None) -> AsyncIterator[Process]:
    one = Process(path)
    await one.start()
    try:
        yield one
    finally:
        await one.close()


class Seen(NamedTuple):
    """What a folder holds, by name, and how its files may be used."""

    bytes: dict[str, bytes]
    modes: set[int]


def seen(folder: Path) -> Seen:
    files = list(folder.iterdir())
    return Seen(
        {file.name: file.read_bytes() for file in files},
        {file.stat().st_mode & 0o777 for file in files},
    )


def write(path: Path, told: bytes) -> None:
    path.write_bytes(told)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def put(**fields: Any) -> Any:
    return lambda _: fields


def counted(document: Document | None) -> Document:
    return {"count": (document or {"count": 0})["count"] + 1}


async def test_what_was_changed_is_there_after_a_restart(path: Path) -> None:
    async with process(path) as one:
        assert one.read("it") is None
        assert await one.change("it", put(weight=3, who="Zoë")) == {"weight": 3, "who": "Zoë"}
        assert one.read("it") == {"weight": 3, "who": "Zoë"}
        await one.change("other", put(a=[1]))
        await one.change("other", lambda _: None)
    async with process(path) as again:
        assert again.read("it") == {"weight": 3, "who": "Zoë"}
        assert again.read("other") is None
        assert (again.events, again.why) == ([], "")


async def test_a_file_is_there_from_the_first_change_on_for_its_owner_alone(path: Path) -> None:
    async with process(path) as one:
        await one.change("it", lambda _: None)
        assert seen(path.parent).bytes == {}
        await one.change("it", put(a=1))
    found = seen(path.parent)
    assert (list(found.bytes), found.modes) == ([path.name], {0o600})


async def test_changes_at_once_all_count_and_are_written_in_order(path: Path) -> None:
    async with process(path) as one:
        await asyncio.gather(*(one.change("it", counted) for _ in range(40)))
    async with process(path) as again:
        assert again.read("it") == {"count": 40}


async def test_who_leaves_before_it_is_written_leaves_it_written(path: Path) -> None:
    async with process(path) as one:
        left = asyncio.ensure_future(one.change("it", put(a=1)))
        await asyncio.sleep(0)
        left.cancel()
        assert one.read("it") == {"a": 1}
    assert json.loads(seen(path.parent).bytes[path.name])["documents"] == {"it": {"a": 1}}


async def test_whoever_wishes_hears_of_every_other_copy_and_of_no_same_one(path: Path) -> None:
    heard: list[Document | None] = []
    async with process(path) as one:
        one.on_change("it", heard.append)
        await one.change("it", put(a=1))
        await one.change("it", put(a=1))
        await one.change("other", put(a=2))
        await one.change("it", lambda _: None)
    assert heard == [{"a": 1}, None]
    async with process(path) as one:
        await one.change("it", put(b=2))
    again = Process(path)
    again.on_change("it", heard.append)
    await again.start()
    await again.close()
    assert heard[2:] == [{"b": 2}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"form": 2, "documents": {}}',
        '{"form": 1, "documents": {"it": 3}}',
        '{"form": 1, "documents": {}, "more": 1}',
        "[" * 100_000,
        "\udcff",
        '{"form": 1, "documents": {"it": {"a": "' + "x" * 2 * MOST_BYTES + '"}}}',
    ],
    ids=["empty", "cut", "list", "form", "document", "more", "deep", "bytes", "large"],
)
async def test_a_file_that_is_none_is_named_kept_aside_and_begun_anew(
    text: str, path: Path
) -> None:
    write(path, told := text.encode(errors="surrogateescape"))
    async with process(path) as one:
        [(said, more)] = one.events
        assert "cannot be read, it is begun anew" in said
        assert more["file"] == str(path)
        assert more["why"]
        assert "start" in str(more["then"])
        assert one.read("it") is None
        await one.change("it", put(a=1))
        assert (one.why, len(one.events)) == ("", 1)
    assert seen(path.parent).bytes[f"{path.name}.unreadable"] == told
    assert more["kept_as"] == f"{path}.unreadable"
    async with process(path) as again:
        assert again.read("it") == {"a": 1}


async def test_a_folder_that_takes_no_file_costs_no_change_and_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "no-such-folder" / "state.json"
    async with process(path) as one:
        await one.change("it", put(a=1))
        await one.change("it", put(a=2))
        assert one.read("it") == {"a": 2}
        assert one.why == f"{path} cannot be written: No such file or directory"
        assert len(one.events) == 1
        path.parent.mkdir()
        await one.change("it", put(a=3))
        assert one.why == ""
        assert "again" in one.events[-1][0]


async def test_a_file_that_two_write_is_said_to_be_so(path: Path) -> None:
    async with process(path) as one, process(path) as other:
        await one.change("it", put(a=1))
        await other.change("it", put(a=2))
        assert one.events == []
        [(said, more)] = other.events
        assert "changed by another" in said
        assert "server.state" in str(more["then"])


async def test_without_a_file_it_is_kept_as_long_as_the_process(tmp_path: Path) -> None:
    async with process(None) as one:
        await one.change("it", put(a=1))
        assert one.read("it") == {"a": 1}
        assert "in this process alone" in one.where
    assert seen(tmp_path).bytes == {}


async def test_what_is_too_large_is_refused_and_changes_nothing(path: Path) -> None:
    async with process(path) as one:
        await one.change("it", put(a=1))
        with pytest.raises(TooLarge, match="at most"):
            await one.change("it", put(a="x" * LARGEST))
        assert one.read("it") == {"a": 1}
        for number in range(MOST_BYTES // LARGEST):
            await one.change(f"it-{number}", put(a="x" * (LARGEST - 1000)))
        with pytest.raises(TooLarge, match="the file has"):
            await one.change("one more", put(a="x" * (LARGEST - 1000)))
