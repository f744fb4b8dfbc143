"""What of a caller's words may stand in a header."""

from hypothesis import given
from hypothesis import strategies as st

from router.told import MOST_NAMES, listed


@given(st.lists(st.text(max_size=80), max_size=60))
def test_names_for_a_header_are_names_and_not_too_many(names: list[str]) -> None:
    shown = listed(names)
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.count(",") <= MOST_NAMES


def test_what_is_no_name_is_not_shown_as_one() -> None:
    assert listed(["top_k", "a\r\nset-cookie: x", "\0", "top_k"]) == "top_k, unnamed"
    assert listed([f"n{number}" for number in range(40)]).endswith("n29, 10 more")
