"""Files of lines are read back whatever became of them."""

import gzip
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.telemetry.lines.line import Line
from router.telemetry.lines.reading import LONGEST, Lines, written_beside
from tests.router.telemetry.lines.made import LINE, NOBODY

ENCODED = [msgspec.json.encode(line) + b"\n" for line in (LINE, NOBODY)]
WHOLE = b"".join(ENCODED)


def read(path: Path, content: bytes) -> tuple[list[Line], int]:
    path.write_bytes(content)
    lines = Lines([path])
    return list(lines), lines.broken


def test_lines_are_read_back_plain_and_packed(tmp_path):
    assert read(tmp_path / "a.jsonl", WHOLE) == ([LINE, NOBODY], 0)
    assert read(tmp_path / "a.jsonl.gz", gzip.compress(WHOLE)) == ([LINE, NOBODY], 0)


def test_a_last_line_that_was_cut_off_is_counted_and_passed_over(tmp_path):
    assert read(tmp_path / "a", WHOLE + ENCODED[0][:-30]) == ([LINE, NOBODY], 1)


def test_a_packed_file_that_was_cut_off_gives_what_is_whole(tmp_path):
    lines, broken = read(tmp_path / "a.gz", gzip.compress(WHOLE)[:-9])
    assert lines in ([LINE, NOBODY], [LINE], [])
    assert broken == 1


def test_a_line_that_is_none_costs_the_others_nothing(tmp_path):
    nonsense = b'{"v": 2}\n[1]\n' + b"[" * 50_000 + b"\n\xff\xfe\n" + b"x" * (2 * LONGEST + 9)
    lines, broken = read(tmp_path / "a", ENCODED[0] + nonsense + b"\n" + ENCODED[1])
    assert lines == [LINE, NOBODY]
    assert broken == 5


def test_fields_that_a_later_version_adds_are_passed_over(tmp_path):
    later = WHOLE.replace(b'"v":1', b'"v":1,"new":{"a":[1]}')
    assert read(tmp_path / "a", later) == ([LINE, NOBODY], 0)


@given(st.lists(st.one_of(st.sampled_from(ENCODED), st.binary(max_size=40)), max_size=8), st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_stands_in_a_file_it_is_read_to_its_end(tmp_path_factory, parts, data):
    path = tmp_path_factory.getbasetemp() / "any"
    content = b"".join(parts)
    if data.draw(st.booleans()):
        content = gzip.compress(content)
    content = content[: data.draw(st.integers(0, len(content)))]
    lines, _ = read(path, content)
    assert all(line in (LINE, NOBODY) for line in lines)


@given(st.integers(0, len(WHOLE)))
@settings(deadline=None)
def test_wherever_a_file_breaks_off_at_most_one_line_is_lost(tmp_path_factory, at):
    lines, broken = read(tmp_path_factory.getbasetemp() / "cut", WHOLE[:at])
    ends = [len(ENCODED[0]), len(WHOLE)]
    # The last line of a file may lack nothing but its end.
    assert len(lines) == sum(at >= end - 1 for end in ends)
    assert broken == (at not in (0, *ends, *(end - 1 for end in ends)))


def test_all_files_of_a_router_are_found_oldest_first(tmp_path):
    names = [
        "decisions.20261122T131741382Z.jsonl.gz",
        "decisions.20261122T140000001Z.jsonl",
        "decisions.20261122T150000001Z.jsonl.gz",
        "decisions.jsonl",
    ]
    others = [
        "decisions.20261122T150000001Z.jsonl",  # packed, and not removed yet
        "decisions.20261122T150000001Z.jsonl.gz.part",
        "decisions.jsonl.bak",
        "other.jsonl",
        "decisions.x.jsonl",
    ]
    for name in [*names, *others]:
        (tmp_path / name).write_bytes(b"")
    assert [one.name for one in written_beside(tmp_path / "decisions.jsonl")] == names


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(Lines([tmp_path / "missing"]))
