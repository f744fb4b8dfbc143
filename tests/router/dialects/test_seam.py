"""Where a new text goes on from one that a client has: nothing lost, none doubled, or nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.seam import (
    LEAST_ECHO,
    MOST_KEPT,
    Begun,
    Rest,
    Seam,
    characters,
    is_echo,
    sendable,
    units,
)

TEXTS = st.text(min_size=1, max_size=80) | st.text("ab", min_size=1, max_size=80)
LONG = "A sentence of which nobody says that it is short."


def halves(text: str) -> str:
    """`text` with each character beyond the first 65,536 as two halves."""
    written = units(text)
    return "".join(characters(written[at : at + 2]) for at in range(0, len(written), 2))


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def joined(seam: Seam | Rest, text: str, cuts: list[int]) -> str:
    return "".join([*(seam.feed(piece) for piece in pieces(text, cuts)), seam.end()])


CUTS = st.lists(st.integers(0, 200), max_size=8)


@given(TEXTS, st.integers(1, 200), CUTS)
def test_the_same_text_again_goes_on_where_the_first_ended(
    text: str, at: int, cuts: list[int]
) -> None:
    whole = halves(text)
    had = whole[: 1 + at % len(whole)]
    seam = Seam(had, again=True)
    told = joined(seam, text, cuts)
    assert not seam.failed
    assert units(had + told) == units(text)


@given(TEXTS, TEXTS, CUTS)
def test_another_text_is_taken_only_as_far_as_it_is_the_same(
    had: str, text: str, cuts: list[int]
) -> None:
    seam = Seam(had, again=True)
    told = joined(seam, text, cuts)
    assert seam.failed is not text.startswith(had)
    assert told == ("" if seam.failed else text[len(had) :])


@given(TEXTS, st.text(max_size=80), CUTS)
def test_a_rest_is_taken_as_it_is_unless_it_might_be_an_echo(
    had: str, rest: str, cuts: list[int]
) -> None:
    seam = Seam(had, again=False)
    told = joined(seam, rest, cuts)
    if not rest.startswith(had):
        assert (told, seam.failed) == (rest, False)
    elif not is_echo(had):
        assert (told, seam.failed) == ("", True)
    else:
        assert (told, seam.failed) == (rest[len(had) :], False)


@given(st.text(max_size=80), CUTS)
def test_an_echo_of_all_that_a_client_has_is_left_out(rest: str, cuts: list[int]) -> None:
    seam = Seam(LONG, again=False)
    assert joined(seam, LONG + rest, cuts) == rest
    assert not seam.failed


SPACED = st.text("ab \n", min_size=1, max_size=40).filter(str.strip)


@given(SPACED, SPACED, CUTS)
def test_white_space_at_the_seam_is_neither_lost_nor_doubled(
    had: str, rest: str, cuts: list[int]
) -> None:
    text, sent = had + rest, sendable(had)
    seam = Rest(had)
    told = joined(seam, text[len(sent) :], cuts)
    assert seam.failed or had + told == text
    assert not seam.failed or text.startswith(sent, len(sent))


@pytest.mark.parametrize("rest", ["", "\n", "\n\n"])
def test_a_rest_may_end_within_the_white_space_that_a_client_has(rest: str) -> None:
    seam = Rest("The end.\n\n")
    assert joined(seam, rest, []) == ""
    assert not seam.failed


def test_a_rest_that_goes_on_without_it_is_another_text() -> None:
    seam = Rest("The end.\n\n")
    assert joined(seam, "\nor not", []) == ""
    assert seam.failed


@pytest.mark.parametrize("had", ["no", "ha " * LEAST_ECHO, "\n" * LEAST_ECHO])
def test_what_may_be_an_echo_or_a_repetition_is_neither(had: str) -> None:
    seam = Seam(had, again=False)
    assert seam.feed(had + " and more") == ""
    assert seam.failed
    assert (seam.feed("more"), seam.end()) == ("", "")


def test_what_begun_is_kept_and_a_fork_adds_to_its_own() -> None:
    begun = Begun()
    begun.add("one\r\n")
    begun.marks["id"] = "a"
    fork = begun.fork()
    fork.add("two")
    assert (begun.text, begun.tokens, fork.text, fork.tokens) == ("one\r\n", 1, "one\r\ntwo", 2)
    assert fork.marks == begun.marks


def test_a_text_beyond_the_bound_is_not_kept() -> None:
    begun = Begun()
    begun.add("x" * MOST_KEPT)
    assert begun.sound
    begun.add("x")
    begun.add("x")
    assert (begun.sound, begun.text) == (False, "")
