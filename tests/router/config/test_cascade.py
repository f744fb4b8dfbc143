"""A route's cascade: what may be written of it, and what is wrong with it."""

import pytest

from router.cascade.checks import BEGINNINGS
from router.config import Audit, Cascade, CheckSpec, Rate, words
from router.config.cascade import AT_ONCE
from router.config.values import Extent
from tests.router.config.samples import loaded, said

FILE = """
version: 1
server: {plugins: [mine]}
providers:
  sim: {dialect: simulated, models: [a, b]}
models:
  chat: {policy: cost_tiers, tiers: [[sim/a], [sim/b]], cascade: %s}
  judge: {targets: [sim/b]}
"""
DAY = 86_400.0
FIVE = ("empty", "finish", "refusal", "schema", "tools")


def cascade(written):
    return loaded(FILE % written).models["chat"].cascade


def problem(written):
    [told] = said(FILE % written)
    return told


@pytest.mark.parametrize("written", ["auto", "{}", ""])
def test_without_more_the_checks_that_ask_nobody_are_made(written):
    assert cascade(written) == Cascade(tuple(CheckSpec(name) for name in FIVE), None)


def test_everything_can_be_said():
    checks = "empty, {length: 20..2k}, {match: '^a+$'}, mine:good, "
    checks += "{judge: judge, ask: 'Is it?', budget: $1/hour}"
    audit = "{by: mine:better, share: 10%, bound: 1%, spend: none}"
    assert cascade(f"{{checks: [{checks}], audit: {audit}}}") == Cascade(
        (
            CheckSpec("empty"),
            CheckSpec(length=Extent(20, 2000)),
            CheckSpec(match="^a+$"),
            CheckSpec("mine:good"),
            CheckSpec(judge="judge", ask="Is it?", budget=Rate(1_000_000_000, 3600.0)),
        ),
        Audit("mine:better", 0.1, 0.01, None),
    )


@pytest.mark.parametrize(("written", "head"), [("8KiB", 8192), ("256KiB", 262_144), ("1", 1)])
def test_a_head_is_a_size(written, head):
    assert cascade(f"{{head: {written}}}") == Cascade(head=head)
    assert cascade(f"{{checks: [empty], head: {written}}}").head == head


def test_a_head_that_no_check_looks_at_is_noted():
    config = loaded(FILE % "{checks: [finish, {judge: judge}], head: 8KiB}")
    [note] = [str(one) for one in config.notes]
    assert "streams longer than head pass" in note
    assert not loaded(FILE % "{checks: [finish, refusal], head: 8KiB}").notes
    assert not loaded(FILE % "{head: 8KiB}").notes
    assert {*AT_ONCE} == BEGINNINGS.keys()


def test_an_audit_is_named_by_how_it_compares():
    assert cascade("{audit: schema}").audit == Audit("schema")
    assert cascade("{audit: }").audit == Audit()
    assert Audit() == Audit("exact", 0.02, 0.05, Rate(5_000_000_000, DAY))


@pytest.mark.parametrize(
    ("written", "extent"),
    [("20..", Extent(20, None)), ("..2k", Extent(0, 2000)), ("1..1", Extent(1, 1))],
)
def test_a_length_has_one_end_or_two(written, extent):
    assert cascade(f"{{checks: [{{length: {written}}}]}}").checks[0].length == extent


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{checks: [emty]}", 'there is no check "emty"; did you mean "empty"?'),
        ("{checks: [auto]}", "write cascade: auto for all of them"),
        ("{checks: auto}", "write it as [empty, finish], or cascade: auto for all that ask nobody"),
        ("{checks: []}", "a cascade without a check"),
        ("{checks: [{ask: why}]}", "a check that is none"),
        ("{checks: [{length: 1.., match: a}]}", "a check with length and match"),
        ("{checks: [{length: 5..1}]}", "ends before it begins"),
        ("{checks: [{length: 12}]}", "is not from a count to a count"),
        ("{checks: [{match: '(a'}]}", "a bracket is not closed"),
        ("{checks: [{match: '(?=a)'}]}", "is no regular expression that is taken here"),
        ("{checks: [{judge: juge}]}", 'there is no model "juge" to judge'),
        ("{checks: [{match: a, budget: none}]}", "budget is a judge's"),
        ("{checks: ['yours:good']}", "is not in server.plugins"),
        ("{head: 0}", "head"),
        ("{head: 1MiB}", "a head of more than 256KiB"),
        ("{head: 262145}", "write 256KiB or less"),
        ("{audit: words}", 'answers cannot be compared by "words"'),
        ("{audit: 'yours:better'}", "is not in server.plugins"),
        ("{audit: {share: 2}}", "share"),
        ("always", "cascade"),
        ("{check: [empty]}", "check"),
    ],
)
def test_what_is_wrong_is_an_error_in_its_place(written, words):
    assert words in problem(written)


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("{targets: [sim/a], cascade: auto}", "cascade is for policy cost_tiers"),
        ("{policy: priority, tiers: [[sim/a], [sim/b]], cascade: auto}", "for policy cost_tiers"),
        ("{policy: cost_tiers, tiers: [[sim/a]], cascade: auto}", "a cascade in one tier"),
    ],
)
def test_a_cascade_is_among_tiers(route, words):
    text = FILE.partition("  chat:")[0] + f"  chat: {route}\n"
    [told] = said(text)
    assert words in told


def test_a_change_is_told_in_words():
    old, new = loaded(FILE % "auto"), loaded(FILE % "{checks: [empty, {match: x}], audit: exact}")
    [told] = words(old, new)
    assert "cascade empty, finish, refusal, schema, tools → empty, match; 2% audited" in told


def test_a_head_that_changes_is_told_in_words():
    old, new = loaded(FILE % "{checks: [empty]}"), loaded(FILE % "{checks: [empty], head: 8KiB}")
    assert words(old, new) == ["chat: cascade empty → empty; of streams the first 8KiB"]
