"""Regular expressions that cannot take long."""

from __future__ import annotations

import re
from contextlib import suppress
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cascade.pattern import LONGEST, BadPattern, Pattern, TooMuch

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\s", r"\.", "(?:ab|b)", "(a|)", "^", "$", "(b*)"]
)
COUNTS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?"])


def counted(pair: tuple[str, str]) -> str:
    atom, count = pair
    return atom if atom in "^$" else atom + count


ROWS = st.lists(st.tuples(ATOMS, COUNTS).map(counted), max_size=5).map("".join)
EXPRESSIONS = st.lists(ROWS, min_size=1, max_size=3).map("|".join)


@given(EXPRESSIONS, st.text(alphabet="ab1 .\n", max_size=12))
def test_it_finds_what_python_finds(expression: str, text: str) -> None:
    # Python's $ also stands before a last line break, ours at the end alone.
    theirs = re.compile(expression.replace("$", r"\Z"), re.DOTALL)
    assert Pattern(expression).found_in(text) == bool(theirs.search(text))


@pytest.mark.parametrize(
    ("expression", "good", "bad"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "2026-11-22", "on 2026-11-22"),
        (r"(?i)^(yes|no)\.?$", "YES.", "maybe"),
        (r"^\{.*\}$", '{"a":\n 1}', "a {}"),
        (r"[^\]\[]+!", "so!", "[]"),
        ("x{2}y{,1}", "xx", "x"),
        ("é+", "café", "cafe"),
        ("a{b", "a{b", "ab"),
    ],
)
def test_ordinary_expressions_mean_what_they_mean(expression: str, good: str, bad: str) -> None:
    assert Pattern(expression).found_in(good)
    assert not Pattern(expression).found_in(bad)


@pytest.mark.parametrize("expression", ["(a+)+$", "^(a|a)*$", "(.*)*x", "a*a*a*a*a*a*a*b"])
def test_what_takes_others_for_ever_takes_as_long_as_the_text(expression: str) -> None:
    pattern = Pattern(expression)
    began = process_time()
    assert not pattern.found_in("a" * 50_000 + "!")
    assert process_time() - began < 2.5


def test_what_is_too_much_is_said_and_not_done() -> None:
    with pytest.raises(TooMuch):
        Pattern("a").found_in("b" * (LONGEST + 1))
    rng = Random(1)
    text = "".join(rng.choice("ab") for _ in range(40_000))
    with pytest.raises(TooMuch):
        Pattern("(a|b)*a(a|b){200}c").found_in(text)


@pytest.mark.parametrize(
    "expression",
    [r"(a)\1", "(?=a)", "(?<!a)b", "(?P<n>a)", r"\bword\b", "a**", "a++", "*a", "(a", "a)",
     "[a", "[z-a]", "a{3,2}", "(a{500}){500}", "^*", "[[:alpha:]]", "\\"],
)  # fmt: skip
def test_what_has_no_such_form_is_refused(expression: str) -> None:
    with pytest.raises(BadPattern):
        Pattern(expression)


@given(st.text(max_size=20))
def test_any_text_is_an_expression_or_refused(expression: str) -> None:
    with suppress(BadPattern, TooMuch):
        Pattern(expression).found_in("abc")
