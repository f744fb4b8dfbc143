"""What is kept of shifts, and for how long."""

from __future__ import annotations

import pytest

from policies.shifting import Terms, begin
from router.shifts.document import FORGOTTEN, MOST, at, forgotten, progress, written

ONE = begin(Terms(), "r", 5.0)


def test_progress_comes_back_as_it_was_kept() -> None:
    assert progress(written(ONE, 6.0)) == ONE
    assert at(written(ONE, 6.0)) == 6.0


@pytest.mark.parametrize("kept", [None, {}, {"share": 2}, {"share": "x"}, {"since": 10**400}])
def test_what_is_malformed_is_nothing_that_is_known(kept: dict[str, object] | None) -> None:
    assert progress(kept) is None


@pytest.mark.parametrize("when", [None, "noon", 10**400, -(10**400), 1e300, float("nan"), []])
def test_when_it_was_written_is_an_instant_or_unknown(when: object) -> None:
    assert at({"at": when}) == 0.0


def test_what_is_in_no_file_is_forgotten_and_never_more_than_a_few_are_kept() -> None:
    others = {"old": written(ONE, 0.0), "newer": written(ONE, 10.0)}
    assert forgotten(others, FORGOTTEN - 1.0) == []
    assert forgotten(others, FORGOTTEN + 5.0) == ["old"]
    many = {f"{number}": written(ONE, 20.0 + number) for number in range(MOST + 2)}
    assert forgotten(many, 200.0) == ["0", "1"]
