"""Where decisions are written, and those of which requests."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import units, words
from router.config.startup import DecisionFile
from router.config.units import Unreadable
from tests.router.config.samples import MODELS, PROVIDERS, loaded, noted, said

FILE = "server: {decisions: {file: {path: decisions.jsonl, rotate: 64kB, keep: 3}}}\n"
ROUTE = "models:\n  chat: {targets: [sim/fast], decisions: %s}\n"


def test_without_a_file_none_is_written():
    config = loaded(PROVIDERS + MODELS)
    assert config.server.decisions.file is None


def test_a_file_stands_beside_the_one_that_names_it():
    config = loaded(FILE + PROVIDERS + MODELS)
    told = config.server.decisions.file
    assert told == DecisionFile(config.path.parent / "decisions.jsonl", 64_000, 3)
    assert (config.server.decisions.keep, config.models["chat"].decisions) == (1000, 1.0)
    alone = loaded("server: {decisions: {file: {path: /var/log/d.jsonl}}}\n" + PROVIDERS + MODELS)
    assert alone.server.decisions.file == DecisionFile(Path("/var/log/d.jsonl"), 100 * 1024**2, 5)
    short = loaded("server: {decisions: {file: /var/log/d.jsonl}}\n" + PROVIDERS + MODELS)
    assert short.server == alone.server


def test_a_folder_that_is_not_there_is_a_note_and_no_error():
    [note] = noted(FILE.replace("decisions.jsonl", "none/d.jsonl") + PROVIDERS + MODELS)
    assert "is no folder: decisions are written once it is one" in note


def test_a_file_without_a_path_is_an_error():
    for written in ("{rotate: 1MiB}", ""):
        text = f"server: {{decisions: {{file: {written}}}}}\n" + PROVIDERS + MODELS
        [problem] = said(text)
        assert "file has no path; write `path: …` in it" in problem


@pytest.mark.parametrize(
    ("written", "part"), [("all", 1.0), ("none", 0.0), ("10%", 0.1), ("'0.5 %'", 0.005)]
)
def test_a_model_says_which_part_of_its_requests(written, part):
    config = loaded(FILE + PROVIDERS + ROUTE % written)
    assert config.models["chat"].decisions == part
    assert config.notes == ()


@pytest.mark.parametrize(
    "written", ["0.1", "some", "10", "", "-1%", "101%", "'%'", "[10%]", "true"]
)
def test_what_is_no_part_is_an_error_that_says_how_one_is_written(written):
    [problem] = said(FILE + PROVIDERS + ROUTE % written)
    assert "write it as 10%, all or none" in problem


def test_a_part_of_nothing_is_a_note():
    [note] = noted(PROVIDERS + ROUTE % "10%")
    assert "no decisions are written: there is no server.decisions.file" in note


def test_a_reload_says_that_it_changed_and_a_file_needs_a_restart():
    old = loaded(FILE + PROVIDERS + MODELS)
    new = loaded(FILE + PROVIDERS + ROUTE.replace("fast]", "fast, sim/slow]") % "2.5%")
    told = [line for line in words(old, new) if "server" not in line]
    assert told == ["chat: decisions all → 2.5%"]
    without = words(old, loaded(PROVIDERS + MODELS))
    assert without == ["server.decisions changed: it needs a restart"]


@given(st.integers(0, 10_000))
def test_a_part_is_read_as_it_is_shown(hundredths):
    part = hundredths / 10_000
    assert units.part(units.show_part(part)) == part


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_any_value_is_a_part_or_is_refused(value):
    with contextlib.suppress(Unreadable):
        assert 0 <= units.part(value) <= 1
