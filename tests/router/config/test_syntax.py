"""Whatever bytes a file holds, what is said about them has a place and a remedy, and comes soon."""

import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.config import ConfigError, load
from tests.router.config.samples import MODELS, PROVIDERS, SHIPPED, loaded, said

BASE = PROVIDERS + MODELS


def only(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load(path, {})
    (problem,) = raised.value.problems
    return str(problem)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    path = tmp_path / "providers.yaml"
    assert only(path) == f"{path}:1:1: there is no such file; check the path"


def test_a_directory_is_not_a_file(tmp_path):
    assert only(tmp_path) == f"{tmp_path}:1:1: this is a directory; name the file in it"


def test_a_path_through_a_file_cannot_be_read(tmp_path):
    (tmp_path / "a").write_text("")
    assert "the file cannot be read: Not a directory; " in only(tmp_path / "a" / "b")
    assert "the file cannot be read: not a path; " in only(Path("a\0b"))


def test_a_byte_order_mark_is_named_and_the_rest_is_still_checked():
    first, second = said(b"\xef\xbb\xbf" + (BASE + "servr: 1\n").encode())
    assert first.startswith("1:1: the file begins with a byte order mark; save it as UTF-8")
    assert second.startswith('8:1: unknown key "servr"')


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"version: 1\nname: \xfc\n", "2:7: "),
        ("name: é\nname: ü".encode() + b"\xff", "2:8: "),
        ("version: 1".encode("utf-16"), "1:1: "),
    ],
)
def test_text_that_is_not_utf_8_is_named_where_it_begins(content, place):
    (line,) = said(content)
    assert line.startswith(f"{place}the file is not UTF-8 text; save it as UTF-8")


def test_a_file_is_not_read_past_its_largest_size():
    assert said(b"#" * 1024**2) == ["1:1: the file is empty; begin it with `version: 1`"]
    assert said(b"#" * (1024**2 + 1)) == [
        "1:1: the file is larger than 1 MiB; is it the right file?"
    ]


def bomb(levels: int = 9) -> str:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        text += f"a{level}: &a{level} [{aliases}]\n"
    return text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[" * 1_000_000, "nested deeper than 32 levels"),
        ("a: " + "{" * 1_000_000, "nested deeper than 32 levels"),
        ("[\n" * 500_000, "nested deeper than 32 levels"),
        ("- " * 500_000, "nested deeper than 32 levels"),
        ("".join(" " * n + "a:\n" for n in range(1400)), "nested deeper than 32 levels"),
        ("a: [" + "b," * 500_000 + "]", "more than 50,000 values"),
        (bomb(), "aliases that stand for more than 50,000 values"),
        ("a: &a [*a]", "an alias that contains itself"),
        ("a: &a {b: *a}", "an alias that contains itself"),
    ],
    ids=["lists", "mappings", "lines", "entries", "blocks", "values", "bomb", "circle", "table"],
)
def test_a_file_that_unfolds_without_end_is_refused_soon(text, what):
    began = time.process_time()
    (line,) = said(text)
    assert what in line
    assert time.process_time() - began < 5


def test_many_mistakes_are_all_named_and_soon():
    targets = "".join(f"    t{n}/m: 1\n" for n in range(5_000))
    began = time.process_time()
    problems = said(PROVIDERS + "models:\n  chat:\n   targets:\n" + targets)
    assert len(problems) == 5_000
    assert time.process_time() - began < 10


def test_an_alias_is_a_value_written_once():
    config = loaded(
        "version: 1\nproviders:\n"
        "  a: {dialect: simulated, models: {m: &slow {first_token: 2s}}}\n"
        "  b: {dialect: simulated, models: {m: *slow}}\n"
        "models: {chat: {targets: [a/m, b/m]}}\n"
    )
    assert config.providers["b"].models["m"] == config.providers["a"].models["m"]


def test_every_bare_variable_in_brackets_is_named_at_once_beside_other_mistakes():
    problems = said(
        "version: 1\n"
        "providers:\n"
        "  p: {base_url: ${URL}, api_key: ${KEY:-}, models: {m: {context: [${A}]}}}\n"
        "models:\n"
        "  chat: {targets: {${T}: 1, ${U}: 2}, deadlin: 3s}\n"
    )
    places = [problem.partition(" ")[0] for problem in problems]
    assert places == ["3:17:", "3:34:", "3:66:", "3:67:", "5:20:", "5:29:", "5:39:"]


def test_a_date_or_a_version_can_be_the_name_of_a_model():
    text = PROVIDERS.replace("slow", "2026-08-20") + "models: {chat: {targets: [sim/2026-08-20]}}\n"
    assert "2026-08-20" in loaded(text).providers["sim"].models


WORDS = """
    version: providers: models: tenants: server: defaults: sim chat targets tiers policy priority
    weight keys like preset openai base_url api_key limits requests 5/min 3s yes no ~ 1:30 010 [ ] {
    } ${A} ${A:-} ${ ' " *a # \\ % é 🚃
"""
SPACED = [" ", "\n", "\n  ", "\n    ", ": ", "- ", ", ", "&a ", "!x ", "? ", "<<: ", "\t"]
FRAGMENTS = st.sampled_from([*WORDS.split(), *SPACED, "\x85", "\u2028", "\ufeff"])


@settings(deadline=None)
@given(st.lists(FRAGMENTS, max_size=60).map("".join))
@example('"\\ud800": 1')
@example("? ")
@example("a: !!int 'x'")
@example("a: !!float x")
@example("a: 1_: 1__0 - 0_")
@example("%YAML 9" + "9" * 5000 + ".1\n---\na")
@example(f"a: {'9' * 5000}")
@example("!!timestamp a: =\n")
def test_no_text_makes_loading_fail_in_any_other_way(text):
    for line in said(text):
        place, _, rest = line.partition(": ")
        row, _, column = place.partition(":")
        assert int(row) >= 1
        assert int(column) >= 1
        assert "; " in rest


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_loading_fail_in_any_other_way(content):
    assert said(content)


TEXT = SHIPPED.read_text(encoding="utf-8")


@settings(deadline=None)
@given(st.data())
def test_no_damage_to_the_shipped_file_makes_loading_fail_in_any_other_way(data):
    start = data.draw(st.integers(0, len(TEXT)))
    stop = data.draw(st.integers(start, min(len(TEXT), start + 30)))
    said(TEXT[:start] + data.draw(FRAGMENTS) + TEXT[stop:])
