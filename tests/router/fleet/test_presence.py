"""What instances say of themselves, and what is made of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.fleet.presence import DRIFT, UNREADABLE, Drift, Said, Seen, in_order, read


def said(since: float = 100.0, revision: str = "r1") -> Said:
    return Said("host", 7, "1.0", revision, since, {"a/m": 250_000})


def test_a_beat_tells_who_is_there_and_when_each_was_heard() -> None:
    rows = [[b"one", 5_000, msgspec.json.encode(said())], [b"two", 4_250, b"?"]]
    beat = read([5_000, rows], now=70.0)
    assert beat.seen == {"one": Seen(said(), 70.0), "two": Seen(UNREADABLE, 69.25)}
    assert beat.malformed == 1


@given(st.binary(max_size=100), st.integers(), st.integers())
def test_whatever_an_instance_says_it_is_there(words: bytes, at: int, spoke: int) -> None:
    try:
        beat = read([at, [[words, spoke, words]]], now=1e9)
    except msgspec.ValidationError:
        return
    assert len(beat.seen) == 1
    assert all(seen.heard <= 1e9 for seen in beat.seen.values())


@pytest.mark.parametrize("told", [None, [], [1], [1, [[b"one", b"x", b""]]], b"OK"])
def test_an_answer_of_another_script_is_no_beat(told: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(told, 0.0)


def test_who_runs_longest_is_first_by_rank() -> None:
    seen = {name: Seen(said(since), 0.0) for name, since in [("c", 5.0), ("b", 9.0), ("a", 9.0)]}
    assert in_order(seen) == ["c", "a", "b"]


def test_drift_is_told_once_after_a_minute_and_its_end_once() -> None:
    drift = Drift()
    assert drift.look({"r1", "r2"}, 0.0) is None
    assert drift.look({"r1", "r2"}, DRIFT) is None
    assert drift.look({"r1", "r2"}, DRIFT + 1) is True
    assert drift.look({"r1", "r3"}, DRIFT + 2) is None
    assert drift.look({"r3"}, DRIFT + 3) is False
    assert drift.look({"r3"}, DRIFT + 4) is None


def test_a_file_on_its_way_to_all_machines_is_no_drift() -> None:
    drift = Drift()
    assert drift.look({"r1", "r2"}, 0.0) is None
    assert drift.look({"r2"}, DRIFT - 1) is None
    assert drift.look({"r2", "r3"}, DRIFT + 1) is None
    assert drift.look({"r2", "r3"}, DRIFT + 2) is None
