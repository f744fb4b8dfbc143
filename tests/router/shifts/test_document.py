"""What is kept of shifts, and for how long."""

from __future__ import annotations

from policies.shifting import Terms, begin
from router.shifts.document import FORGOTTEN, MOST, changed, entry, progress


def test_progress_comes_back_as_it_was_kept() -> None:
    one = begin(Terms(), "r", 5.0)
    assert progress(entry(changed(None, "chat:r", one, 6.0), "chat:r")) == one


def test_what_is_malformed_is_nothing_that_is_known() -> None:
    for kept in (None, 7, {}, {"share": 2}, {"share": "x"}):
        assert progress(entry({"chat:r": kept}, "chat:r")) is None


def test_what_nobody_writes_any_more_is_forgotten_and_never_more_than_a_few_are_kept() -> None:
    one = begin(Terms(), "r", 5.0)
    document = changed(None, "old", one, 0.0)
    document = changed(document, "newer", one, 10.0)
    assert set(document) == {"old", "newer"}
    assert set(changed(document, "new", one, FORGOTTEN + 5.0)) == {"newer", "new"}
    for number in range(MOST + 5):
        document = changed(document, f"{number}", one, 20.0 + number)
    assert len(document) == MOST
    assert "newer" not in document
